import Model
import Outside
import Tools
import Trust

/// HAProxy runs with the configuration that the spec renders to.
///
/// Never stops HAProxy to change it, never puts a configuration in place that HAProxy refuses, and
/// never overwrites one that a person wrote or edited.
struct HAProxyStep: Step {
    let spec: HAProxySpec
    let layout: EdgeLayout

    static let unit = "haproxy.service"

    init(spec: HAProxySpec, layout: EdgeLayout = EdgeLayout()) {
        (self.spec, self.layout) = (spec, layout)
    }

    private var backup: String { "\(layout.configFile).before-jeeves" }
    private var candidate: String {
        let parts = layout.configFile.split(separator: "/")
        return "/" + parts.dropLast().joined(separator: "/") + "/.\(parts.last ?? "").jeeves"
    }

    /// Reads the file and asks the running HAProxy what it has loaded. Starts nothing.
    func check(_ world: World) async throws -> Condition {
        guard let text = try world.files.text(layout.configFile), author(of: text) != .other else {
            return .missing
        }
        var differences: [Difference] = []
        if author(of: text) == .edited {
            differences.append(
                Difference(layout.configFile, found: "edited by hand", wanted: "as written"))
        }
        if try world.files.info(layout.certificateList) == nil {
            differences.append(
                Difference(layout.certificateList, found: "missing", wanted: "there"))
        }
        do {
            let info = try await RuntimeSocket(world, layout).info()
            let wanted = wanted(for: info.version)
            if text != wanted.text,
                let line = HAProxyConfig.firstDifference(
                    found: HAProxyConfig.redacted(text), wanted: wanted.text)
            {
                differences.append(
                    Difference(
                        "\(layout.configFile) line \(line.line)", found: line.found,
                        wanted: line.wanted))
            } else if info.description != wanted.description {
                differences.append(
                    Difference(
                        "running configuration", found: info.description,
                        wanted: wanted.description))
            }
        } catch let failure as Failure where failure.mayPass {
            differences.append(
                Difference(Self.unit, found: "not answering", wanted: "answering"))
        }
        return differences.isEmpty ? .right : .differs(differences)
    }

    /// Throws `conflict` if the file is not ours to overwrite, `unavailable` while too many old
    /// workers end, `failed` naming the line that HAProxy refuses, `timeout` if the new
    /// configuration never came to run.
    func apply(_ world: World) async throws {
        let version = try await HAProxyVersion(
            world.processes.output(
                of: HAProxy.version(), limits: Limits(deadline: .seconds(10)),
                op: "haproxy.version"))
        let wanted = wanted(for: version)
        let previous = try world.files.text(layout.configFile)
        try await requireOurs(previous, wanted.text, world)
        try await requireRoom(for: wanted, world)
        try makeCertificateList(world)
        if previous == wanted.text {
            try await test(
                layout.configFile, world,
                fix: "run `haproxy -c -f \(layout.configFile)` on the node")
        } else {
            try await put(wanted.text, replacing: previous, world)
        }
        do {
            try await load(wanted.description, world)
        } catch let failure as Failure {
            let cause = await Descriptors.shortage(for: spec, world, layout) ?? failure
            try await putBack(previous, instead: wanted, because: cause, world)
        }
    }

    /// Puts the configuration of before Jeeves back; without one, stops HAProxy.
    func remove(_ world: World) async throws {
        guard let text = try world.files.text(layout.configFile), author(of: text) != .other else {
            return
        }
        try await requireOurs(text, "", world)
        if let before = try world.files.readIfThere(backup) {
            try world.files.replace(
                layout.configFile, with: before, mode: 0o644, op: "haproxy.config.restore")
            try world.files.remove(backup, op: "haproxy.backup.remove")
            try await world.units.job(
                .reload, Self.unit, deadline: .seconds(60), op: "haproxy.reload")
        } else {
            try await world.units.job(.stop, Self.unit, deadline: .seconds(60), op: "haproxy.stop")
            try world.files.remove(layout.configFile, op: "haproxy.config.remove")
        }
    }

    /// Of the configuration file; nothing while it does not run, for its version decides.
    func diff(_ world: World) async throws -> String {
        guard let text = try world.files.text(layout.configFile),
            let info = try? await RuntimeSocket(world, layout).info()
        else { return "" }
        return UnifiedDiff.text(
            from: HAProxyConfig.redacted(text), to: wanted(for: info.version).text)
    }

    func detail(_ world: World) async -> String {
        guard let info = try? await RuntimeSocket(world, layout).info() else {
            return "not answering"
        }
        let old = await OldWorkers.read(world, layout).map { ", \($0.words)" } ?? ""
        return "haproxy \(info.version), pid \(info.pid)\(old)"
    }
}

extension HAProxyStep {
    private struct Wanted {
        let text: String
        let description: String
    }

    private func wanted(for version: HAProxyVersion) -> Wanted {
        let body = HAProxyConfig.render(spec, version: version, layout: layout)
        let digest = Hash.sha256(body.utf8)
        return Wanted(
            text: HAProxyConfig.file(body: body, digest: digest),
            description: HAProxyConfig.description(digest))
    }

    private func author(of text: String) -> HAProxyConfig.Author {
        HAProxyConfig.author(of: text) { Hash.sha256($0.utf8) }
    }

    /// Throws `conflict` unless the file is missing, ours and untouched, or the package's own.
    private func requireOurs(_ text: String?, _ wanted: String, _ world: World) async throws {
        let path = layout.configFile
        let fix = "move it away (`mv \(path) \(path).mine`); Jeeves then writes its own"
        if try world.files.info(path)?.kind == .link {
            throw Failure(.conflict, "writing \(path): it is a symbolic link", fix: fix)
        }
        guard let text else { return }
        switch author(of: text) {
        case .jeeves: return
        case .edited:
            let complaints = try await complaints(about: path, world)
            let broken = complaints.first.map { ", and HAProxy refuses it: \($0)" } ?? ""
            throw Failure(
                .conflict, "writing \(path): it was edited by hand\(broken)", fix: fix)
        case .other:
            let verified = try await world.processes.run(
                Apt.verify("haproxy"), limits: Limits(deadline: .seconds(30)),
                op: "haproxy.verify")
            guard !Apt.isPristine(path, verified: verified) else { return }
            let line = HAProxyConfig.firstDifference(
                found: HAProxyConfig.redacted(text), wanted: wanted)
            throw Failure(
                .conflict,
                "writing \(path): somebody else wrote it (line \(line?.line ?? 1): "
                    + "\"\(line?.found ?? "")\")", fix: fix)
        }
    }

    /// The list may be empty on the first start: `strict-sni` then refuses every name.
    private func makeCertificateList(_ world: World) throws {
        if try world.files.info(layout.certificateFolder) == nil {
            try world.files.makeDirectory(
                layout.certificateFolder, mode: 0o700, op: "haproxy.certificates.directory")
        }
        if try world.files.info(layout.certificateList) == nil {
            try world.files.replace(
                layout.certificateList, with: [], mode: 0o644, op: "haproxy.certificates.list")
        }
    }

    /// Tests a copy beside the file, and only then replaces the file.
    private func put(_ text: String, replacing previous: String?, _ world: World) async throws {
        let bytes = Array(text.utf8)
        try world.files.replace(candidate, with: bytes, mode: 0o644, op: "haproxy.candidate")
        let fix = "the old configuration stays; `jeeves plan` shows the new one"
        do { try await test(candidate, world, fix: fix) } catch {
            try world.files.remove(candidate, op: "haproxy.candidate.remove")
            throw error
        }
        try world.files.remove(candidate, op: "haproxy.candidate.remove")
        if let previous, author(of: previous) == .other, try world.files.info(backup) == nil {
            try world.files.replace(
                backup, with: Array(previous.utf8), mode: 0o644, op: "haproxy.backup")
        }
        try world.files.replace(
            layout.configFile, with: bytes, mode: 0o644, op: "haproxy.config.replace")
    }

    private func test(_ path: String, _ world: World, fix: String) async throws {
        let complaints = try await complaints(about: path, world)
        guard complaints.isEmpty else {
            throw Failure(
                .failed,
                "testing HAProxy's configuration: \(complaints.prefix(3).joined(separator: "; "))",
                fix: fix)
        }
    }

    private func complaints(about path: String, _ world: World) async throws -> [String] {
        try await ConfigTest.complaints(about: path, world, op: "haproxy.check")
    }

    /// Reloads, or starts what does not run, and waits until the new configuration answers on the
    /// runtime socket and on port 80: the packaged reload returns before its worker serves.
    private func load(_ description: String, _ world: World) async throws {
        let socket = RuntimeSocket(world, layout)
        if await (try? socket.info())?.description != description {
            let isUp = try await world.units.state(Self.unit).active == "active"
            try await world.units.job(
                isUp ? .reload : .start, Self.unit, deadline: .seconds(90),
                op: isUp ? "haproxy.reload" : "haproxy.start")
        }
        _ = try await world.clock.poll(
            every: .milliseconds(250), atMost: .seconds(20),
            waitingFor: "HAProxy to serve with the new configuration", op: "haproxy.wait"
        ) {
            guard (try? await socket.info())?.description == description,
                await accepts(world)
            else { return nil as Bool? }
            return true
        }
    }

    /// A change of what serves already can wait for old workers to end, also if it is too busy to
    /// say what it is.
    private func requireRoom(for wanted: Wanted, _ world: World) async throws {
        let info = try? await RuntimeSocket(world, layout).info()
        guard info?.description != wanted.description, await accepts(world) else { return }
        try await OldWorkers.requireRoom(world, layout)
    }

    private func accepts(_ world: World) async -> Bool {
        let request = HTTPRequest(
            "GET", .tcp(host: "127.0.0.1", port: layout.httpPort), "/",
            headers: ["Host": spec.domain.rawValue, "Connection": "close"])
        let answer = try? await world.network.http(
            request, deadline: .seconds(2), bytesMax: 64 << 10, op: "haproxy.accepts")
        return answer != nil
    }

    /// The new configuration passed its test and still does not run (a port is taken, descriptors
    /// are short): what ran before goes on.
    private func putBack(
        _ previous: String?, instead wanted: Wanted, because failure: Failure, _ world: World
    ) async throws {
        guard let previous, previous != wanted.text, author(of: previous) == .jeeves else {
            throw failure
        }
        try world.files.replace(
            layout.configFile, with: Array(previous.utf8), mode: 0o644, op: "haproxy.config.back")
        try await world.units.job(
            .reload, Self.unit, deadline: .seconds(90), op: "haproxy.reload.back")
        throw failure.context("loading the new configuration (the old one is back)")
    }
}
