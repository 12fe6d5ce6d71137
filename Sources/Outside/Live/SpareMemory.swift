import Glibc

/// What a program holds in memory and does not need while it is idle.
public enum SpareMemory {
    /// Gives back the pages of the program's own files that are as they are on disk (madvise(2),
    /// `MADV_DONTNEED`): they come back by themselves when they are used. The kernel maps sixteen
    /// for each that is touched and drops none by itself, and start-up touches most of a program.
    public static func release(_ files: any Files) throws {
        var mapped: (start: UInt, size: Int)?
        for line in (try files.text("/proc/self/smaps") ?? "").split(separator: "\n") {
            if let header = Header(line) {
                mapped = header.isFile && !header.isWritable ? (header.start, header.size) : nil
            } else if line.hasPrefix("Anonymous:"), let found = mapped {
                // Not so for what the loader has relocated and then made read-only.
                guard line.split(separator: " ").dropFirst().first == "0" else { continue }
                madvise(UnsafeMutableRawPointer(bitPattern: found.start), found.size, MADV_DONTNEED)
            }
        }
    }

    /// The first line about a mapping in proc_pid_smaps(5): `start-end r-xp offset device inode
    /// /path`.
    private struct Header {
        let start: UInt
        let size: Int
        let isWritable: Bool
        let isFile: Bool

        init?(_ line: Substring) {
            let parts = line.split(separator: " ", maxSplits: 5)
            let ends = parts.first?.split(separator: "-").compactMap { UInt($0, radix: 16) } ?? []
            guard parts.count >= 5, ends.count == 2, ends[0] < ends[1] else { return nil }
            (start, size) = (ends[0], Int(ends[1] - ends[0]))
            isWritable = parts[1].dropFirst().first == "w"
            isFile = parts.count == 6 && parts[5].drop { $0 == " " }.hasPrefix("/")
        }
    }
}
