import Model

/// What EC2 says of its instances. Reads only. (EC2 Query API, version 2016-11-15.)
public struct EC2: Sendable {
    /// Pages that are read of one answer.
    static let pagesMax = 20

    private let client: AWSClient

    public init(client: AWSClient) { self.client = client }

    public struct Instance: Hashable, Sendable {
        public let id: String
        /// pending, running, shutting-down, terminated, stopping or stopped.
        public let state: String
        public let privateAddress: String?
        public let publicAddress: String?
    }

    /// Every instance of the cluster that is not terminated, by the tag that Terraform gives all.
    public func instances(of cluster: ClusterID) async throws -> [Instance] {
        try await describe(
            Self.filter(1, "tag:jeeves:cluster", [cluster.rawValue]) + Self.alive(2),
            "listing the instances of \(cluster)")
    }

    /// Throws `notFound` if one of `ids` does not exist.
    public func instances(ids: [String]) async throws -> [Instance] {
        guard !ids.isEmpty else { return [] }
        let fields: Fields = ids.enumerated().map { ("InstanceId.\($0 + 1)", $1) }
        return try await describe(fields, "asking for \(ids.joined(separator: ", "))")
    }

    /// A resource of any kind, as its tag tells.
    public struct Tagged: Hashable, Sendable {
        public let id: String
        /// `vpc`, `subnet`, `instance` and so on.
        public let kind: String
    }

    /// Everything in EC2 that carries the cluster's tag; for about an hour terminated instances
    /// too.
    public func tagged(with cluster: ClusterID) async throws -> [Tagged] {
        let fields: Fields =
            [("Action", "DescribeTags"), ("Version", "2016-11-15")]
            + Self.filter(1, "key", ["jeeves:cluster"])
            + Self.filter(2, "value", [cluster.rawValue])
        return try await pages(fields, "listing what carries the tag of \(cluster)") { answer in
            answer.all("tagSet", "item").compactMap { item in
                guard let id = item.text("resourceId"), let kind = item.text("resourceType") else {
                    return nil
                }
                return Tagged(id: id, kind: kind)
            }
        }
    }

    private func describe(_ fields: Fields, _ what: String) async throws -> [Instance] {
        let action: Fields = [("Action", "DescribeInstances"), ("Version", "2016-11-15")]
        return try await pages(action + fields, what) { answer in
            answer.all("reservationSet", "item", "instancesSet", "item").compactMap(Self.instance)
        }
    }

    private func pages<Item>(
        _ fields: Fields, _ what: String, read: (XML) -> [Item]
    ) async throws -> [Item] {
        var found: [Item] = []
        var token: String?
        for _ in 1...Self.pagesMax {
            let page = fields + (token.map { [("NextToken", $0)] } ?? [])
            let answer = try await client.action(.ec2, page, what)
            found += read(answer)
            token = answer.text("nextToken").flatMap { $0.isEmpty ? nil : $0 }
            if token == nil { return found }
        }
        throw Failure(.failed, "\(what): more than \(Self.pagesMax) pages came")
    }

    /// Read by path: network interfaces inside have elements of the same names.
    private static func instance(_ item: XML) -> Instance? {
        guard let id = item.text("instanceId"), let state = item.text("instanceState", "name")
        else { return nil }
        return Instance(
            id: id, state: state, privateAddress: item.text("privateIpAddress"),
            publicAddress: item.text("ipAddress"))
    }

    private static func alive(_ number: Int) -> Fields {
        filter(
            number, "instance-state-name",
            ["pending", "running", "shutting-down", "stopping", "stopped"])
    }

    private static func filter(_ number: Int, _ name: String, _ values: [String]) -> Fields {
        [("Filter.\(number).Name", name)]
            + values.enumerated().map { ("Filter.\(number).Value.\($0 + 1)", $1) }
    }
}
