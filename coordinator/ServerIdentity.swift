import FoundationEssentials
import Logging
import Model
import Outside
import Synchronization
import Trust
import Wire

/// The coordinator's own certificate, whose key never rests on a disk: made at each start, and anew
/// each day, because a service may run for longer than one is good.
final class ServerIdentity: Sendable {
    static let renewedEvery = Duration.seconds(86_400)

    private struct Made {
        let credentials: Credentials
        let at: Date
    }

    private let current: Mutex<Made>
    private let make: @Sendable (Date) throws -> Credentials
    private let clock: any Clocks
    private let log: Logger

    init(_ authority: Authority, of cluster: ClusterID, clock: any Clocks, log: Logger) throws {
        (self.clock, self.log) = (clock, log)
        make = { now in
            let key = try KeyPair.make()
            return Credentials(
                chainPEM: try authority.issueCoordinator(
                    csrPEM: key.csrPEM(), cluster: cluster, now: now), keyPEM: key.keyPEM)
        }
        let now = clock.now()
        current = Mutex(Made(credentials: try make(now), at: now))
    }

    /// What the next connection is shown.
    func credentials() -> Credentials {
        let now = clock.now()
        return current.withLock { current in
            // A clock that was set back counts too: the certificate is not good yet then.
            guard abs(now.timeIntervalSince(current.at)) >= Self.renewedEvery.seconds else {
                return current.credentials
            }
            do { current = Made(credentials: try make(now), at: now) } catch {
                log.error("own certificate not renewed", metadata: ["reason": "\(error)"])
            }
            return current.credentials
        }
    }
}
