import Model
import Wire

/// What nodes said that they obey, when they connected to this driving start of a coordinator.
struct Greetings: Sendable {
    private let driving: Driving
    private var fences: [NodeName: Fence?] = [:]

    init(driving: Driving) { self.driving = driving }

    var nodes: Set<NodeName> { Set(fences.keys) }

    /// Those that had no spec yet are not among them.
    var obeyed: [NodeName: Fence] { fences.compactMapValues { $0 } }

    /// Nodes that obey a later start than this one, or another of the same epoch: they will refuse
    /// what this one sends.
    var superseding: [NodeName: Fence] {
        obeyed.filter {
            $1.epoch > driving.epoch || ($1.epoch == driving.epoch && $1.run != driving.run)
        }
    }

    /// Throws `invalid` for numbers that no coordinator ever gave, because one more is counted.
    mutating func note(_ hello: Hello) throws {
        if let fence = hello.fence, max(fence.epoch, fence.generation) >= Fence.countMax {
            throw Failure(
                .invalid,
                "greeting \(hello.node): it obeys an epoch or generation that nobody can have sent")
        }
        fences.updateValue(hello.fence, forKey: hello.node)
    }

    mutating func forget(_ node: NodeName) { fences.removeValue(forKey: node) }
}
