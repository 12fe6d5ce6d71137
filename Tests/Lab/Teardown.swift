import Foundation
import Model
import Outside

/// Removes every process, mount, namespace and folder of the lab, in whatever state it is.
///
/// It reads what is there, not what should be: a crash at any point leaves nothing that it misses.
struct Teardown {
    static let graceDeadline = Duration.seconds(10)

    let host: Host

    /// Whether there is anything of a lab on this machine.
    static var isNeeded: Bool {
        [Layout.run, Layout.state, Layout.namespacePath, Layout.namespaceEtc]
            .contains { FileManager.default.fileExists(atPath: $0) }
    }

    func run() async throws {
        try await endServices()
        try await endNodes()
        try await endNamespaces()
        try await unmount()
        try removeFolders()
    }

    /// The hypervisor first, so that it starts nothing behind our back.
    private func endServices() async throws {
        let records = names(in: Layout.pids)
        let children = records.compactMap { Service.child(recordedIn: "\(Layout.pids)/\($0)") }
        try await end(children)
    }

    /// All that is in the nodes' control groups, whoever started it; then the groups themselves.
    private func endNodes() async throws {
        let folders = controlGroups()
        _ = try await World.live().clock.poll(
            every: .milliseconds(100), atMost: Teardown.graceDeadline,
            waitingFor: "the nodes' processes to end", op: "down.nodes"
        ) {
            let pids = Set(folders.flatMap(processes))
            for pid in pids { kill(pid, SIGKILL) }
            return pids.isEmpty ? true : nil
        }
        for folder in folders { rmdir(folder) }
    }

    /// Folders of the lab in every hierarchy (one on cgroup v2), innermost first.
    private func controlGroups() -> [String] {
        let root = "/sys/fs/cgroup"
        let tops =
            ["\(root)/jeeves-lab-nodes"] + names(in: root).map { "\(root)/\($0)/jeeves-lab-nodes" }
        return tops.flatMap { top -> [String] in
            let inner = FileManager.default.enumerator(atPath: top)?.compactMap { entry in
                (entry as? String).map { "\(top)/\($0)" }
            }
            return [top] + (inner ?? [])
        }
        .filter { isFolder($0) }
        .sorted { $0.count > $1.count }
    }

    private func processes(of group: String) -> [Int32] {
        let text = try? String(contentsOfFile: "\(group)/cgroup.procs", encoding: .utf8)
        // One that only waits to be reaped holds nothing.
        return (text ?? "").split(separator: "\n").compactMap { Int32($0) }
            .filter { Spawn.startTicks(of: $0) != nil }
    }

    /// The cloud's and the nodes' network namespaces with whatever still runs in them, such as a
    /// shell of `lab run`; interfaces, rules and routes go with them.
    private func endNamespaces() async throws {
        let ours = names(in: "/run/netns")
            .filter { $0 == Layout.namespace || $0.hasPrefix("jl-") }
        for name in ours {
            let pids = try await host.run("ip", ["netns", "pids", name]).output
            let children = pids.split(separator: "\n").compactMap { Int32($0) }.compactMap { pid in
                Spawn.startTicks(of: pid).map { ChildID(pid: pid, startTicks: $0) }
            }
            try await end(children.filter { $0.pid != getpid() })
            try await host.output("ip", ["netns", "delete", name])
        }
    }

    /// Asks to end, waits, and kills those that did not; only the very processes that are meant.
    private func end(_ children: [ChildID]) async throws {
        for child in children where Spawn.isAlive(child) { kill(child.pid, SIGTERM) }
        let ended: Bool? = try? await World.live().clock.poll(
            every: .milliseconds(50), atMost: .seconds(5), waitingFor: "processes", op: "down.end"
        ) { children.contains(where: Spawn.isAlive) ? nil : true }
        guard ended == nil else { return }
        for child in children { Spawn.kill(child) }
        _ = try await World.live().clock.poll(
            every: .milliseconds(50), atMost: Teardown.graceDeadline,
            waitingFor: "killed processes to end", op: "down.kill"
        ) { children.contains(where: Spawn.isAlive) ? nil : true }
    }

    private func unmount() async throws {
        let mounts = try String(contentsOfFile: "/proc/self/mounts", encoding: .utf8)
        let points = mounts.split(separator: "\n")
            .compactMap { $0.split(separator: " ").dropFirst().first.map(String.init) }
            .filter { $0.hasPrefix("\(Layout.state)/") || $0.hasPrefix("\(Layout.run)/") }
        for point in points.reversed() {
            try await host.output("umount", ["--lazy", point])
        }
    }

    private func removeFolders() throws {
        let files = FileManager.default
        let nspawn = "/run/systemd/nspawn"
        let leftovers = ["propagate", "unix-export", "locks"].flatMap { kind in
            names(in: "\(nspawn)/\(kind)").filter { $0.contains("jl-") }
                .map { "\(nspawn)/\(kind)/\($0)" }
        }
        for path in [Layout.state, Layout.run, Layout.namespaceEtc] + leftovers
        where files.fileExists(atPath: path) {
            try files.removeItem(atPath: path)
        }
        rmdir("/etc/netns")
    }

    private func names(in folder: String) -> [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    }

    private func isFolder(_ path: String) -> Bool {
        var info = stat()
        return lstat(path, &info) == 0 && info.st_mode & S_IFMT == S_IFDIR
    }
}
