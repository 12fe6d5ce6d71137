import FoundationEssentials
import Model
import Store

/// Since when parts are as they are, by what every coordinator writes down of nodes and layers. Has
/// no word on a part that is otherwise than the last entry says: a rollout is at it, or nobody
/// could be asked.
struct PartHistory {
    let store: Store

    func since(_ part: Picture.Part) throws -> Date? {
        switch part.id.kind {
        case .chat: try since("edge", part.state)
        case .record: try since("dns", part.state)
        case .ingress: try since("ingress", part.state)
        case .app: try since("app", part.state)
        case .api: try since("cluster", part.state)
        case .node: try history(part).since(part.state, \NodeState.pictured)
        case .haproxy: try history(part).since(part.state, \NodeState.haproxy)
        case .address, .certificate, .service, .agent, .rollout, .stage: nil
        }
    }

    private func since(_ layer: String, _ state: Picture.State) throws -> Date? {
        try StateHistory(subject: StateHistory.layers, store: store).since(state) {
            (layers: [ClusterStatus.Layer]) in
            layers.first { $0.name == layer }.map { Picture.State($0.state) }
        }
    }

    private func history(_ part: Picture.Part) -> StateHistory {
        StateHistory(subject: StateHistory.nodes + part.id.name, store: store)
    }
}

extension NodeState {
    /// As the picture has the machine.
    fileprivate var pictured: Picture.State? {
        let states = steps.filter { !NodeParts.isApart($0.id) }.map(\.pictured)
        if states.contains(.wrong) { return .wrong }
        return states.contains(.changing) || generation == 0 ? .changing : .right
    }

    fileprivate var haproxy: Picture.State? { steps.first { $0.id == EdgeParts.haproxy }?.pictured }
}

extension NodeState.Step {
    /// A try has its number in its word.
    fileprivate var pictured: Picture.State {
        Picture.State(StepState.Kind(rawValue: state) ?? .converging)
    }
}
