import Model
import Outside

/// The A record of the chat's domain: read, written and removed, and never another value
/// overwritten unless a person said so. (Route 53 API, version 2013-04-01.)
public struct Route53: Sendable {
    let client: AWSClient

    public init(client: AWSClient) { self.client = client }

    /// The A record of `domain`; nil if there is none. Throws `conflict` if the name is an alias, a
    /// CNAME or a set of weighted (or otherwise routed) records, which are not ours to touch.
    public func record(_ domain: DomainName, in zone: HostedZone) async throws -> AddressRecord? {
        let answer = try await client.get(
            .route53, "/2013-04-01/hostedzone/\(zone.id)/rrset",
            [("maxitems", "100"), ("name", domain.rawValue)], "reading the DNS record of \(domain)")
        // `name` is only where the list starts.
        let sets = answer.all("ResourceRecordSets", "ResourceRecordSet").filter {
            $0.text("Name").map(Self.name) == domain.rawValue
        }
        for set in sets where ["A", "CNAME"].contains(set.text("Type")) {
            if let kind = Self.foreignKind(set) {
                throw Failure(
                    .conflict,
                    "reading the DNS record of \(domain): it is \(kind), which Jeeves leaves alone",
                    fix: "remove that record in Route 53, or choose another domain")
            }
            return AddressRecord(
                values: set.all("ResourceRecords", "ResourceRecord").compactMap {
                    $0.text("Value")
                }, ttl: set.text("TTL").flatMap { Int($0) } ?? 0)
        }
        return nil
    }

    private static func foreignKind(_ set: XML) -> String? {
        if let target = set.text("AliasTarget", "DNSName") { return "an alias of \(name(target))" }
        if let id = set.text("SetIdentifier") {
            return "one of several with a routing policy (\(id))"
        }
        return set.text("Type") == "CNAME" ? "a CNAME" : nil
    }

    /// Makes the A record hold `address` alone and waits until all of Route 53's servers know it.
    /// False if it was so already.
    ///
    /// Throws `conflict` if the record holds another value than one of `replacing`, unless `take`;
    /// `timeout` if it is not in sync after `deadline`.
    public func upsert(
        _ domain: DomainName, address: String, ttl: Int, in zone: HostedZone,
        replacing ours: [String] = [], take: Bool = false, deadline: Duration
    ) async throws -> Bool {
        guard IPv4.isValid(address) else {
            throw Failure(.invalid, "pointing \(domain) at \(address): that is no IPv4 address")
        }
        let found = try await record(domain, in: zone)
        if found == AddressRecord(values: [address], ttl: ttl) { return false }
        if let found, !take, !([address] + ours).contains(where: { found.values == [$0] }) {
            throw Failure(
                .conflict,
                "pointing \(domain) at \(address): its A record holds "
                    + "\(found.values.joined(separator: ", ")), which Jeeves did not write",
                fix: "if that may be overwritten, add `--take-dns`")
        }
        try await change(
            "UPSERT", domain, AddressRecord(values: [address], ttl: ttl), in: zone,
            deadline: deadline)
        return true
    }

    /// Removes the A record if it still holds `address` alone, and waits as ``upsert`` does. False
    /// if it is gone already or holds another value.
    public func delete(
        _ domain: DomainName, address: String, in zone: HostedZone, deadline: Duration
    ) async throws -> Bool {
        guard let found = try await record(domain, in: zone), found.values == [address] else {
            return false
        }
        try await change("DELETE", domain, found, in: zone, deadline: deadline)
        return true
    }

    private func change(
        _ action: String, _ domain: DomainName, _ record: AddressRecord, in zone: HostedZone,
        deadline: Duration
    ) async throws {
        let values = record.values.map {
            "<ResourceRecord><Value>\($0)</Value></ResourceRecord>"
        }
        let body = """
            <?xml version="1.0" encoding="UTF-8"?>
            <ChangeResourceRecordSetsRequest xmlns="https://route53.amazonaws.com/doc/2013-04-01/">\
            <ChangeBatch><Changes><Change><Action>\(action)</Action><ResourceRecordSet>\
            <Name>\(domain).</Name><Type>A</Type><TTL>\(record.ttl)</TTL>\
            <ResourceRecords>\(values.joined())</ResourceRecords></ResourceRecordSet>\
            </Change></Changes></ChangeBatch></ChangeResourceRecordSetsRequest>
            """
        let what = "changing the DNS record of \(domain)"
        let answer = try await client.post(
            .route53, "/2013-04-01/hostedzone/\(zone.id)/rrset", xml: body, what)
        guard let id = answer.text("ChangeInfo", "Id").map(Self.bareID), Self.isID(id) else {
            throw Failure(.failed, "\(what): the answer names no change")
        }
        if answer.text("ChangeInfo", "Status") == "INSYNC" { return }
        try await awaitSync(id, of: domain, deadline: deadline)
    }

    private func awaitSync(_ id: String, of domain: DomainName, deadline: Duration) async throws {
        _ = try await client.clock.poll(
            every: .seconds(2), atMost: deadline,
            waitingFor: "Route 53 to spread the change of \(domain) (\(id))",
            fix: "run this again in some minutes: the change is made already",
            op: "route53.sync"
        ) {
            let answer = try await client.get(
                .route53, "/2013-04-01/change/\(id)", [], "asking for the change of \(domain)")
            return answer.text("ChangeInfo", "Status") == "INSYNC" ? true : nil
        }
    }
}

/// Addresses as A records hold them.
enum IPv4 {
    /// Four decimal numbers of 0 to 255 without leading zeros, joined by dots.
    static func isValid(_ text: String) -> Bool {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts.allSatisfy { UInt8($0).map(String.init) == String($0) }
    }
}
