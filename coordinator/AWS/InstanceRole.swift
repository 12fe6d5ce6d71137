import FoundationEssentials
import Model
import Outside
import Trust

/// The credentials of the role of the EC2 instance that we run on, from instance metadata version 2
/// (EC2 User Guide, "Use IMDSv2").
struct InstanceRole: Sendable {
    struct Found: Sendable {
        let name: String
        let credentials: AWSCredentials
    }

    private struct Answer: Decodable {
        let AccessKeyId: String
        let SecretAccessKey: Secret
        let Token: Secret
        let Expiration: Date
    }

    private let endpoint: Endpoint
    private let world: World

    /// Throws `invalid` if `AWS_EC2_METADATA_SERVICE_ENDPOINT` is no `http://host[:port]`.
    init(_ settings: [String: String], world: World) throws {
        self.world = world
        guard let given = settings["AWS_EC2_METADATA_SERVICE_ENDPOINT"] else {
            endpoint = .tcp(host: "169.254.169.254", port: 80)
            return
        }
        let bare = given.hasSuffix("/") ? given.dropLast() : given[...]
        let parts = bare.dropFirst("http://".count).split(
            separator: ":", omittingEmptySubsequences: false)
        guard bare.hasPrefix("http://"), (1...2).contains(parts.count), let host = parts.first,
            !host.isEmpty, let port = parts.count == 2 ? UInt16(parts[1]) : 80
        else {
            throw Failure(
                .invalid, "reading AWS_EC2_METADATA_SERVICE_ENDPOINT: it is not http://host[:port]",
                fix: "unset it, or set it to such a URL")
        }
        endpoint = .tcp(host: String(host), port: port)
    }

    /// Nil where there is no such service, or the instance has no role.
    func find() async throws -> Found? {
        let token: String
        do {
            let header = ["X-aws-ec2-metadata-token-ttl-seconds": "300"]
            guard let text = try await ask("PUT", "/latest/api/token", header) else { return nil }
            token = text
        } catch let failure as Failure where [.unavailable, .timeout].contains(failure.code) {
            return nil
        }
        let header = ["X-aws-ec2-metadata-token": token]
        let folder = "/latest/meta-data/iam/security-credentials/"
        guard let list = try await ask("GET", folder, header),
            let name = list.split(whereSeparator: \.isNewline).first.map(String.init),
            name.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || "+=,.@-_".contains($0)) }
            ),
            let document = try await ask("GET", folder + name, header)
        else { return nil }
        let answer = try JSON.decode(
            Answer.self, from: document.utf8, what: "the credentials of the instance role \(name)")
        return Found(
            name: name,
            credentials: AWSCredentials(
                accessKeyID: answer.AccessKeyId, secretAccessKey: answer.SecretAccessKey,
                sessionToken: answer.Token, expires: answer.Expiration))
    }

    /// Nil for any status but 200. Off EC2 nothing may answer at all, hence the short deadline.
    private func ask(
        _ method: String, _ target: String, _ headers: [String: String]
    ) async throws -> String? {
        let answer = try await world.network.http(
            HTTPRequest(method, endpoint, target, headers: headers), deadline: .seconds(2),
            bytesMax: 64 << 10, op: "aws.metadata")
        return answer.status == 200 ? String(decoding: answer.body, as: UTF8.self) : nil
    }
}
