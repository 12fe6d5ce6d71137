import Foundation
import Model
import Outside

/// What the lab needs of this machine, found out before anything is made: one sentence each.
struct Preflight {
    static let diskBytesMin = 8 << 30
    /// A program and the Debian package that has it.
    static let programs = [
        ("debootstrap", "debootstrap"), ("systemd-nspawn", "systemd-container"),
        ("ip", "iproute2"), ("nft", "nftables"), ("nsenter", "util-linux"), ("curl", "curl"),
        ("openssl", "openssl"), ("pebble", "pebble"), ("dpkg-scanpackages", "dpkg-dev"),
        ("python3", "python3-venv"), ("git", "git"),
    ]

    let host: Host

    /// Throws `unauthorized` unless we are root.
    static func checkRoot() throws {
        guard geteuid() == 0 else {
            throw Failure(
                .unauthorized, "the lab makes namespaces and mounts, so it must be root",
                fix: "sudo \(CommandLine.arguments.joined(separator: " "))")
        }
    }

    /// Throws the first thing that is wrong.
    func check() async throws {
        try checkPrograms()
        try checkDisk(Layout.state)
        try checkDisk(Cache().folder)
        for port in Layout.edgePorts { try checkPort(port.listen) }
        try await checkKernel()
    }

    private func checkPrograms() throws {
        let missing = Preflight.programs.filter { Host.find($0.0) == nil }
        guard missing.isEmpty else {
            let names = missing.map(\.0).joined(separator: ", ")
            let packages = missing.map(\.1).joined(separator: " ")
            throw Failure(
                .notFound, "the lab needs programs that are not installed: \(names)",
                fix: "apt-get install --no-install-recommends \(packages)")
        }
    }

    private func checkDisk(_ path: String) throws {
        var folder = URL(filePath: path)
        while access(folder.path(), F_OK) != 0 { folder.deleteLastPathComponent() }
        var info = statvfs()
        guard statvfs(folder.path(), &info) == 0 else {
            throw Failure(.failed, "asking for free space of \(path): \(errnoText())")
        }
        let free = Int(info.f_bavail) * Int(info.f_frsize)
        guard free >= Preflight.diskBytesMin else {
            throw Failure(
                .unavailable, "\(path) has \(free >> 20) MiB free, the lab needs 8 GiB there",
                fix: "free some space, or set JEEVES_CACHE to a folder on another disk")
        }
    }

    private func checkPort(_ port: Int) throws {
        let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(socket) }
        var yes: Int32 = 1
        setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard bound == 0 else {
            throw Failure(
                .conflict, "port \(port) of 127.0.0.1, which leads to the edge, is taken",
                fix: "ss -ltnp 'sport = :\(port)' names its owner; stop that, or lab down")
        }
    }

    /// Tries each feature for real: a module may be built in, loaded on demand or not there.
    private func checkKernel() async throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        for name in ["lower", "upper", "work", "root"] { try makeFolder(scratch.path(name)) }
        let layers = ["lowerdir=lower", "upperdir=upper", "workdir=work"]
            .map { $0.replacing("=", with: "=\(scratch.folder)/") }.joined(separator: ",")
        try await need(
            "overlay file systems", "unshare",
            ["--mount", "mount", "-t", "overlay", "overlay", "-o", layers, scratch.path("root")])
        try await need("network namespaces", "unshare", ["--net", "true"])
        let inside = ["--net", "ip", "link", "add", "jl0", "type", "veth", "peer", "name", "jl1"]
        try await need("pairs of virtual interfaces (veth)", "unshare", inside)
        try writeFile(Preflight.rules, to: scratch.path("rules"))
        try await need(
            "nftables with NAT and connection tracking", "unshare",
            ["--net", "nft", "-f", scratch.path("rules")])
        try await need(
            "process and IPC namespaces", "unshare", ["--pid", "--ipc", "--fork", "true"])
    }

    private static let rules = """
        table ip jl {
          chain a { type nat hook output priority -100; dnat to 192.0.2.1; }
          chain b { type filter hook postrouting priority 150; ct state established accept; }
        }
        """

    private func need(_ what: String, _ program: String, _ arguments: [String]) async throws {
        let finished = try await host.run(program, arguments, deadline: .seconds(10))
        guard finished.succeeded else {
            throw Failure(
                .unsupported, "this kernel does not give us \(what): \(finished.sentence)",
                fix: "run the lab on a machine (not in a container) with Debian's own kernel")
        }
    }
}
