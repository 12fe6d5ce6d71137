import Model
import Outside

/// Why a node of a batch is not waited for any longer.
struct Stumble: Error, Hashable {
    /// Nil if it is no single node's doing.
    let node: NodeName?
    let failure: Failure
    /// The node is not to blame: somebody whom it depends on does not answer.
    let isOutside: Bool

    init(_ node: NodeName?, _ failure: Failure, isOutside: Bool = false) {
        self.node = node
        self.failure = failure
        self.isOutside = isOutside
    }

    /// A step that failed: of a CA, a mirror or a store that does not answer no node is guilty.
    init(_ node: NodeName, _ body: StepBody?, _ failure: Failure) {
        let asksStrangers =
            switch body {
            case .certificate, .packages: true
            default: false
            }
        self.init(
            node, failure.context("converging \(node)"),
            isOutside: failure.code == .unavailable || failure.code == .timeout && asksStrangers)
    }

    /// Somebody changed a step after it was right in this rollout, which mends nothing twice.
    init(_ node: NodeName, _ step: StepID, _ drift: Drift) {
        self.init(
            node,
            Failure(
                .conflict,
                "watching \(node): somebody changed \(step) meanwhile: \(drift.what)",
                fix: "`jeeves up` makes it right again"))
    }
}

/// Whether nodes that became right stay so for a while: pure, so that its rules can be tested.
///
/// A step that fails, or that somebody changes, ends the wait at once. What may pass (a step being
/// made right again, a link that is down, an edge that does not answer) begins the while anew, and
/// ends the wait when it lasts too long.
struct Stability: Sendable {
    /// How long a node may be other than right without a failed step.
    static let troubleMax = Duration.seconds(120)

    private enum Witness: Hashable { case agent, look }
    private struct Place: Hashable {
        let node: NodeName
        let witness: Witness
    }

    private(set) var window: Duration
    private var rightSince: Duration
    private var troubles: [Place: (failure: Failure, since: Duration)] = [:]
    private var stumble: Stumble?

    init(window: Duration, since: Duration) {
        self.window = window
        rightSince = since
    }

    /// Takes what a node says of its steps; returns a line that a person should see.
    mutating func note(
        _ status: NodeStatus?, isConnected: Bool, of spec: NodeSpec, now: Duration
    ) -> String? {
        if let status, status.generation == spec.generation, isConnected, stumble == nil {
            stumble = status.stumble(of: spec)
        }
        return take(
            Self.trouble(status, isConnected: isConnected, of: spec),
            at: Place(node: spec.node, witness: .agent), now)
    }

    /// Takes what was seen of a node from elsewhere; nil if it serves as it must.
    mutating func note(_ failure: Failure?, of node: NodeName, now: Duration) -> String? {
        take(failure, at: Place(node: node, witness: .look), now)
    }

    /// Whether everything has been right for the whole window.
    func isDone(now: Duration) -> Bool {
        stumble == nil && troubles.isEmpty && now - rightSince >= window
    }

    /// A person says that it has been right for long enough.
    mutating func shorten() { window = .zero }

    /// Why waiting longer is useless; nil while it is not.
    func verdict(now: Duration) -> Stumble? {
        if let stumble { return stumble }
        return worst.flatMap { now - $0.since > Self.troubleMax ? $0.stumble : nil }
    }

    /// What to say when there is no more time.
    func lateness(_ deadline: Duration) -> Stumble {
        if let worst { return worst.stumble }
        return Stumble(
            nil,
            Failure(
                .timeout,
                "waiting for nodes to stay right for \(window.shortText): they did not within "
                    + deadline.shortText,
                fix: Self.fix))
    }

    private mutating func take(_ failure: Failure?, at place: Place, _ now: Duration) -> String? {
        guard let failure else {
            if troubles.removeValue(forKey: place) != nil { rightSince = now }
            return nil
        }
        rightSince = now
        let isNew = troubles[place] == nil
        troubles[place] = (failure, troubles[place]?.since ?? now)
        return isNew ? "\(place.node): \(failure.message)" : nil
    }

    private var worst: (since: Duration, stumble: Stumble)? {
        let oldest = troubles.min {
            ($0.value.since, $0.key.node) < ($1.value.since, $1.key.node)
        }
        return oldest.map { place, trouble in
            (trouble.since, Stumble(place.node, trouble.failure.context("watching \(place.node)")))
        }
    }

    static let fix =
        "look at `jeeves status`, and at `journalctl -u jeeves-agent` on the node"

    /// What is wrong with a node that is not connected.
    static let absence = Failure(.failed, "its agent does not report", fix: fix)

    private static func trouble(
        _ status: NodeStatus?, isConnected: Bool, of spec: NodeSpec
    ) -> Failure? {
        guard isConnected, let status else { return absence }
        if let refused = status.refused { return refused }
        guard status.generation == spec.generation else {
            return Failure(
                .failed,
                "its spec is generation \(status.generation), not \(spec.generation)", fix: fix)
        }
        let wrong = spec.steps.first { status.trouble(with: $0.id) != nil }
        return wrong.map {
            Failure(.failed, "\($0.id): \(status.trouble(with: $0.id) ?? "")", fix: fix)
        }
    }
}

extension NodeStatus {
    /// The first step, right until now, that failed or that somebody changed.
    fileprivate func stumble(of spec: NodeSpec) -> Stumble? {
        for step in steps {
            switch step.state {
            case .failed(let failure):
                let body = spec.steps.first { $0.id == step.id }?.body
                return Stumble(node, body, failure)
            case .drifted(let drift): return Stumble(node, step.id, drift)
            case .waiting, .converging, .converged, .unsupported: continue
            }
        }
        return nil
    }
}
