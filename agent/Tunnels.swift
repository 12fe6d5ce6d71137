import Logging
import Model
import Wire

/// Carries the coordinator's connections to this node's Kubernetes API: one mutually
/// authenticated connection a tunnel, dialled by the agent because nothing dials in.
public actor Tunnels {
    /// More at once are refused: kubectl and Helm need a handful.
    static let openMax = 64

    /// Opens one tunnel and carries it to its end.
    public typealias Carry = @Sendable (_ number: UInt64) async throws -> Void

    private let carry: Carry
    private let log: Logger
    private var open = 0

    public init(log: Logger, carry: @escaping Carry) {
        self.log = log
        self.carry = carry
    }

    /// Starts tunnel `number` and returns at once. Throws `unavailable` if too many are open.
    func open(_ number: UInt64) throws {
        guard open < Self.openMax else {
            throw Failure(
                .unavailable, "opening a tunnel: \(open) are open already",
                fix: "end some `jeeves kubectl` or `jeeves helm`, then try again")
        }
        open += 1
        Task {
            do { try await carry(number) } catch {
                log.warning("tunnel failed", metadata: ["reason": "\(error)"])
            }
            open -= 1
        }
    }
}
