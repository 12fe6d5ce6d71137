import FoundationEssentials
import Model

/// The machines and the agents on them.
struct NodeParts {
    /// Reasons of one part that are told at most.
    private static let reasonsMax = 3
    /// Steps with a part of their own.
    private static let apart = ["haproxy", NodeSpecs.certificateStep]

    let known: Knowledge

    var parts: [Picture.Part] { known.status.nodes.map(machine) + known.status.nodes.map(agent) }

    private func machine(_ node: ClusterStatus.Node) -> Picture.Part {
        let found = judge(node)
        return Picture.Part(
            id: PartID(.node, node.name), state: found.state, why: found.why, next: found.next,
            needs: [PartID(.agent, node.name)])
    }

    private func judge(
        _ node: ClusterStatus.Node
    ) -> (state: Picture.State, why: String, next: String) {
        let complaints = members(node)
        guard let status = known.freshStatus(of: node) else {
            let word = "its agent does not say; \(known.lastWord(of: node))"
            return complaints.isEmpty
                ? (.unknown, word, "jeeves doctor")
                : (.wrong, told(complaints + [word]), describe(node))
        }
        let steps = status.steps.filter { !Self.isApart($0.id) }
        let failed = steps.filter { Picture.State($0.state.kind) == .wrong }
        let open = steps.filter { Picture.State($0.state.kind) == .changing }
        if !complaints.isEmpty || !failed.isEmpty {
            let why = failed.map { "\($0.id): \($0.explanation)" }
            let fixes = failed.compactMap { step -> String? in
                switch step.state {
                case .failed(let failure): failure.fix
                case .drifted: "jeeves up"
                default: nil
                }
            }
            return (
                .wrong, told(complaints + why),
                fixes.first { !$0.isEmpty }
                    ?? (failed.isEmpty ? describe(node) : "jeeves logs \(node.name) --source agent")
            )
        }
        guard open.isEmpty, status.generation > 0 else {
            let names = open.map { "\($0.id) \($0.state.word)" }
            return (
                .changing, names.isEmpty ? "it has no spec yet" : told(names), "jeeves status"
            )
        }
        return (.right, "\(status.facts.system), every step right", "")
    }

    /// Whether a step has a part of its own.
    static func isApart(_ step: StepID) -> Bool {
        apart.contains { step.rawValue.hasPrefix($0) }
    }

    /// What Kubernetes holds against a node that it has as a member.
    private func members(_ node: ClusterStatus.Node) -> [String] {
        let member = known.freshSight?.members?.first { $0.name == node.name.rawValue }
        guard let member else { return [] }
        let closed = member.isClosed ? ["closed to pods"] : []
        return member.isReady || !member.troubles.isEmpty
            ? member.troubles + (member.troubles.isEmpty ? [] : closed)
            : ["Kubernetes does not call it ready"] + closed
    }

    private func agent(_ node: ClusterStatus.Node) -> Picture.Part {
        let found: (state: Picture.State, why: String, next: String)
        var since: Date?
        if node.revoked {
            found = (.wrong, "it has been revoked", "jeeves up --replace \(node.name)")
        } else if known.freshStatus(of: node) == nil {
            let isNew = known.stageInFlight == .enrol
            let word = known.isLinked(node.name) ? "it says nothing" : "it is not connected"
            found = (
                isNew ? .changing : .wrong, "\(word); \(known.lastWord(of: node))",
                "on the node: journalctl -u jeeves-agent"
            )
            since = node.status?.reportedAt
        } else if let refused = node.status?.refused {
            found = (
                .wrong, "it refuses its spec: \(refused.message)",
                "jeeves logs \(node.name) --source agent"
            )
        } else {
            let version = node.status?.agentVersion ?? ""
            found = (.right, "version \(version), heard \(node.age) ago", "")
        }
        return Picture.Part(
            id: PartID(.agent, node.name), state: found.state, since: since, why: found.why,
            next: found.next, needs: [])
    }

    private func told(_ reasons: [String]) -> String {
        reasons.prefix(Self.reasonsMax).joined(separator: "; ")
    }

    private func describe(_ node: ClusterStatus.Node) -> String {
        "jeeves kubectl -- describe node \(node.name)"
    }
}
