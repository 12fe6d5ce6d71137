import Model

/// Which controllers write the cluster's state together, and what may be done to one of them: pure,
/// so that its rules can be tested.
///
/// A write takes a majority of the members, whether they are there or not. So one is stopped only
/// while all others are there, and one that is dead leaves only while the others can decide it.
struct Quorum: Hashable, Sendable {
    /// Controllers that are members of the control plane.
    let members: Set<NodeName>
    /// Those that the control plane calls ready.
    let ready: Set<NodeName>
    /// Those whose agent is connected.
    let connected: Set<NodeName>

    /// Throws `unavailable` unless this member may be stopped for a while.
    func admitChange(of node: NodeName) throws {
        let others = members.subtracting([node])
        try require(others, trying: "changing \(node)")
        guard others.isEmpty || others.count >= majority else {
            throw Failure(
                .unavailable,
                "changing \(node): without it \(others.count) of \(members.count) controllers are "
                    + "left, which is no majority",
                fix: "run `jeeves up` with 3 as `nodes.controllers.count`")
        }
    }

    /// Throws `unavailable` unless this member may leave for good. One that lives takes part in
    /// that, one that is dead does not.
    func admitLoss(of node: NodeName) throws {
        let others = members.subtracting([node])
        guard !ready.contains(node) else {
            return try require(others, trying: "letting \(node) go")
        }
        let there = others.intersection(ready).intersection(connected)
        guard there.count >= majority else {
            try require(others, trying: "letting \(node) go")
            throw Failure(
                .unavailable,
                "letting \(node) go: it is not ready, and the others are no majority of "
                    + "\(members.count) controllers",
                fix: "start the machine of \(node) again, then run `jeeves up`")
        }
    }

    /// In which order members leave: first who is dead, then the highest number.
    func order(_ leaving: [NodeName]) -> [NodeName] {
        leaving.sorted {
            let (first, second) = (ready.contains($0), ready.contains($1))
            return first == second ? $0 > $1 : !first
        }
    }

    /// The same without one that has left.
    func without(_ node: NodeName) -> Quorum {
        Quorum(
            members: members.subtracting([node]), ready: ready.subtracting([node]),
            connected: connected)
    }

    private var majority: Int { members.count / 2 + 1 }

    private func require(_ others: Set<NodeName>, trying tried: String) throws {
        for node in others.sorted() where !ready.contains(node) || !connected.contains(node) {
            let lacks = ready.contains(node) ? "is not connected" : "is not ready"
            throw Failure(
                .unavailable,
                "\(tried): \(node) \(lacks), and the cluster's state needs a majority of its "
                    + "controllers",
                fix: "bring \(node) back, or run `jeeves up --replace \(node)`")
        }
    }
}
