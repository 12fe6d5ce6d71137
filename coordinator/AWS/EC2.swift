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
        /// Value of the tag `Name`.
        public let name: String?
    }

    /// Every instance of the cluster that is not terminated, by the tag that Terraform gives all.
    public func instances(of cluster: ClusterID) async throws -> [Instance] {
        try await describe(
            Self.filter(1, "tag:jeeves:cluster", [cluster.rawValue]) + Self.alive(2),
            "listing the instances of \(cluster)")
    }

    /// Instances with this `Name` that are not terminated; such names need not be unique.
    public func instances(named name: String) async throws -> [Instance] {
        try await describe(
            Self.filter(1, "tag:Name", [name]) + Self.alive(2),
            "looking for the instance called \(name)")
    }

    /// Throws `notFound` if one of `ids` does not exist.
    public func instances(ids: [String]) async throws -> [Instance] {
        guard !ids.isEmpty else { return [] }
        let fields: Fields = ids.enumerated().map { ("InstanceId.\($0 + 1)", $1) }
        return try await describe(fields, "asking for \(ids.joined(separator: ", "))")
    }

    private func describe(_ fields: Fields, _ what: String) async throws -> [Instance] {
        var found: [Instance] = []
        var token: String?
        for _ in 1...Self.pagesMax {
            var page: Fields =
                [("Action", "DescribeInstances"), ("Version", "2016-11-15")] + fields
            if let token { page.append(("NextToken", token)) }
            let answer = try await client.action(.ec2, page, what)
            found += answer.all("reservationSet", "item", "instancesSet", "item").compactMap(
                Self.instance)
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
            publicAddress: item.text("ipAddress"),
            name: item.all("tagSet", "item").first { $0.text("key") == "Name" }?.text("value"))
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
