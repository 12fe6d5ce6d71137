import Logging
import Model
import Outside
import Wire

/// The coordinator's side of one live link: sends a node its spec and requests, keeps what it
/// reports. One actor a connection; the node's newest connection replaces an older one.
actor Downlink {
    /// More requests than this at once to one node are refused.
    static let requestsMax = 32

    let node: NodeName
    private let link: any Link
    private let clock: any Clocks
    private var nextRequest: UInt64 = 1
    private var waiting: [UInt64: CheckedContinuation<Reply.Body, any Error>] = [:]

    init(node: NodeName, link: any Link, clock: any Clocks) {
        self.node = node
        self.link = link
        self.clock = clock
    }

    func send(_ spec: NodeSpec) async throws { try await link.send(.spec(spec)) }

    /// Reads until the link ends; `heard` gets every message that is not a reply.
    func listen(_ heard: @Sendable (Message) async throws -> Void) async throws {
        defer { failAll() }
        for try await message in link.incoming {
            if case .reply(let reply) = message {
                waiting.removeValue(forKey: reply.id)?.resume(returning: reply.body)
            } else {
                try await heard(message)
            }
        }
    }

    func reply(_ message: Message) async throws { try await link.send(message) }

    func close() async { await link.close() }

    /// Asks the node for something of the closed list. Throws `timeout`, `unavailable` if the link
    /// ends meanwhile, or the node's own failure. A cancelled caller waits no longer; the node may
    /// do what it was asked all the same.
    func ask(_ request: AgentRequest, deadline: Duration) async throws -> Reply.Body {
        guard waiting.count < Self.requestsMax else {
            throw Failure(
                .unavailable, "asking \(node): too many requests are open",
                fix: "wait until the others are answered, then ask again")
        }
        let id = nextRequest
        nextRequest += 1
        let timer = Task { [clock] in
            try await clock.sleep(deadline, op: "downlink.deadline")
            self.expire(id, after: deadline)
        }
        defer { timer.cancel() }
        let body = try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                waiting[id] = continuation
                Task {
                    do { try await link.send(.request(Request(id: id, body: request))) } catch {
                        fail(id, error)
                    }
                }
            }
        } onCancel: {
            Task { await self.fail(id, CancellationError()) }
        }
        if case .failure(let failure) = body { throw failure.context("asking \(node)") }
        return body
    }

    private var advice: String {
        "look at `jeeves status`, and on the node at `journalctl -u jeeves-agent`"
    }

    private func expire(_ id: UInt64, after deadline: Duration) {
        fail(
            id,
            Failure(
                .timeout, "asking \(node): no answer within \(deadline.shortText)", fix: advice))
    }

    private func fail(_ id: UInt64, _ error: any Error) {
        waiting.removeValue(forKey: id)?.resume(throwing: error)
    }

    private func failAll() {
        let open = waiting
        waiting = [:]
        for continuation in open.values {
            continuation.resume(
                throwing: Failure(
                    .unavailable, "asking \(node): its link went down", fix: advice))
        }
    }
}
