import Logging
import Model
import Outside

/// What is measured when somebody asks for it: this process, and each node that is connected.
public struct Measures: Sendable {
    public let process: ProcessFigures?
    /// Of those that have answered.
    public let nodes: [NodeName: NodeFigures]
    /// Bytes through tunnels since this coordinator began, both ways.
    public let tunnelBytes: Int

    public init(process: ProcessFigures?, nodes: [NodeName: NodeFigures], tunnelBytes: Int) {
        self.process = process
        self.nodes = nodes
        self.tunnelBytes = tunnelBytes
    }
}

extension Measures {
    private static let answerMax = Duration.seconds(5)

    /// Asks all nodes at once.
    static func take(_ run: StageRun) async -> Measures {
        await withTaskGroup(of: (NodeName, NodeFigures?).self) { group in
            for node in await run.downlinks.connected() {
                group.addTask { (node, await figures(of: node, run)) }
            }
            var found: [NodeName: NodeFigures] = [:]
            for await (node, figures) in group { found[node] = figures }
            return Measures(
                process: ProcessFigures.read(run.world.files), nodes: found,
                tunnelBytes: run.access.carried.total)
        }
    }

    /// Nil of an agent that is older than the question, or does not answer in time.
    private static func figures(of node: NodeName, _ run: StageRun) async -> NodeFigures? {
        do {
            let answer = try await run.downlinks.ask(node, .figures, deadline: answerMax)
            guard case .text(let text) = answer else { return nil }
            return try JSON.decode(NodeFigures.self, from: text.utf8, what: "a node's figures")
        } catch {
            run.log.debug("no figures", metadata: ["node": "\(node)", "reason": "\(error)"])
            return nil
        }
    }
}
