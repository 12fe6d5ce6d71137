import AWS
import Model
import Outside

/// Points the domain at the edge: Route 53, until the zone's own servers answer with it.
struct RecordStage: Stage {
    let name = StageName.dns
    static let syncMax = Duration.seconds(300)

    func plan(_ run: StageRun) async throws -> [Change] {
        guard let address = try? run.infrastructure().edgeAddress else {
            return [Change(.run, "A \(run.cluster.domain)", detail: "known after provision")]
        }
        let zone = try await zone(run)
        let record = try await run.cloud.route53.record(
            run.cluster.domain, in: zone)
        if record?.values == [address], record?.ttl == run.cluster.dns.ttl { return [] }
        return [
            Change(
                record == nil ? .create : .update, "A \(run.cluster.domain)",
                detail: "\(record?.values.joined(separator: ", ") ?? "none") -> \(address)")
        ]
    }

    func run(_ run: StageRun) async throws -> String {
        guard let address = try run.infrastructure().edgeAddress else {
            throw Failure(.notFound, "pointing DNS at the edge: no controller has an address")
        }
        let zone = try await zone(run)
        let changed = try await run.cloud.route53.upsert(
            run.cluster.domain, address: address, ttl: run.cluster.dns.ttl, in: zone,
            replacing: try owned(run), take: run.options.takeDNS, deadline: Self.syncMax)
        try run.store.put(.meta, Self.ownedKey, address)
        try await answered(run, zone: zone, address: address)
        return changed ? "\(run.cluster.domain) -> \(address)" : nothingToDo
    }

    /// Removes the record if it still holds our value.
    func destroy(_ run: StageRun) async throws -> String {
        guard let address = try owned(run) else { return nothingToDo }
        let removed = try await run.cloud.route53.delete(
            run.cluster.domain, address: address, in: zone(run), deadline: Self.syncMax)
        try run.store.delete(.meta, Self.ownedKey)
        return removed ? "removed \(run.cluster.domain)" : "left a record that is not ours"
    }

    /// The address that we wrote last; nil before the first time.
    private func owned(_ run: StageRun) throws -> String? {
        try run.store.get(String.self, .meta, Self.ownedKey)
    }

    private static let ownedKey = "dns-address"

    private func zone(_ run: StageRun) async throws -> HostedZone {
        try await run.cloud.route53.zone(for: run.cluster.domain, id: run.cluster.dns.zoneID)
    }

    /// INSYNC is Route 53's word; an answer from the zone's servers is the proof.
    private func answered(_ run: StageRun, zone: HostedZone, address: String) async throws {
        let servers = try await run.cloud.route53.nameServers(of: zone)
        _ = try await run.world.clock.poll(
            every: .seconds(1), atMost: .seconds(120),
            waitingFor: "\(servers.first ?? "the zone's servers") to answer \(address) for "
                + "\(run.cluster.domain)",
            fix: "check that UDP port 53 is open from here, that the registrar names these servers "
                + "(`dig NS \(zone.name)`), and run `jeeves up` again",
            op: "dns.answer"
        ) {
            for server in servers {
                let answer = try? await run.cloud.lookup(run.cluster.domain, at: server)
                if answer == [address] { return true }
            }
            return nil
        }
    }
}
