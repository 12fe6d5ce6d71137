import Model
import Outside

/// What AWS answered instead of doing what was asked.
struct Refusal: Hashable, Sendable {
    let status: Int
    /// AWS's own word: `Throttling`, `NoSuchHostedZone`.
    let code: String
    let message: String

    init(status: Int, code: String, message: String) {
        self.status = status
        self.code = code
        self.message = message
    }

    /// Reads the shapes of Route 53 and STS (`ErrorResponse`), of EC2 (`Response`), and of errors
    /// that are an element of their own (Route 53's `InvalidChangeBatch`).
    init(_ answer: HTTPResponse) {
        guard let root = try? XML.parse(answer.body) else {
            self.init(
                status: answer.status, code: "HTTP\(answer.status)", message: "no reason given")
            return
        }
        let error = root.all("Error").first ?? root.all("Errors", "Error").first
        let messages = root.all("Messages", "Message").map(\.text.trimmed)
        self.init(
            status: answer.status, code: error?.text("Code") ?? root.name,
            message: error?.text("Message") ?? root.text("Message")
                ?? messages.joined(separator: "; "))
    }

    /// Whether the same request may work in a moment. Route 53 throttles with status 400, so the
    /// code decides before the status does.
    var isTransient: Bool {
        status >= 500 || status == 429 || Self.throttles.contains(code)
    }

    private static let throttles: Set = [
        "Throttling", "ThrottlingException", "ThrottledException", "PriorRequestNotComplete",
        "RequestLimitExceeded", "TooManyRequestsException", "RequestThrottled", "SlowDown",
    ]

    func failure(_ what: String) -> Failure {
        let text = String(message.prefix(400))
        return Failure(kind, "\(what): AWS says \(code): \(text)", fix: fix)
    }

    private static let identityTroubles: Set = [
        "InvalidClientTokenId", "SignatureDoesNotMatch", "ExpiredToken", "ExpiredTokenException",
        "RequestExpired", "AuthFailure", "MissingAuthenticationToken", "IncompleteSignature",
        "UnrecognizedClientException", "InvalidAccessKeyId",
    ]

    private var kind: Failure.Code {
        if isTransient { return .unavailable }
        if Self.identityTroubles.contains(code) || status == 401 || status == 403 {
            return .unauthorized
        }
        if code.hasPrefix("NoSuch") || code.hasSuffix(".NotFound") || status == 404 {
            return .notFound
        }
        return .invalid
    }

    private var fix: String {
        switch code {
        case "SignatureDoesNotMatch", "RequestExpired":
            "check the secret key, and that this machine's clock is right (`timedatectl`)"
        case "ExpiredToken", "ExpiredTokenException":
            "get new credentials (`aws sso login`, or export them again)"
        case _ where Self.identityTroubles.contains(code):
            "check the access key; `aws sts get-caller-identity` should answer"
        default:
            switch kind {
            case .unauthorized: "allow this call in the IAM policy of these credentials"
            case .unavailable: "try again in a minute"
            default: ""
            }
        }
    }
}
