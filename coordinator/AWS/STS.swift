import Model

/// Whom AWS knows a set of credentials as.
public struct CallerIdentity: Hashable, Sendable {
    public let account: String
    /// `arn:aws:sts::123456789012:assumed-role/ROLE/SESSION` for a role.
    public let arn: String

    public init(account: String, arn: String) {
        self.account = account
        self.arn = arn
    }

    /// The role whose credentials these are; `(none)`, which no role is called, for a user.
    public var roleName: String { roleAndSession.role }

    /// The session of that role: for the role of an EC2 instance, the instance's id.
    public var sessionName: String { roleAndSession.session }

    private var roleAndSession: (role: String, session: String) {
        // arn:PARTITION:sts::ACCOUNT:assumed-role/ROLE/SESSION
        let parts = arn.split(separator: ":", maxSplits: 5, omittingEmptySubsequences: false)
        let names = parts.last?.split(separator: "/", omittingEmptySubsequences: false) ?? []
        guard parts.count == 6, parts[2] == "sts", names.count == 3, names[0] == "assumed-role",
            !names[1].isEmpty, !names[2].isEmpty
        else { return ("(none)", "(none)") }
        return (String(names[1]), String(names[2]))
    }
}

/// Asks AWS who somebody is. (STS Query API, version 2011-06-15.)
public struct STS: Sendable {
    private let client: AWSClient

    public init(client: AWSClient) { self.client = client }

    /// Who we are. Throws `unauthorized` if AWS does not accept our credentials.
    public func caller() async throws -> CallerIdentity {
        let what = "asking AWS who we are"
        let answer = try await client.action(
            .sts, [("Action", "GetCallerIdentity"), ("Version", "2011-06-15")], what)
        return try Self.identity(answer, what)
    }

    /// Who signed this GetCallerIdentity. The endpoint is ours whatever the headers say; that they
    /// and the body are the ones allowed is judged before (`IdentityProof`).
    /// Throws `unauthorized` if AWS does not accept the signature.
    public func replay(headers: [String: String], body: [UInt8]) async throws -> CallerIdentity {
        let what = "checking a node's proof with AWS"
        return try Self.identity(
            await client.replay(.sts, headers: headers, body: body, what), what)
    }

    private static func identity(_ answer: XML, _ what: String) throws -> CallerIdentity {
        guard let result = answer.all("GetCallerIdentityResult").first,
            let account = result.text("Account"), let arn = result.text("Arn")
        else { throw Failure(.failed, "\(what): the answer names nobody") }
        return CallerIdentity(account: account, arn: arn)
    }
}
