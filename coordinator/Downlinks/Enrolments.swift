import Logging
import Model
import Outside
import Wire

/// Answers strangers: one challenge, one proof, one certificate or one refusal.
public struct Enrolments: Sendable {
    /// Judges a proof. Throws `unauthorized` with the reason.
    public typealias Judge = @Sendable (EnrolmentRequest, _ nonce: String) async throws -> Void
    /// Issues the chain for a node that has proved itself.
    public typealias Issue = @Sendable (EnrolmentRequest) async throws -> CertificateChain

    private let chance: any Chance
    private let log: Logger
    private let judge: Judge
    private let issue: Issue

    public init(
        chance: any Chance, log: Logger, judge: @escaping Judge, issue: @escaping Issue
    ) {
        self.chance = chance
        self.log = log
        self.judge = judge
        self.issue = issue
    }

    /// Serves one stranger to its end. The listener bounds how many there are, how much they may
    /// send and how long they may take.
    public func serve(_ link: any Link, from source: String) async {
        do {
            let nonce = try Digest(bytes: chance.bytes(32)).rawValue
            try await link.send(.challenge(EnrolmentChallenge(nonce: nonce)))
            for try await message in link.incoming {
                guard case .enrolment(let request) = message else {
                    throw Failure(
                        .invalid, "enrolling: an unexpected message came",
                        fix: Failure.Fix.sameVersions)
                }
                try await judge(request, nonce)
                try await link.send(.certificate(issue(request)))
                log.info(
                    "node enrolled", metadata: ["node": "\(request.node)", "source": "\(source)"])
                break
            }
        } catch {
            let failure = Failure(error, trying: "enrolling")
            // A node that boots before Terraform has said who it is comes again by itself.
            log.log(
                level: failure.mayPass || failure.code == .notFound ? .info : .warning,
                "enrolment refused",
                metadata: ["source": "\(source)", "reason": "\(failure.message)"])
            try? await link.send(.refusal(failure))
        }
        await link.close()
    }
}
