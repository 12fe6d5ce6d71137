import Model
import Outside

/// What an ACME CA says of itself (RFC 8555 §7.1.1, RFC 9773 §4): a request out, its answer back.
/// It sends nothing itself.
public struct AcmeDirectory: Sendable, Hashable {
    /// Most bytes of an answer of a CA's; Let's Encrypt's directory has about a thousand.
    public static let answerBytesMax = 64 << 10

    private let address: HTTPSAddress
    private let renewalInfo: String?
    /// The issuer names that a CAA record must have to let this CA issue (RFC 8659 §4.2); empty if
    /// the CA does not say.
    public let caaIdentities: [String]

    private struct Document: Decodable {
        struct Meta: Decodable { var caaIdentities: [String]? }
        var newOrder: String
        var renewalInfo: String?
        var meta: Meta?
    }

    /// Throws `invalid` if `directory` is not an https URL.
    public static func request(_ directory: String, caPEM: String) throws -> HTTPRequest {
        try HTTPSAddress(directory).get(rootsPEM: caPEM)
    }

    /// Reads what the CA at `directory` answered. Throws `unavailable` for another status than 200,
    /// `invalid` if it is no ACME directory.
    public init(_ response: HTTPResponse, of directory: String) throws {
        let tried = "reading the CA's directory \(directory)"
        guard response.status == 200 else {
            throw Failure(.unavailable, "\(tried): status \(response.status)")
        }
        address = try HTTPSAddress(directory)
        let document = try JSON.decode(
            Document.self, from: response.body, what: "the CA's directory \(directory)")
        renewalInfo = document.renewalInfo
        caaIdentities = (document.meta?.caaIdentities ?? []).map { $0.lowercased() }
    }

    /// Where it says so for the certificate called `identifier`; nil if it never does. Throws
    /// `unauthorized` if that is another server than the configured one: nobody else is asked.
    public func renewalInfo(for identifier: String) throws -> HTTPSAddress? {
        guard let renewalInfo else { return nil }
        let place = try HTTPSAddress(renewalInfo)
        guard place.isSameServer(as: address) else {
            throw Failure(
                .unauthorized,
                "looking for the CA's renewal information: \(address) sends us to \(place.host)")
        }
        return place.appending(identifier)
    }
}
