import AWS
import Model
import Outside

/// Points the domain at the edge: Route 53, until the zone's own servers answer with it.
struct RecordStage: Stage {
    let name = StageName.dns
    static let syncMax = Duration.seconds(300)
    /// Whether the machine may have got another address than Terraform gave it.
    var asksMachine = false

    func plan(_ run: StageRun) async throws -> [Change] {
        guard let infrastructure = try? run.infrastructure() else {
            return [.unknown("A \(run.cluster.domain)", until: .provision)]
        }
        let address = try await edgeAddress(infrastructure, run)
        let zone = try await zone(run)
        let record = try await run.cloud.route53.record(
            run.cluster.domain, in: zone)
        if record?.values == [address], record?.ttl == run.cluster.dns.ttl { return [] }
        let found = record?.values.joined(separator: ", ") ?? "none"
        let ttl = record.map { $0.values == [address] ? ", TTL \($0.ttl) s" : "" } ?? ""
        return [
            Change(
                record == nil ? .create : .update, "A \(run.cluster.domain)",
                detail: "\(found)\(ttl) -> \(address)"
                    + (ttl.isEmpty ? "" : ", TTL \(run.cluster.dns.ttl) s"))
        ]
    }

    func run(_ run: StageRun) async throws -> String {
        let address = try await edgeAddress(run.infrastructure(), run)
        let zone = try await zone(run)
        // Before the change: if this ends in the middle of it, both are ours.
        let owned = try owned(run)
        try own(owned.filter { $0 != address } + [address], run)
        let changed = try await run.cloud.route53.upsert(
            run.cluster.domain, address: address, ttl: run.cluster.dns.ttl, in: zone,
            replacing: owned, take: run.options.takeDNS, deadline: Self.syncMax)
        try own([address], run)
        if changed { try run.note("dns/\(run.cluster.domain)", .done, "A -> \(address)") }
        try await answered(run, zone: zone, address: address)
        return changed ? "\(run.cluster.domain) -> \(address)" : nothingToDo
    }

    /// Removes the record if it still holds our value. A zone that is not there keeps nobody from
    /// taking the machines away, and what we own in it is not forgotten.
    func destroy(_ run: StageRun) async throws -> String {
        let owned = try owned(run)
        guard !owned.isEmpty else { return nothingToDo }
        let zone: HostedZone
        do { zone = try await self.zone(run) } catch let failure as Failure
            where failure.code == .notFound
        {
            return "no record to remove: \(failure.message)"
        }
        var removed = false
        for address in owned where !removed {
            removed = try await run.cloud.route53.delete(
                run.cluster.domain, address: address, in: zone, deadline: Self.syncMax)
        }
        try run.store.delete(.meta, Self.ownedKey)
        if removed { try run.note("dns/\(run.cluster.domain)", .done, "removed") }
        return removed ? "removed \(run.cluster.domain)" : "left a record that is not ours"
    }

    private func edgeAddress(
        _ infrastructure: Infrastructure, _ run: StageRun
    ) async throws -> String {
        let found =
            asksMachine
            ? try await Self.machineAddress(of: infrastructure, run.cloud)
            : infrastructure.edgeAddress
        guard let found else {
            throw Failure(
                .notFound, "pointing DNS at the edge: no controller has a public address",
                fix: Failure.Fix.publicAddress)
        }
        return found
    }

    /// The public address that EC2 says the edge's machine has now; nil if it has none, or is gone
    /// for so long that EC2 does not know it any more.
    static func machineAddress(
        of infrastructure: Infrastructure, _ cloud: Cloud
    ) async throws -> String? {
        guard let node = infrastructure.edgeNode,
            let machine = infrastructure.machines[node]
        else { return nil }
        do {
            let found = try await cloud.ec2.instances(ids: [machine.instanceID])
            return found.first { $0.id == machine.instanceID }?.publicAddress
        } catch let failure as Failure where failure.code == .notFound { return nil }
    }

    /// What we wrote last, and what we may have written since; empty before the first time.
    private func owned(_ run: StageRun) throws -> [String] {
        try run.store.get([String].self, .meta, Self.ownedKey) ?? []
    }

    private func own(_ addresses: [String], _ run: StageRun) throws {
        if try owned(run) != addresses { try run.store.put(.meta, Self.ownedKey, addresses) }
    }

    private static let ownedKey = "dns-addresses"

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
                + "(`dig NS \(zone.name)`), and run this again",
            op: "dns.answer"
        ) {
            var answers: [[String]] = []
            for server in servers {
                if let found = try? await run.cloud.lookup(run.cluster.domain, at: server) {
                    answers.append(found)
                }
            }
            return !answers.isEmpty && answers.allSatisfy { $0 == [address] } ? true : nil
        }
    }
}
