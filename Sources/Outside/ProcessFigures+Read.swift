import Model

extension ProcessFigures {
    /// USER_HZ, which is the same on every Linux that we build for.
    private static let ticksPerSecond = 100.0

    /// What this process costs, from /proc (proc(5)). Nil if that cannot be read.
    public static func read(_ files: any Files) -> ProcessFigures? {
        guard let stat = try? files.text("/proc/self/stat"),
            let status = try? files.text("/proc/self/status"),
            let descriptors = try? files.list("/proc/self/fd"),
            let ticks = ticks(stat), let kilobytes = resident(status)
        else { return nil }
        return ProcessFigures(
            cpuSeconds: ticks / ticksPerSecond, residentBytes: kilobytes * 1024,
            openFiles: descriptors.count)
    }

    /// The second field is the name in brackets and may hold anything; utime is the 14th, stime
    /// the 15th.
    private static func ticks(_ stat: String) -> Double? {
        guard let end = stat.lastIndex(of: ")") else { return nil }
        let fields = stat[stat.index(after: end)...].split(whereSeparator: \.isWhitespace)
        guard fields.count > 12, let user = Double(fields[11]), let system = Double(fields[12])
        else { return nil }
        return user + system
    }

    private static func resident(_ status: String) -> Int? {
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
        let words = line?.split(whereSeparator: \.isWhitespace) ?? []
        return words.count > 1 ? Int(words[1]) : nil
    }
}
