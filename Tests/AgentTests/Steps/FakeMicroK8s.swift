import Model
import Outside
import Support
import Synchronization
import Tools

@testable import Agent

/// A node on which snapd and MicroK8s behave as upstream's do, lies included.
final class FakeMicroK8s: Sendable {
    struct State {
        var installed = false
        var active = true
        var held = false
        var channel = "1.34/stable"
        /// The channel that snapd was asked for last.
        var asked = "1.34/stable"
        /// A change that runs: how often it is asked for before it ends, and what it does then.
        var running: (left: Int, kind: String)?
        var hookFails = false
        var addons: Set<String> = []
        var ready = true
        /// Whether the launch configuration brings its add-ons.
        var launches = true
    }

    let fake: FakeWorld
    let state = Mutex(State())

    init(_ fake: FakeWorld) {
        self.fake = fake
        fake.network.on("GET", Snapd.socket, "/v2/snaps/microk8s") { [self] _ in snap() }
        fake.network.on("POST", Snapd.socket, "/v2/snaps/microk8s") { [self] in act($0) }
        fake.network.on("GET", Snapd.socket, "/v2/changes?") { [self] _ in
            let running = state.withLock { $0.running?.kind }
            return Self.answer("[\(running.map { Self.change($0, ready: false) } ?? "")]")
        }
        fake.network.on("GET", Snapd.socket, "/v2/changes/7") { [self] _ in poll() }
        fake.units.on("microk8s", "status") { [self] _ in status() }
        fake.units.on("microk8s", "enable") { [self] command in
            state.withLock { _ = $0.addons.insert(command.arguments[1]) }
            return Finished(ending: .exited(0), output: "Infer repository core\nenabled\n")
        }
        fake.processes.on("journalctl", prints: "started\nFailed to apply configuration file\n")
    }

    private static func answer(_ result: String, status: Int = 200) -> HTTPResponse {
        HTTPResponse(
            status: status,
            body: Array(#"{"type":"sync","status-code":\#(status),"result":\#(result)}"#.utf8))
    }

    static func refusal(_ kind: String, status: Int = 400) -> HTTPResponse {
        HTTPResponse(
            status: status,
            body: Array(#"{"type":"error","result":{"message":"no","kind":"\#(kind)"}}"#.utf8))
    }

    private static func change(_ kind: String, ready: Bool, error: Bool = false) -> String {
        let status = ready ? (error ? "Error" : "Done") : "Doing"
        let tasks =
            error
            ? #"[{"summary":"Run hook","status":"Error","log":["ERROR install hook: bad"]}]"# : "[]"
        return #"{"id":"7","kind":"\#(kind)","summary":"S","status":"\#(status)","#
            + #""ready":\#(ready),"tasks":\#(tasks)}"#
    }

    private func snap() -> HTTPResponse {
        state.withLock { state in
            guard state.installed else { return Self.refusal("snap-not-found", status: 404) }
            let hold = state.held ? #","hold":"2318-01-01T00:00:00Z""# : ""
            let status = state.active ? "active" : "installed"
            return Self.answer(
                #"{"status":"\#(status)","channel":"\#(state.channel)","version":"v1.34.1","#
                    + #""revision":"8511"\#(hold)}"#)
        }
    }

    private func act(_ request: HTTPRequest) -> HTTPResponse {
        let body = String(decoding: request.body, as: UTF8.self)
        return state.withLock { state in
            if state.running != nil { return Self.refusal("snap-change-conflict") }
            if let start = body.firstRange(of: "\"channel\":\"") {
                state.asked = String(body[start.upperBound...].prefix { $0 != "\"" })
            }
            let kind = ["install", "hold", "enable", "refresh"].first {
                body.contains("\"action\":\"\($0)\"")
            }
            state.running = (2, kind ?? "unknown")
            return HTTPResponse(
                status: 202,
                body: Array(#"{"type":"async","status-code":202,"change":"7"}"#.utf8))
        }
    }

    private func poll() -> HTTPResponse {
        state.withLock { state in
            guard let running = state.running else {
                return Self.answer(Self.change("done", ready: true))
            }
            if running.left > 0 {
                state.running = (running.left - 1, running.kind)
                return Self.answer(Self.change(running.kind, ready: false))
            }
            state.running = nil
            switch running.kind {
            case "install" where state.hookFails:
                return Self.answer(Self.change("install", ready: true, error: true))
            case "install": install(&state)
            case "hold": state.held = true
            case "refresh": state.channel = state.asked
            default: state.active = true
            }
            return Self.answer(Self.change(running.kind, ready: true))
        }
    }

    /// The install hook reads the launch configuration.
    private func install(_ state: inout State) {
        state.installed = true
        let text = fake.files[MicroK8s.launchConfiguration] ?? ""
        if state.launches {
            for addon in ["dns", "hostpath-storage"] where text.contains("- name: \"\(addon)\"") {
                state.addons.insert(addon)
            }
        }
        if text.contains("RBAC,Node") { state.addons.insert("rbac") }
    }

    private func status() -> Finished {
        if fake.files[MicroK8s.workerLock] != nil { return Self.workerSentence }
        return state.withLock { state in
            guard state.ready else {
                return Finished(
                    ending: .exited(0), output: "microk8s is not running, try microk8s start\n")
            }
            let addons = state.addons.sorted().map { "  - name: \($0)\n    status: enabled\n" }
            return Finished(
                ending: .exited(0),
                output: "microk8s:\n  running: True\naddons:\n" + addons.joined())
        }
    }

    static let workerSentence = Finished(
        ending: .exited(0),
        output: "This MicroK8s deployment is acting as a node in a cluster.\n"
            + "Please use the control plane node.\n")

    /// This node becomes one of a control plane whose datastore has these members.
    func become(controllerWith members: String...) {
        fake.files[MicroK8s.datastoreMembers] = members.map {
            "- Address: \($0):19001\n  ID: 3297041220608546238\n  Role: 0\n"
        }.joined()
    }

    /// This node becomes a worker of `controller`.
    func become(workerOf controller: String) {
        fake.files[MicroK8s.workerLock] = ""
        fake.files[MicroK8s.proxyEndpoints] =
            "tcp:\n  services:\n    kube-apiserver:\n      loadBalancer:\n        servers:\n"
            + "        - address: \(controller):16443\n"
    }
}
