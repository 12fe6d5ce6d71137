import CGlibc
import Glibc

/// What a program holds in memory and does not need while it is idle.
public enum SpareMemory {
    private static let page = Int(sysconf(Int32(_SC_PAGESIZE)))

    /// Gives back what the heap has free, and, if the program takes more than `shareMax` bytes, its
    /// share of shared pages counted, the pages of its own file: they come back by themselves when
    /// they are used. The kernel maps sixteen for each that is touched and drops none by itself,
    /// and start-up touches most of a program.
    public static func release(above shareMax: Int, _ files: any Files) throws {
        malloc_trim(0)
        // KiB (proc_pid_smaps(5)).
        let lines = (try files.text("/proc/self/smaps_rollup") ?? "").split(separator: "\n")
        let words = lines.first { $0.hasPrefix("Pss:") }?.split(separator: " ") ?? []
        if words.count > 1, let share = Int(words[1]), share << 10 > shareMax {
            try releaseProgram(files)
        }
    }

    /// madvise(2), `MADV_DONTNEED`, for what cannot be written to and so is on disk: the loader
    /// relocates in segments that can, and makes part of them read-only afterwards (elf(5),
    /// `PT_LOAD`, `PT_GNU_RELRO`). Not for libraries: they may be unloaded meanwhile.
    private static func releaseProgram(_ files: any Files) throws {
        let vector = try files.read("/proc/self/auxv", bytesMax: 4 << 10)
        let table = UnsafePointer<Elf64_Phdr>(bitPattern: value(of: AT_PHDR, in: vector))
        let headers = UnsafeBufferPointer(start: table, count: value(of: AT_PHNUM, in: vector))
        guard let table, let own = headers.first(where: { $0.p_type == PT_PHDR }) else { return }
        let base = Int(bitPattern: table) - Int(own.p_vaddr)
        for header in headers where header.p_type == PT_LOAD && header.p_flags & UInt32(PF_W) == 0 {
            let start = (base + Int(header.p_vaddr)) / page * page
            let end = base + Int(header.p_vaddr + header.p_filesz)
            madvise(UnsafeMutableRawPointer(bitPattern: start), end - start, MADV_DONTNEED)
        }
    }

    /// Of the auxiliary vector, which is pairs of a type and a value (getauxval(3)); 0 if it is not
    /// there.
    private static func value(of type: Int32, in vector: [UInt8]) -> Int {
        vector.withUnsafeBytes { bytes in
            stride(from: 0, to: bytes.count - 15, by: 16).first {
                bytes.loadUnaligned(fromByteOffset: $0, as: Int.self) == Int(type)
            }.map { bytes.loadUnaligned(fromByteOffset: $0 + 8, as: Int.self) } ?? 0
        }
    }
}
