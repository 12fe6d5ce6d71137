import Model
import Outside

/// Compares the machines with the agents that are connected, and with what these say of themselves
/// and of HAProxy.
struct AgentRules {
    private static let haproxy = StepID(unchecked: "haproxy")

    let census: Census

    var findings: [Finding] {
        let nodes = census.machines.filter { !census.isLeaving($0.name) }
        return nodes.flatMap { link($0.name) }
            + nodes.filter { $0.name == census.infrastructure?.edgeNode }.compactMap {
                edge($0.name)
            }
            + nodes.flatMap { words($0.name) + drift($0.name) } + strangers
    }

    /// Of a machine that does not run, and of one that is shut out, no agent is expected.
    private func link(_ node: NodeName) -> [Finding] {
        let subject = "node/\(node)"
        let isConnected = census.connected.contains(node)
        if census.revoked.contains(node.rawValue) {
            let words = isConnected ? "it is still connected" : "it is still a machine of ours"
            return [
                .problem(
                    .revoked, subject, "it has been revoked, but \(words)",
                    next: "jeeves up --replace \(node)")
            ]
        }
        guard !census.isDown(node) else { return [] }
        guard isConnected else {
            return [
                .problem(
                    .agentAway, subject,
                    "its agent is not connected; \(census.lastWord(of: node))",
                    next: "on the node: journalctl -u jeeves-agent")
            ]
        }
        guard census.freshStatus(of: node) == nil else { return [] }
        return [
            .problem(
                .agentSilent, subject,
                "its agent is connected and says nothing; \(census.lastWord(of: node))",
                next: "jeeves logs \(node) --source agent")
        ]
    }

    /// What HAProxy on the edge shows, by its agent's word.
    private func edge(_ node: NodeName) -> Finding? {
        guard !census.isDown(node) else { return nil }
        let subject = "haproxy/\(node)"
        guard let status = census.freshStatus(of: node) else {
            return .unknown(
                .haproxy, subject,
                "its agent does not say what HAProxy shows; \(census.lastWord(of: node))",
                next: "on the node: systemctl status haproxy")
        }
        let haproxy = status.steps.first { $0.id == Self.haproxy }
        // What somebody changed is a finding of its own.
        guard haproxy?.state.drift == nil else { return nil }
        return status.trouble(with: Self.haproxy).map {
            .problem(.haproxy, subject, $0, next: "jeeves logs \(node) --source haproxy")
        }
    }

    private func words(_ node: NodeName) -> [Finding] {
        guard let status = census.freshStatus(of: node) else { return [] }
        var found: [Finding] = []
        if let refused = status.refused {
            found.append(
                .problem(
                    .specRefused, "node/\(node)", "it refuses its spec: \(refused.message)",
                    next: "jeeves logs \(node) --source agent"))
        }
        if status.agentVersion != census.version {
            found.append(
                .note(
                    .agentVersion, "node/\(node)",
                    "its agent is version \(status.agentVersion), "
                        + "this coordinator \(census.version)",
                    next: "on the node: dpkg --install jeeves-agent_\(census.version)_*.deb"))
        }
        return found
    }

    /// What somebody changed that the cluster file wants reported only.
    private func drift(_ node: NodeName) -> [Finding] {
        (census.freshStatus(of: node)?.steps ?? []).compactMap { step in
            step.state.drift.map {
                .problem(
                    .drift, "\(node)/\(step.id)", "somebody has changed it: \($0.what)",
                    next: "jeeves up", diff: $0.diff)
            }
        }
    }

    /// A machine that a person let in by a token, perhaps.
    private var strangers: [Finding] {
        let known = census.infrastructure?.machines ?? [:]
        return census.connected.filter { known[$0] == nil }.sorted().map {
            .note(
                .agentUnknown, "node/\($0)",
                "its agent is connected, and it is no machine that Terraform made",
                next: "jeeves node revoke \($0)")
        }
    }
}
