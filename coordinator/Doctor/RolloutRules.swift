import FoundationEssentials
import Model

/// Finds what rollouts have left behind.
struct RolloutRules {
    let census: Census

    var findings: [Finding] { last + departures + held + wish }

    private var last: [Finding] {
        guard let rollout = census.rollout else { return [] }
        let subject = "rollout/\(rollout.id)"
        switch rollout.state {
        case .done: return []
        case .running:
            return [.note(.rollout, subject, "it runs now", next: "jeeves rollout watch")]
        case .paused:
            return [.problem(.rollout, subject, "it is paused", next: "jeeves rollout resume")]
        case .aborted:
            return [
                .note(.rollout, subject, "a person ended it\(place(rollout))", next: next(rollout))
            ]
        case .interrupted:
            return [
                .problem(
                    .rollout, subject, "it was interrupted\(place(rollout))", next: next(rollout))
            ]
        case .failed:
            let reason = rollout.stages.last?.failure.map { ": \($0.message)" } ?? ""
            return [
                .problem(
                    .rollout, subject, "it failed\(place(rollout))\(reason)", next: next(rollout))
            ]
        }
    }

    private func place(_ rollout: Rollout) -> String {
        let stage = rollout.stages.last.map { " in stage \($0.stage.rawValue)" } ?? ""
        return stage + (rollout.endedAt.map { " at \($0.formatted(.iso8601))" } ?? "")
    }

    /// What goes on to where it was to lead.
    private func next(_ rollout: Rollout) -> String {
        guard let goal = rollout.goal else { return "jeeves dns sync" }
        if goal.undoes != nil { return "jeeves rollout undo" }
        if case .success(.some) = census.refusal { return "jeeves rollout retry" }
        return "jeeves up"
    }

    private var departures: [Finding] {
        census.departures.filter { $0.phase == .leaving }.map {
            .problem(
                .departure, "node/\($0.node)",
                "\($0.instanceID) has been leaving since \($0.at.formatted(.iso8601))",
                next: "jeeves up")
        }
    }

    /// Only what is wanted now keeps `jeeves up` from going on.
    private var held: [Finding] {
        let refused = (try? census.refusal.get()) ?? nil
        return census.held.map { held in
            let subject = held.stage.map { "stage/\($0.rawValue)" } ?? "cluster-file"
            let origin = "since rollout \(held.rollout): \(held.reason)"
            guard held == refused else {
                return .note(
                    .held, subject, "held, though not wanted now, \(origin)",
                    next: "jeeves rollout status")
            }
            return .problem(
                .held, subject, "`jeeves up` refuses it \(origin)",
                next: "jeeves rollout undo, or jeeves rollout retry")
        }
    }

    private var wish: [Finding] {
        guard case .failure(let failure) = census.refusal else { return [] }
        return [.unknown(.unanswered, "cluster-file", failure.message, next: "jeeves validate")]
    }
}
