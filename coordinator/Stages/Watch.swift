import Model
import Outside

/// What has been seen of a set of nodes that are converging: pure, so that its rules can be tested.
struct Watch: Sendable {
    /// How long a step may stay failed, with no retry begun, before the stage gives up.
    static let failedMax = Duration.seconds(120)
    /// How long a step may fail and be tried again without ever being right.
    static let retriesMax = Duration.seconds(900)
    /// How often in a row a step may say that a person has to decide: once could be the end of what
    /// that person does just now.
    static let conflictsMax = 2
    /// How long a node may refuse its spec; what it refused of an earlier coordinator passes.
    static let refusedMax = Duration.seconds(10)
    /// How long nothing at all may happen.
    static let silenceMax = Duration.seconds(900)

    private let specs: [NodeSpec]
    private var states: [NodeName: [StepStatus]] = [:]
    private var checkedFor: [NodeName: RunID] = [:]
    private var progressAt: Duration
    /// When a step failed first that has not been right since.
    private var failingSince: [NodeName: [StepID: Duration]] = [:]
    /// How often in a row a step failed with a conflict.
    private var conflicts: [NodeName: [StepID: Int]] = [:]
    /// Steps that were right already: one that drifts then is not mended before the next rollout.
    private var seenRight: [NodeName: Set<StepID>] = [:]
    private var refusals: [NodeName: (failure: Failure, since: Duration)] = [:]
    private(set) var changed = false

    /// Steps that are waited for later.
    private let apart: Set<StepID>

    init(specs: [NodeSpec], since: Duration, apart: Set<StepID> = []) {
        self.specs = specs
        self.apart = apart
        progressAt = since
    }

    var isDone: Bool {
        specs.allSatisfy(isRight)
    }

    private func isRight(_ spec: NodeSpec) -> Bool {
        refusals[spec.node] == nil && checkedFor[spec.node] == spec.run
            && states[spec.node]?.count == spec.steps.count
            && states[spec.node]?.allSatisfy {
                $0.state == .converged || apart.contains($0.id)
            } == true
    }

    /// Takes a node's status; returns the lines that a person should see.
    mutating func note(_ status: NodeStatus?, of spec: NodeSpec, now: Duration) -> [String] {
        if let status, refusals[spec.node]?.failure != status.refused {
            refusals[spec.node] = status.refused.map { ($0, now) }
        }
        guard let status, status.generation == spec.generation else { return [] }
        checkedFor[spec.node] = status.checkedFor
        let before = states[spec.node]
        guard before != status.steps else { return [] }
        states[spec.node] = status.steps
        progressAt = now
        for step in status.steps
        where step.state != before?.first(where: { $0.id == step.id })?.state {
            count(step, of: spec.node, now: now)
        }
        return status.steps.filter { !apart.contains($0.id) }.compactMap { step in
            let old = before?.first { $0.id == step.id }
            guard old?.state != step.state else { return nil }
            switch step.state {
            case .waiting: return nil
            case .converging(let attempt):
                changed = true
                return "\(spec.node): \(step.id) \(attempt == 1 ? "…" : "try \(attempt) …")"
            case .converged:
                return old == nil ? nil : "\(spec.node): \(step.id) right \(step.detail)"
            case .failed(let failure): return "\(spec.node): \(step.id) failed: \(failure.message)"
            case .drifted(let drift): return "\(spec.node): \(step.id) drifted: \(drift.what)"
            case .unsupported: return "\(spec.node): \(step.id) is unknown to its agent"
            }
        }
    }

    private mutating func count(_ step: StepStatus, of node: NodeName, now: Duration) {
        switch step.state {
        case .failed(let failure):
            if failingSince[node]?[step.id] == nil {
                failingSince[node, default: [:]][step.id] = now
            }
            let before = failure.code == .conflict ? conflicts[node]?[step.id] ?? 0 : -1
            conflicts[node, default: [:]][step.id] = before + 1
        case .converged:
            seenRight[node, default: []].insert(step.id)
            failingSince[node]?[step.id] = nil
            conflicts[node]?[step.id] = nil
        case .waiting, .converging, .drifted, .unsupported: break
        }
    }

    /// Why waiting longer is useless, and whose doing it is; nil while it is not.
    func verdict(now: Duration) -> Stumble? {
        for (node, refusal) in refusals.sorted(by: { $0.key < $1.key })
        where now - refusal.since > Self.refusedMax {
            return Stumble(nil, refusal.failure.context("handing \(node) its spec"))
        }
        for (node, steps) in states.sorted(by: { $0.key < $1.key }) {
            for step in steps where !apart.contains(step.id) {
                if step.state == .unsupported {
                    return Stumble(
                        node,
                        Failure(
                            .unsupported,
                            "converging \(node): its agent does not know \(step.id)",
                            fix: Failure.Fix.sameVersions))
                }
                if case .drifted(let drift) = step.state,
                    seenRight[node]?.contains(step.id) == true
                {
                    return Stumble(node, step.id, drift)
                }
                guard case .failed(let failure) = step.state else { continue }
                let since = failingSince[node]?[step.id] ?? now
                let conflicts = conflicts[node]?[step.id] ?? 0
                if !failure.mayPass || conflicts >= Self.conflictsMax
                    || now - progressAt > Self.failedMax || now - since > Self.retriesMax
                {
                    return Stumble(node, body(of: step.id, on: node), failure)
                }
            }
        }
        guard now - progressAt > Self.silenceMax else { return nil }
        return lateness("nothing changed for \(Self.silenceMax.shortText)")
    }

    /// What to say when there is no more time: `why`, and the first node that is not right.
    func lateness(_ why: String) -> Stumble {
        let node = specs.first { !isRight($0) }?.node
        return Stumble(
            node,
            Failure(
                .timeout, "waiting for \(node.map { "\($0)" } ?? "the nodes"): \(why)",
                fix: Stability.fix))
    }

    private func body(of step: StepID, on node: NodeName) -> StepBody? {
        specs.first { $0.node == node }?.steps.first { $0.id == step }?.body
    }
}
