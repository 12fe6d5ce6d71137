import Crypto
import FoundationEssentials
import Model

/// Keys that sign AWS requests.
public struct AWSCredentials: Sendable {
    public let accessKeyID: String
    public let secretAccessKey: Secret
    public let sessionToken: Secret?
    /// When they stop working; nil for keys that do not.
    public let expires: Date?

    public init(
        accessKeyID: String, secretAccessKey: Secret, sessionToken: Secret? = nil,
        expires: Date? = nil
    ) {
        self.accessKeyID = accessKeyID
        self.secretAccessKey = secretAccessKey
        self.sessionToken = sessionToken
        self.expires = expires
    }
}

/// AWS Signature Version 4 (IAM User Guide, "Create a signed AWS API request"). Signs; sends
/// nothing.
public struct SigV4: Sendable {
    /// What is signed. `path` and `query` are plain text, not yet encoded.
    public struct Request: Sendable {
        public var method: String
        public var host: String
        public var path: String
        public var query: [(name: String, value: String)]
        /// Extra headers, all of which are signed.
        public var headers: [String: String]
        public var body: [UInt8]

        public init(
            method: String, host: String, path: String = "/",
            query: [(name: String, value: String)] = [], headers: [String: String] = [:],
            body: [UInt8] = []
        ) {
            self.method = method
            self.host = host
            self.path = path
            self.query = query
            self.headers = headers
            self.body = body
        }

        /// The query as it must be sent: sorted and encoded as it was signed.
        public var canonicalQuery: String {
            query.map { (SigV4.encode($0.name), SigV4.encode($0.value)) }
                .sorted { ($0.0, $0.1) < ($1.0, $1.1) }
                .map { "\($0.0)=\($0.1)" }.joined(separator: "&")
        }

        /// The path as it must be sent: each segment encoded once.
        public var encodedPath: String { SigV4.encode(path, keeping: "/") }
    }

    private let credentials: AWSCredentials
    private let region: String
    private let service: String

    public init(credentials: AWSCredentials, region: String, service: String) {
        self.credentials = credentials
        self.region = region
        self.service = service
    }

    /// All headers to send, lower case: those of the request, `host`, `x-amz-date`, the session
    /// token and `authorization`.
    public func headers(for request: Request, now: Date) -> [String: String] {
        let stamp = Self.stamp(now)
        var headers: [String: String] = [:]
        for (name, value) in request.headers { headers[name.lowercased()] = value }
        headers["host"] = request.host
        headers["x-amz-date"] = stamp
        if let token = credentials.sessionToken {
            headers["x-amz-security-token"] = token.reveal()
        }
        let names = headers.keys.sorted()
        let signedHeaders = names.joined(separator: ";")
        let canonical = [
            request.method,
            // Every service but S3 wants the path encoded once more than it is sent.
            Self.encode(request.encodedPath, keeping: "/"),
            request.canonicalQuery,
            names.map { "\($0):\(Self.trimmed(headers[$0] ?? ""))\n" }.joined(),
            signedHeaders,
            Hash.sha256(request.body).rawValue,
        ].joined(separator: "\n")
        let scope = "\(stamp.prefix(8))/\(region)/\(service)/aws4_request"
        let text = "AWS4-HMAC-SHA256\n\(stamp)\n\(scope)\n\(Hash.sha256(canonical.utf8))"
        let signature = Self.hmac(key(date: String(stamp.prefix(8))), text).hexadecimal
        headers["authorization"] =
            "AWS4-HMAC-SHA256 Credential=\(credentials.accessKeyID)/\(scope), "
            + "SignedHeaders=\(signedHeaders), Signature=\(signature)"
        return headers
    }

    private func key(date: String) -> [UInt8] {
        var key = Array("AWS4\(credentials.secretAccessKey.reveal())".utf8)
        for part in [date, region, service, "aws4_request"] { key = Self.hmac(key, part) }
        return key
    }

    private static func hmac(_ key: [UInt8], _ text: String) -> [UInt8] {
        Array(
            HMAC<SHA256>.authenticationCode(
                for: Array(text.utf8), using: SymmetricKey(data: key)))
    }

    /// Percent-encoding of RFC 3986: unreserved characters stay.
    static func encode(_ text: String, keeping kept: String = "") -> String {
        let digits = Array("0123456789ABCDEF")
        var result = ""
        for byte in text.utf8 {
            let scalar = Unicode.Scalar(byte)
            let isUnreserved =
                byte < 128
                && (scalar.properties.isAlphabetic || scalar.properties.numericType != nil
                    || "-._~".unicodeScalars.contains(scalar)
                    || kept.unicodeScalars.contains(scalar))
            if isUnreserved {
                result.unicodeScalars.append(scalar)
            } else {
                result += "%\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])"
            }
        }
        return result
    }

    private static func trimmed(_ value: String) -> String {
        value.split(separator: " ", omittingEmptySubsequences: true).joined(separator: " ")
    }

    /// `20261123T050338Z`.
    static func stamp(_ date: Date) -> String {
        let text = date.formatted(.iso8601)
        return String(text.filter { $0 != "-" && $0 != ":" })
    }
}
