import Model
import Outside
import Tools
import Wire

/// What a person asks of a running cluster.
extension Driver {
    /// Runs kubectl through a controller's agent. Its exit is a value.
    public func kubectl(_ arguments: [String]) async throws -> Finished {
        let kubectl = Kubectl(kubeconfig: try await kubeconfig())
        return try await run.world.processes.run(
            kubectl.command(arguments),
            limits: Limits(deadline: .seconds(3600), outputBytesMax: 64 << 20), op: "kubectl")
    }

    /// Path of a kubeconfig that works while this coordinator runs.
    public func kubeconfig() async throws -> String {
        let controllers = try run.infrastructure().nodes(.controller)
        let connected = try await awaitAny(of: controllers)
        return try await run.access.kubeconfig(through: connected)
    }

    /// The last journal lines of a node. Throws `invalid` for an unknown source.
    public func logs(_ node: NodeName, source: String, lines: Int) async throws -> String {
        guard let source = LogSource(rawValue: source) else {
            let known = LogSource.allCases.map(\.rawValue).joined(separator: ", ")
            throw Failure(
                .invalid, "asking for the log \"\(source)\": there is none of that name",
                fix: "choose one of \(known)")
        }
        let connected = try await awaitAny(of: [node])
        let answer = try await run.downlinks.ask(
            connected, .logs(source, lines: lines), deadline: .seconds(30))
        guard case .text(let text) = answer else {
            throw Failure(.invalid, "asking \(node) for its log: it answered something else")
        }
        return text
    }

    /// The first of `nodes` that is connected; agents of an embedded coordinator dial in first.
    private func awaitAny(of nodes: [NodeName]) async throws -> NodeName {
        let names = nodes.map(\.rawValue).joined(separator: ", ")
        return try await run.world.clock.poll(
            every: .milliseconds(200), atMost: .seconds(45), waitingFor: "\(names) to connect",
            op: "agents.wait"
        ) {
            let connected = await run.downlinks.connected()
            return nodes.first { connected.contains($0) }
        }
    }
}
