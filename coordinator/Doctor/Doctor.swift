import FoundationEssentials
import Model
import Outside

/// Looks at everything that makes up a cluster, says what does not fit together, and mends what is
/// safe to mend: stale members and forgotten drains.
struct Doctor: Sendable {
    let run: StageRun
    let recipe: [any Stage]

    private var reader: CensusReader { CensusReader(run: run, recipe: recipe) }

    /// Changes nothing. `fixed` is what was done before.
    func examine(
        patience: Duration = Enrol.redialMax, fixed: [String] = []
    ) async throws -> Examination {
        let census = try await reader.read(patience: patience)
        return Examination(census, of: run.cluster.cluster, fixed: fixed)
    }

    /// Does what `found` offers and a person agreed to, as far as it is still so, and looks again.
    /// What an earlier run was killed at is waited for first.
    ///
    /// Throws `unavailable` if no controller that has been right is there, and what a removal or a
    /// patch throws.
    func mend(_ found: Examination) async throws -> Examination {
        try await Drain.settle(run)
        guard !found.remedies.isEmpty else { return found }
        let due = Set(try await reader.read(patience: .zero).findings.compactMap(\.remedy))
        var fixed: [String] = []
        for remedy in found.remedies {
            guard due.contains(remedy) else {
                run.say("nothing to do any more: \(remedy.sentence)")
                continue
            }
            fixed.append(try await apply(remedy))
        }
        return try await examine(patience: .zero, fixed: fixed)
    }

    private func apply(_ remedy: Finding.Remedy) async throws -> String {
        var run = run
        run.errand = "doctor"
        let subject: String
        switch remedy {
        case .remove(let node), .open(let node): subject = "node/\(node)"
        }
        try run.note(subject, .started, remedy.sentence)
        do {
            let done: String
            switch remedy {
            case .remove(let node): done = try await remove(node, run)
            case .open(let node): done = try await open(node, run)
            }
            try run.note(subject, .done, done)
            return done
        } catch {
            let isInterrupt = error is CancellationError
            try run.note(subject, isInterrupt ? .interrupted : .failed, "\(error)")
            throw error
        }
    }

    private func remove(_ node: NodeName, _ run: StageRun) async throws -> String {
        let leave = Leave(run: run)
        let controllers = try leave.staying(losing: [])
        guard !controllers.isEmpty else {
            throw Failure(
                .unavailable, "removing \(node): no controller has been right yet",
                fix: "run `jeeves up`")
        }
        try await leave.remove(
            node, controllers, ClusterAccess.open(run), again: "jeeves doctor --fix")
        return "removed \(node) from Kubernetes' members"
    }

    private func open(_ node: NodeName, _ run: StageRun) async throws -> String {
        try await Drain(cluster: ClusterAccess.open(run)).open(node)
        return "opened \(node) to pods"
    }
}

/// What `jeeves doctor` found, and in how many things.
public struct Examination: Encodable, Sendable {
    /// How many of each were compared; nil for those that could not be asked.
    public struct Compared: Hashable, Sendable {
        public let machines: Int
        public let instances: Int?
        public let agents: Int
        public let members: Int?
    }

    public let cluster: ClusterID
    public let at: Date
    public let compared: Compared
    /// Problems before notes.
    public let findings: [Finding]
    /// What `--fix` has done.
    public let fixed: [String]

    public var problems: [Finding] { findings.filter { $0.severity == .problem } }

    /// What `--fix` would do.
    public var remedies: [Finding.Remedy] { findings.compactMap(\.remedy) }

    init(_ census: Census, of cluster: ClusterID, fixed: [String] = []) {
        self.cluster = cluster
        at = census.now
        compared = Compared(
            machines: census.machines.count, instances: try? census.instances.get().count,
            agents: census.connected.count, members: try? census.members.get().count)
        findings = census.findings
        self.fixed = fixed
    }
}

extension Examination.Compared: Encodable, CustomStringConvertible {
    private enum Key: String, CodingKey { case machines, instances, agents, members }

    /// Every key is there; what could not be asked is null.
    public func encode(to encoder: any Encoder) throws {
        var object = encoder.container(keyedBy: Key.self)
        try object.encode(machines, forKey: .machines)
        try object.encode(instances, forKey: .instances)
        try object.encode(agents, forKey: .agents)
        try object.encode(members, forKey: .members)
    }

    public var description: String {
        func count(_ number: Int?) -> String { number.map { "\($0)" } ?? "unknown" }
        return "machines \(machines), instances \(count(instances)), agents \(agents), "
            + "members \(count(members))"
    }
}

/// What a person asks of the whole cluster.
extension Driver {
    /// Compares everything that makes up the cluster; changes nothing.
    public func examine() async throws -> Examination {
        try await Doctor(run: run, recipe: recipe).examine()
    }

    /// Mends what a person agreed to, and looks again. Throws what a removal or a patch throws.
    public func mend(_ found: Examination) async throws -> Examination {
        try await Doctor(run: run, recipe: recipe).mend(found)
    }
}
