import FoundationEssentials
import Model
import Outside
import Trust

/// Credentials that are looked for again before they end: those of a role, or of a program, are
/// good for some hours, and a coordinator runs for longer.
actor CurrentCredentials {
    /// How long before their end they are replaced: a role's next ones are there by then (EC2 User
    /// Guide, "Retrieve security credentials from instance metadata").
    static let slack = Duration.seconds(300)

    private var found: AWSCredentials
    private let clock: any Clocks
    private let find: @Sendable () async throws -> AWSCredentials

    init(
        _ found: AWSCredentials, clock: any Clocks,
        find: @escaping @Sendable () async throws -> AWSCredentials
    ) {
        self.found = found
        self.clock = clock
        self.find = find
    }

    /// Throws what looking for new ones does, once the old ones have ended.
    func value() async throws -> AWSCredentials {
        guard let end = found.expires, end <= clock.now() + Self.slack.seconds else { return found }
        do { found = try await find() } catch {
            // Until their end the old ones are as good as any.
            guard end > clock.now() else { throw error }
        }
        return found
    }
}
