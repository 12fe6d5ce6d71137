import Model

/// Some nodes that get their new spec together.
struct Batch: Codable, Hashable, Sendable {
    let nodes: [NodeName]
    /// None of them has served yet, so there is nothing that could be lost.
    let isNew: Bool

    var text: String { nodes.map(\.rawValue).joined(separator: ", ") }
}

/// In which order, and how many at once, the nodes of one role get a new spec: pure, so that the
/// same cluster always gives the same batches.
enum Batches {
    /// How a node stands to the spec that is wanted of it.
    enum Standing: Hashable, Sendable {
        /// This machine was never seen right.
        case new
        /// It has a spec that it was not seen right with, or that is not known here; or it is not
        /// right now, or somebody has changed it.
        case torn
        /// It is right, and should become something else.
        case serving
        /// It was seen right with the spec that is wanted.
        case done
    }

    /// New nodes first: they take nothing from what serves, and add to it. Workers come all
    /// together, controllers one by one, since the first has to be right before others can join it.
    /// Then those that are torn already, so that no others are touched before these are mended. Of
    /// all but the new ones never more than a batch is touched at once; the canary is its first
    /// part.
    static func make(
        _ standings: [NodeName: Standing], role: MicroK8sSpec.Role, settings: RolloutSection
    ) -> [Batch] {
        func nodes(_ standing: Standing) -> [NodeName] {
            standings.filter { $0.value == standing }.keys.sorted()
        }
        let new = nodes(.new)
        let old = standings.count - new.count
        let size = role == .controller ? 1 : settings.batch.nodes(of: old)
        var rest = (nodes(.torn) + nodes(.serving))[...]
        var batches =
            role == .controller
            ? new.map { Batch(nodes: [$0], isNew: true) }
            : new.isEmpty ? [] : [Batch(nodes: new, isNew: true)]
        func take(_ count: Int) {
            guard count > 0, !rest.isEmpty else { return }
            batches.append(Batch(nodes: Array(rest.prefix(count)), isNew: false))
            rest = rest.dropFirst(count)
        }
        take(min(settings.canary, size))
        while !rest.isEmpty { take(size) }
        return batches
    }
}
