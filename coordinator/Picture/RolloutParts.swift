import FoundationEssentials
import Model

/// The last rollout and its stages.
struct RolloutParts {
    let known: Knowledge

    var parts: [Picture.Part] { [rollout] + (known.status.rollout?.stages ?? []).map(stage) }

    private var rollout: Picture.Part {
        guard let rollout = known.status.rollout else {
            return Picture.Part(
                id: PartID(.rollout), state: .unknown, why: "there was none yet",
                next: "jeeves up", needs: [])
        }
        let found = judge(rollout)
        let open = rollout.stages.filter { Self.state(of: $0.state) != .right }
        return Picture.Part(
            id: PartID(.rollout), state: found.state,
            since: rollout.endedAt ?? rollout.startedAt, why: found.why, next: found.next,
            needs: open.map { PartID(.stage, $0.stage.rawValue) })
    }

    private func judge(_ rollout: Rollout) -> (state: Picture.State, why: String, next: String) {
        let place = rollout.stages.last.map { " in stage \($0.stage.rawValue)" } ?? ""
        let name = "rollout \(rollout.id)"
        let again = known.held.isEmpty ? "jeeves up" : "jeeves rollout retry"
        switch rollout.state {
        case .done: return (.right, "\(name) is done", "")
        case .running: return (.changing, "\(name) runs\(place)", "jeeves rollout watch")
        case .paused: return (.changing, "\(name) is paused\(place)", "jeeves rollout resume")
        case .failed: return (.wrong, "\(name) failed\(place)", again)
        case .interrupted: return (.wrong, "\(name) was interrupted\(place)", again)
        case .aborted: return (.wrong, "\(name) was ended by a person\(place)", again)
        }
    }

    private func stage(_ entry: Rollout.Progress) -> Picture.Part {
        let state = Self.state(of: entry.state)
        let held = known.held.last { $0.stage == entry.stage }
        let why = entry.failure?.message ?? entry.summary
        return Picture.Part(
            id: PartID(.stage, entry.stage.rawValue), state: state,
            since: entry.endedAt ?? entry.startedAt,
            why: why.isEmpty ? entry.state.rawValue : String(why.prefix { !$0.isNewline }),
            next: state == .right
                ? ""
                : held == nil
                    ? entry.failure?.fix ?? ""
                    : "jeeves rollout undo, or jeeves rollout retry",
            needs: needs(of: entry.stage))
    }

    /// What a stage makes right, and so what may hinder it.
    private func needs(of stage: StageName) -> [PartID] {
        let nodes = known.status.nodes
        let controllers = known.controllers.map(\.name)
        return switch stage {
        case .preflight: []
        case .provision: controllers.map { PartID(.address, $0) }
        case .enrol: nodes.map { PartID(.agent, $0.name) }
        case .dns: [PartID(.record)]
        case .controllers:
            controllers.flatMap { [PartID(.node, $0), PartID(.haproxy, $0)] }
        case .workers: nodes.filter { $0.role == .worker }.map { PartID(.node, $0.name) }
        case .ingress: [PartID(.ingress)]
        case .app: [PartID(.app)]
        case .routes, .verify: [PartID(.chat)]
        }
    }

    private static func state(of state: Rollout.State) -> Picture.State {
        switch state {
        case .done: .right
        case .running, .paused: .changing
        case .failed, .interrupted, .aborted: .wrong
        }
    }
}
