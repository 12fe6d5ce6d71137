import AWS
import FoundationEssentials
import Model
import Outside
import Tools

/// Everything that `jeeves doctor` compares, as it was seen at one time. Its findings are a pure
/// function of it.
struct Census: Sendable {
    /// Older than this a connected agent's word says nothing: it speaks every 30 seconds.
    static let statusAgeMax = Duration.seconds(120)

    var now: Date
    /// This coordinator's.
    let version: String
    /// Names of nodes in the cluster file, and where the last rollout was to lead to.
    var wanted: Set<String> = []
    /// What Terraform made; nil before the first provision.
    var infrastructure: Infrastructure?
    /// Instances with the cluster's tag that are not terminated.
    var instances: Result<[EC2.Instance], Failure> = .success([])
    /// What carries the cluster's tag although Terraform does not know it.
    var orphans: Result<[EC2.Tagged], Failure> = .success([])
    /// Kubernetes' members.
    var members: Result<[Kubectl.Member], Failure> = .success([])
    var connected: Set<NodeName> = []
    /// What each node said last.
    var statuses: [NodeName: NodeStatus] = [:]
    var revoked: Set<String> = []
    var departures: [Departure] = []
    /// The last one.
    var rollout: Rollout?
    var held: [Held] = []
    /// What is held of all that the cluster file wants now.
    var refusal: Result<Held?, Failure> = .success(nil)

    /// Problems before notes, each in the order of the rules.
    var findings: [Finding] {
        let all =
            InstanceRules(census: self).findings + AgentRules(census: self).findings
            + MemberRules(census: self).findings + RolloutRules(census: self).findings
        return all.filter { $0.severity == .problem } + all.filter { $0.severity == .note }
    }
}

/// What several rules ask.
extension Census {
    /// The machines in the order of their names.
    var machines: [(name: NodeName, machine: Infrastructure.Machine)] {
        (infrastructure?.machines ?? [:]).sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    /// What EC2 says of a machine that does not run: `stopped`, or `gone`. Nil if it runs, or if
    /// EC2 could not be asked.
    func outage(of machine: Infrastructure.Machine) -> String? {
        guard case .success(let instances) = instances else { return nil }
        let state = instances.first { $0.id == machine.instanceID }?.state ?? "gone"
        return ["running", "pending"].contains(state) ? nil : state
    }

    /// The instance with the cluster's tag that has the address of a member.
    func instance(of member: Kubectl.Member) -> String? {
        (try? instances.get())?.first { instance in
            instance.privateAddress.map(member.hops.contains) == true
        }?.id
    }

    /// Whether its machine is there and does not run.
    func isDown(_ node: NodeName) -> Bool {
        infrastructure?.machines[node].map { outage(of: $0) != nil } ?? false
    }

    /// Whether a worker has to go on leaving.
    func isLeaving(_ node: NodeName) -> Bool {
        departures.contains { $0.node == node && $0.phase == .leaving }
    }

    /// What a connected node says of itself, unless that is too old to be true.
    func freshStatus(of node: NodeName) -> NodeStatus? {
        guard connected.contains(node), let status = statuses[node],
            age(of: status) <= Self.statusAgeMax
        else { return nil }
        return status
    }

    /// By the clocks of two machines.
    func age(of status: NodeStatus) -> Duration {
        .seconds(max(0, now.timeIntervalSince(status.reportedAt)))
    }

    /// When a node was heard last, for people.
    func lastWord(of node: NodeName) -> String {
        guard let status = statuses[node] else { return "it has never reported" }
        let when = status.reportedAt.formatted(.iso8601)
        return "its last status is \(age(of: status).ageText) old (\(when))"
    }
}
