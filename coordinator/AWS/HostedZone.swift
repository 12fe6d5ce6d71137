import Model

/// A hosted zone of Route 53.
public struct HostedZone: Hashable, Sendable {
    /// Without the `/hostedzone/` that answers put before it.
    public let id: String
    /// Lower case, without the final dot.
    public let name: String

    public init(id: String, name: String) {
        self.id = id
        self.name = name
    }
}

/// A simple A record.
public struct AddressRecord: Codable, Hashable, Sendable {
    public let values: [String]
    /// Seconds.
    public let ttl: Int

    public init(values: [String], ttl: Int) {
        self.values = values
        self.ttl = ttl
    }
}

/// Which zone a name belongs to.
extension Route53 {
    /// The zone with this id, or, for an empty id, the public zone with the longest suffix of
    /// `domain`.
    ///
    /// Throws `notFound` if there is none, `conflict` if two have the same name, `invalid` if the
    /// zone with this id does not hold `domain`.
    public func zone(for domain: DomainName, id: String = "") async throws -> HostedZone {
        guard id.isEmpty else { return try await zone(id, for: domain) }
        let labels = domain.rawValue.split(separator: ".")
        for start in labels.indices {
            let suffix = labels[start...].joined(separator: ".")
            let found = try await publicZones(named: suffix)
            if found.count > 1 {
                let ids = found.map(\.id).joined(separator: ", ")
                throw Failure(
                    .conflict,
                    "looking for the hosted zone of \(domain): \(found.count) public zones are "
                        + "called \(suffix) (\(ids))",
                    fix: "set `dns.zoneID` to the one that the domain's registrar points at")
            }
            if let zone = found.first { return zone }
        }
        throw Failure(
            .notFound,
            "looking for the hosted zone of \(domain): this account has no public zone for it",
            fix: "create the zone in Route 53 and point the registrar at its name servers, or use "
                + "the account that has it")
    }

    private func publicZones(named name: String) async throws -> [HostedZone] {
        // `dnsname` is only where the list starts, so the names are compared here.
        let answer = try await client.get(
            .route53, "/2013-04-01/hostedzonesbyname",
            [("dnsname", name), ("maxitems", "100")], "looking for the hosted zone \(name)")
        return answer.all("HostedZones", "HostedZone").compactMap { element in
            guard element.text("Config", "PrivateZone") != "true",
                let zone = Self.zone(element), zone.name == name
            else { return nil }
            return zone
        }
    }

    private func zone(_ id: String, for domain: DomainName) async throws -> HostedZone {
        let answer = try await describe(id)
        guard let element = answer.all("HostedZone").first, let zone = Self.zone(element) else {
            throw Failure(.failed, "reading the hosted zone \(id): the answer names none")
        }
        guard domain.rawValue == zone.name || domain.rawValue.hasSuffix(".\(zone.name)") else {
            throw Failure(
                .invalid,
                "using the hosted zone \(id): it is \(zone.name), not a zone of \(domain)",
                fix: "correct `dns.zoneID`, or leave it empty")
        }
        return zone
    }

    /// Host names of the servers that answer for the zone.
    public func nameServers(of zone: HostedZone) async throws -> [String] {
        try await describe(zone.id).all("DelegationSet", "NameServers", "NameServer").map {
            Self.name($0.text)
        }
    }

    private func describe(_ id: String) async throws -> XML {
        guard Self.isID(id) else {
            throw Failure(
                .invalid, "reading the hosted zone \"\(id.prefix(40))\": that is no zone id",
                fix: "set `dns.zoneID` to an id such as Z0123456789ABCDEFGHIJ")
        }
        do {
            return try await client.get(
                .route53, "/2013-04-01/hostedzone/\(id)", [], "reading the hosted zone \(id)")
        } catch let failure as Failure where failure.code == .notFound {
            throw Failure(
                .notFound, failure.message, fix: "correct `dns.zoneID`, or leave it empty")
        }
    }

    private static func zone(_ element: XML) -> HostedZone? {
        guard let id = element.text("Id").map(bareID), isID(id), let name = element.text("Name")
        else { return nil }
        return HostedZone(id: id, name: self.name(name))
    }

    /// Ids come with and without the collection that they are in.
    static func bareID(_ id: String) -> String {
        String(id.split(separator: "/").last ?? "")
    }

    /// Ids become part of a path, so nothing but letters and digits is let in.
    static func isID(_ id: String) -> Bool {
        (1...32).contains(id.utf8.count)
            && id.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) }
    }

    /// Lower case, without white space and the final dot.
    static func name(_ text: String) -> String {
        let text = text.trimmed.lowercased()
        return text.hasSuffix(".") ? String(text.dropLast()) : text
    }
}
