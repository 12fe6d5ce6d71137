import FoundationEssentials
import Model
import Outside

/// EC2's instance metadata service, version 2 only (EC2 User Guide, "Use IMDSv2").
public struct InstanceMetadata: Sendable {
    private let world: World
    private let endpoint: Endpoint

    public init(
        world: World, endpoint: Endpoint = .tcp(host: "169.254.169.254", port: 80)
    ) {
        self.world = world
        self.endpoint = endpoint
    }

    /// The keys of the instance-profile role.
    struct RoleCredentials: Codable, Sendable {
        let accessKeyID: String
        let secretAccessKey: Secret
        let token: Secret
        let expiration: Date

        enum CodingKeys: String, CodingKey {
            case accessKeyID = "AccessKeyId"
            case secretAccessKey = "SecretAccessKey"
            case token = "Token"
            case expiration = "Expiration"
        }
    }

    /// Throws `unavailable` where there is no such service.
    public func instanceID() async throws -> String {
        try await text("/latest/meta-data/instance-id", token: token())
    }

    /// Throws `notFound` if the instance has no role.
    func credentials() async throws -> RoleCredentials {
        let folder = "/latest/meta-data/iam/security-credentials/"
        let session = try await token()
        let role = try await text(folder, token: session)
        guard let name = role.split(whereSeparator: \.isNewline).first else {
            throw Failure(
                .notFound, "asking instance metadata for the role: the instance has none",
                fix: "attach the instance profile that Terraform made, or enrol with a token")
        }
        return try await JSON.decode(
            RoleCredentials.self, from: body(folder + name, token: session),
            what: "the role's credentials")
    }

    /// What the world reaches the instance by, asked afresh each time: an Elastic IP can move.
    /// Empty if it has no public address. Throws `unavailable` where there is no such service.
    func publicAddresses() async throws -> Set<IPAddress> {
        let (session, folder) = (try await token(), "/latest/meta-data/")
        let macs = folder + "network/interfaces/macs/"
        var texts = try await lines(folder + "public-ipv4", token: session)
        for mac in try await lines(macs, token: session).prefix(Self.interfacesMax) {
            let name = mac.prefix { $0 != "/" }
            for leaf in ["public-ipv4s", "ipv6s"] {
                texts += try await lines("\(macs)\(name)/\(leaf)", token: session)
            }
        }
        return Set(texts.compactMap { IPAddress($0) })
    }

    private static let interfacesMax = 8

    /// Empty if there is no such leaf.
    private func lines(_ path: String, token: String) async throws -> [String] {
        do {
            return try await text(path, token: token).split(whereSeparator: \.isNewline)
                .map(String.init)
        } catch let failure as Failure where failure.code == .notFound { return [] }
    }

    private func token() async throws -> String {
        let answer = try await world.network.http(
            HTTPRequest(
                "PUT", endpoint, "/latest/api/token",
                headers: ["X-aws-ec2-metadata-token-ttl-seconds": "300"]),
            deadline: .seconds(5), bytesMax: 4 << 10, op: "metadata.token")
        guard answer.status == 200 else {
            throw Failure(
                .unavailable, "asking instance metadata for a token: HTTP \(answer.status)",
                fix: "turn on the instance's metadata service in EC2, or enrol with a token")
        }
        return String(decoding: answer.body, as: UTF8.self)
    }

    private func body(_ path: String, token: String) async throws -> [UInt8] {
        let answer = try await world.network.http(
            HTTPRequest("GET", endpoint, path, headers: ["X-aws-ec2-metadata-token": token]),
            deadline: .seconds(5), bytesMax: 64 << 10, op: "metadata.get")
        guard answer.status == 200 else {
            throw Failure(
                answer.status == 404 ? .notFound : .unavailable,
                "asking instance metadata for \(path): HTTP \(answer.status)")
        }
        return answer.body
    }

    private func text(_ path: String, token: String) async throws -> String {
        try await String(decoding: body(path, token: token), as: UTF8.self)
    }
}
