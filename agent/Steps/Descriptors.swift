import Model
import Outside
import Tools

/// Whether HAProxy may open as many files as its `maxconn` needs: a test of the configuration does
/// not look, and a start fails.
enum Descriptors {
    /// Nil unless the limit of the HAProxy that runs now is below what `spec` needs: two for each
    /// connection, and some for itself.
    static func shortage(
        for spec: HAProxySpec, _ world: World, _ layout: EdgeLayout
    ) async -> Failure? {
        let needed = spec.connectionsMax * 2 + 100
        guard let pid = (try? await RuntimeSocket(world, layout).info())?.pid,
            let limits = (try? world.files.text("/proc/\(pid)/limits")).flatMap(\.self),
            let most = hardLimit(in: limits), most < needed
        else { return nil }
        return Failure(
            .invalid,
            "loading HAProxy's configuration: \(spec.connectionsMax) connections need \(needed) "
                + "open files, and it may have \(most)",
            fix: "lower `edge.connectionsMax`, or `systemctl edit haproxy` and write "
                + "LimitNOFILE=\(needed) under [Service]")
    }

    /// `Max open files  1024  524288  files` is 524288 (proc(5), /proc/pid/limits).
    static func hardLimit(in limits: String) -> Int? {
        let title = "Max open files"
        let line = limits.split(whereSeparator: \.isNewline).first { $0.hasPrefix(title) }
        let words = line?.dropFirst(title.count).split(separator: " ") ?? []
        return words.count > 1 ? Int(words[1]) : nil
    }
}
