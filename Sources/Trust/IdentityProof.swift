import FoundationEssentials
import Model
import SwiftASN1

/// A machine's proof of who it is: a signed STS GetCallerIdentity that only the holder of the
/// instance's role can make, bound to the coordinator's nonce and to the key of the request.
///
/// The coordinator never goes where the proof says: it builds the URL itself and accepts only the
/// fixed body and a closed list of headers.
public enum IdentityProof {
    static let body = Array("Action=GetCallerIdentity&Version=2011-06-15".utf8)
    static let contentType = "application/x-www-form-urlencoded; charset=utf-8"
    static let ageMax = Duration.seconds(900)
    static let headerBytesMax = 4 << 10

    private static let bound = ["x-jeeves-cluster", "x-jeeves-key-hash", "x-jeeves-nonce"]
    private static let signed = ["content-type", "host", "x-amz-date"] + bound
    private static let allowed = Set(signed + ["authorization", "x-amz-security-token"])

    /// What the coordinator sends to STS.
    public struct Call: Sendable, Hashable {
        /// Real host of the region's STS, as it was signed.
        public let host: String
        public let headers: [String: String]
        public let body: [UInt8]
    }

    /// Headers of the signed call. Throws `invalid` if the request for the certificate is not ours.
    public static func sign(
        nonce: String, csrPEM: String, cluster: ClusterID, credentials: AWSCredentials,
        region: String, now: Date
    ) throws -> [String: String] {
        let request = SigV4.Request(
            method: "POST", host: host(region: region),
            headers: [
                "content-type": contentType, "x-jeeves-cluster": cluster.rawValue,
                "x-jeeves-key-hash": try keyHash(csrPEM).rawValue, "x-jeeves-nonce": nonce,
            ], body: body)
        return SigV4(credentials: credentials, region: region, service: "sts")
            .headers(for: request, now: now)
    }

    /// Checks everything that can be checked without AWS. Throws `unauthorized` with the reason.
    public static func judge(
        headers: [String: String], nonce: String, csrPEM: String, cluster: ClusterID,
        region: String, now: Date
    ) throws -> Call {
        func refuse(_ reason: String) -> Failure {
            Failure(.unauthorized, "judging a proof of identity: \(reason)")
        }
        guard Set(headers.keys).isSubset(of: allowed) else {
            throw refuse("it carries a header that is not on the list")
        }
        guard
            headers.values.allSatisfy({ value in
                value.utf8.count <= headerBytesMax
                    && value.utf8.allSatisfy { (32..<127).contains($0) }
            })
        else { throw refuse("a header is too long or not plain text") }
        let expected = [
            "content-type": contentType, "host": host(region: region),
            "x-jeeves-cluster": cluster.rawValue, "x-jeeves-nonce": nonce,
            "x-jeeves-key-hash": try keyHash(csrPEM).rawValue,
        ]
        for (name, value) in expected.sorted(by: { $0.key < $1.key }) {
            guard headers[name] == value else {
                throw refuse("\(name) is not what was asked for")
            }
        }
        guard let authorization = Authorization(headers["authorization"] ?? "") else {
            throw refuse("its authorization cannot be read")
        }
        // Signed and sent must be the same headers: one that is only sent binds nothing.
        guard authorization.signedHeaders == headers.keys.filter({ $0 != "authorization" }).sorted()
        else { throw refuse("not every header that binds it is signed") }
        guard authorization.region == region, authorization.service == "sts" else {
            throw refuse("it is signed for another region or service")
        }
        guard let made = date(headers["x-amz-date"] ?? ""),
            abs(made.timeIntervalSince(now)) <= ageMax.seconds
        else { throw refuse("it was not made within the last 15 minutes: check the clocks") }
        return Call(host: host(region: region), headers: headers, body: body)
    }

    /// STS of a region (AWS General Reference, "AWS STS endpoints").
    static func host(region: String) -> String {
        "sts.\(region).amazonaws.com" + (region.hasPrefix("cn-") ? ".cn" : "")
    }

    /// SHA-256 of the request's SubjectPublicKeyInfo (RFC 5280 §4.1). Throws `invalid` if the
    /// request is not one for a P-256 key.
    public static func keyHash(_ csrPEM: String) throws -> Digest {
        var serializer = DER.Serializer()
        try serializer.serialize(Authority.publicKey(ofCSR: csrPEM))
        return Hash.sha256(serializer.serializedBytes)
    }

    /// `20261123T050338Z`.
    private static func date(_ stamp: String) -> Date? {
        let digits = Array(stamp)
        guard digits.count == 16, digits[8] == "T", digits[15] == "Z" else { return nil }
        func part(_ range: Range<Int>) -> String { String(digits[range]) }
        let text =
            "\(part(0..<4))-\(part(4..<6))-\(part(6..<8))T"
            + "\(part(9..<11)):\(part(11..<13)):\(part(13..<15))Z"
        return try? Date(text, strategy: .iso8601)
    }

    /// The parts of an `Authorization` header of Signature Version 4.
    private struct Authorization {
        let region: String
        let service: String
        let signedHeaders: [String]

        /// Nil unless `text` is the scheme and its three fields, once each and in their order: if a
        /// field came twice, AWS might read the one and we the other.
        init?(_ text: String) {
            let names = ["AWS4-HMAC-SHA256 Credential=", "SignedHeaders=", "Signature="]
            let fields = text.split(separator: ", ", omittingEmptySubsequences: false)
            guard fields.count == names.count,
                zip(fields, names).allSatisfy({ $0.hasPrefix($1) })
            else { return nil }
            let values = zip(fields, names).map { $0.dropFirst($1.count) }
            let scope = values[0].split(separator: "/", omittingEmptySubsequences: false)
            guard scope.count == 5, scope[4] == "aws4_request", Digest.isValid(String(values[2])),
                values.allSatisfy({ !$0.contains(",") && !$0.contains(" ") })
            else { return nil }
            region = String(scope[2])
            service = String(scope[3])
            signedHeaders = values[1].split(separator: ";", omittingEmptySubsequences: false)
                .map(String.init)
        }
    }
}
