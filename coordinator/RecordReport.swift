import AWS
import Model
import Outside
import Store

/// What leads people to the edge, from Route 53's word to the machine itself, and whether all of it
/// agrees. Reads only, beside a running coordinator too.
public struct RecordReport: Codable, Sendable, Hashable {
    /// What one of the zone's own name servers says.
    public struct Answer: Codable, Sendable, Hashable {
        public let server: String
        public let addresses: [String]
        /// Why there is no answer.
        public let trouble: String?
    }

    public let domain: DomainName
    public let zone: String
    /// Of the A record; nil if there is none.
    public let record: AddressRecord?
    public let answers: [Answer]
    /// The address that Terraform gave the first controller, and the one that it has now, if any.
    public let made: String?
    public let machine: String?
    /// Time to live that the cluster file wants, in seconds.
    public let ttl: Int

    /// Throws `notFound` before the first provision, and what AWS answers.
    public static func read(
        _ project: Project, environment: [String: String], world: World,
        say: @Sendable (String) -> Void
    ) async throws -> RecordReport {
        let cluster = try project.spec(world.files)
        try project.requireState(world.files)
        let store = try Store.open(path: project.store)
        let infrastructure = try StageRun.infrastructure(in: store)
        let cloud = try await Cloud.connect(
            cluster, environment: environment, project: project, world: world, say: say)
        return try await read(cluster, infrastructure, cloud)
    }

    static func read(
        _ cluster: ClusterSpec, _ infrastructure: Infrastructure, _ cloud: Cloud
    ) async throws -> RecordReport {
        let zone = try await cloud.route53.zone(for: cluster.domain, id: cluster.dns.zoneID)
        var answers: [Answer] = []
        for server in try await cloud.route53.nameServers(of: zone) {
            do {
                let found = try await cloud.lookup(cluster.domain, at: server)
                answers.append(Answer(server: server, addresses: found, trouble: nil))
            } catch let failure as Failure {
                answers.append(
                    Answer(server: server, addresses: [], trouble: failure.message))
            }
        }
        return RecordReport(
            domain: cluster.domain, zone: zone.name,
            record: try await cloud.route53.record(cluster.domain, in: zone), answers: answers,
            made: infrastructure.edgeAddress,
            machine: try await RecordStage.machineAddress(of: infrastructure, cloud),
            ttl: cluster.dns.ttl)
    }

    /// The first thing that is wrong, from the machine outwards; nil if nothing is.
    public var trouble: Failure? {
        let tried = "following \(domain)"
        guard let machine else {
            return Failure(
                .gate, "\(tried): the first controller has no public address",
                fix: Failure.Fix.publicAddress)
        }
        guard let record, record.values == [machine] else {
            let found = record?.values.joined(separator: ", ") ?? "nothing"
            return Failure(
                .gate, "\(tried): its record leads to \(found), the edge is at \(machine)",
                fix: "run `jeeves dns sync`")
        }
        if record.ttl != ttl {
            return Failure(
                .gate, "\(tried): its record lives \(record.ttl) s, the cluster file wants \(ttl)",
                fix: "run `jeeves dns sync`")
        }
        if let other = answers.first(where: { $0.trouble == nil && $0.addresses != [machine] }) {
            let found =
                other.addresses.isEmpty ? "nothing" : other.addresses.joined(separator: ", ")
            return Failure(
                .gate, "\(tried): \(other.server) still answers \(found), not \(machine)",
                fix: "wait a minute and look again: Route 53 spreads changes to its servers")
        }
        guard answers.contains(where: { $0.trouble == nil }) else {
            return Failure(
                .gate,
                "\(tried): no server of the zone answers: "
                    + (answers.first?.trouble ?? "it has none"),
                fix: "check that UDP port 53 is open from here")
        }
        return nil
    }
}
