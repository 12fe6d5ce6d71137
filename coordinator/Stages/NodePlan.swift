import Model
import Outside

/// What a node's new spec would change there, from fresh checks that its agent makes for it.
struct NodePlan: Sendable {
    /// Checks read files and ask programs on the node; a slow disk takes its time.
    static let deadline = Duration.seconds(60)

    let role: MicroK8sSpec.Role
    let spec: NodeSpec
    let saved: NodeSpec?
    let isNew: Bool

    func changes(_ run: StageRun) async throws -> [Change] {
        let new = spec.steps.filter { isNew && saved?.steps.contains($0) != true }
        guard await run.downlinks.connected().contains(spec.node) else {
            return new.map { .unknown(subject($0.id), until: .enrol) }
        }
        let findings: [StepFinding]
        do { findings = try await look(run) } catch let failure as Failure {
            return [
                Change(.run, "\(spec.node)", detail: "could not look", note: failure.message)
            ]
        }
        return zip(spec.steps, findings).compactMap { change($0, $1, isNew: new.contains($0)) }
    }

    /// Throws what asking throws, and `invalid` unless there is a finding for each step.
    private func look(_ run: StageRun) async throws -> [StepFinding] {
        let answer = try await run.downlinks.ask(
            spec.node, .check(spec), deadline: Self.deadline)
        guard case .text(let text) = answer else {
            throw Failure(
                .invalid, "asking \(spec.node) what would change: it sent no findings",
                fix: Failure.Fix.sameVersions)
        }
        let findings: [StepFinding] = try JSON.decode(
            from: text.utf8, what: "the findings of \(spec.node)")
        guard findings.map(\.id) == spec.steps.map(\.id) else {
            throw Failure(
                .invalid, "asking \(spec.node) what would change: it answers other steps",
                fix: Failure.Fix.sameVersions)
        }
        return findings
    }

    private func change(_ step: StepSpec, _ finding: StepFinding, isNew: Bool) -> Change? {
        let subject = subject(step.id)
        let unseen = isNew ? Change(.update, subject, detail: "new spec") : nil
        switch finding.verdict {
        case .unsupported:
            return Change(.update, subject, detail: "unknown to its agent")
        case .failed(let failure):
            return Change(.update, subject, detail: "not right", note: failure.message)
        case .found(.missing):
            return step.presence == .present ? Change(.create, subject) : unseen
        case .found(.right):
            return step.presence == .present ? unseen : Change(.delete, subject)
        case .found(let found):
            guard step.presence == .present else { return Change(.delete, subject) }
            return Change(
                .update, subject, detail: found.text, effects: effects(of: step),
                diff: finding.diff)
        }
    }

    private func effects(of step: StepSpec) -> [Change.Effect] {
        switch step.body {
        case .haproxy: [.reload]
        case .microk8s where Drain.isNeeded(from: saved, to: spec):
            role == .worker ? [.restart, .drain, .irreversible] : [.restart, .irreversible]
        default: []
        }
    }

    private func subject(_ id: StepID) -> String { "\(spec.node)/\(id)" }
}
