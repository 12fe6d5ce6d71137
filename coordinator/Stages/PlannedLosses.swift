import Model
import Tools

/// What a plan of Terraform may do only if a person named the node, and what it may not do at all.
enum PlannedLosses {
    /// A controller, its address and any volume go only when a person named the node. Throws
    /// `conflict` with what would be lost.
    static func refuse(_ changes: [Change], allowed: Set<NodeName>) throws {
        let losses = changes.filter { change in
            change.losesController && !allowed.contains { change.subject.contains("\"\($0)\"") }
        }
        guard !losses.isEmpty else { return }
        let list = losses.map { "\($0.subject) (\($0.action.rawValue))" }
        // A module's key is the node's name.
        let nodes = losses.map { $0.subject.split(separator: "\"").dropFirst().first ?? "NODE" }
        let flags = Set(nodes.map(String.init) + allowed.map(\.rawValue)).sorted().map {
            " --replace \($0)"
        }
        throw Failure(
            .conflict,
            "planning: this would lose \(list.joined(separator: ", "))",
            fix: "if that is meant, run `jeeves up\(flags.joined())`")
    }

    /// Controllers whose machines are changed and stay.
    static func controllersChanged(by changes: [Change]) -> [NodeName] {
        changes.filter { $0.action == .update && $0.subject.contains("module.controller") }
            .compactMap(\.machine)
    }

    /// Terraform stops all machines whose type changes at once. Throws `conflict` if it would stop
    /// several controllers; `changes` have their effects.
    static func refuseStop(by changes: [Change]) throws {
        let stopped = controllersChanged(by: changes.filter { $0.effects.contains(.restart) })
        guard stopped.count > 1 else { return }
        throw Failure(
            .conflict,
            "planning: this would stop \(stopped.map(\.rawValue).joined(separator: ", ")) at once, "
                + "and the cluster's state needs a majority of its controllers",
            fix: "change one after another by hand, each once `jeeves status` is right again: "
                + "`aws ec2 stop-instances`, `modify-instance-attribute`, `start-instances`; then "
                + "run `jeeves up`")
    }
}
