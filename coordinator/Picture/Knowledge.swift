import FoundationEssentials
import Model
import Outside

/// Everything that a picture is made of, as it was known at one time.
struct Knowledge: Sendable {
    /// Layers that were looked at before this are not taken for what is.
    static let lookAgeMax = Duration.seconds(600)

    let status: ClusterStatus
    var sight: ClusterSight?
    /// Nodes with a link to this coordinator; nil if another process has the links, so that only
    /// the age of their word tells.
    var links: Set<NodeName>?
    /// What `jeeves up` refuses.
    var held: [Held] = []
    /// The application's.
    var namespace = ""
    let now: Date

    /// What a node says of itself, unless that is too old to be true.
    func freshStatus(of node: ClusterStatus.Node) -> NodeStatus? {
        guard isLinked(node.name), let status = node.status,
            age(status.reportedAt) <= Census.statusAgeMax
        else { return nil }
        return status
    }

    /// Whether nothing speaks against a link.
    func isLinked(_ node: NodeName) -> Bool { links.map { $0.contains(node) } ?? true }

    /// By the clocks of two machines.
    func age(_ moment: Date) -> Duration { .seconds(max(0, now.timeIntervalSince(moment))) }

    /// When a node was heard last, for people.
    func lastWord(of node: ClusterStatus.Node) -> String {
        guard let status = node.status else { return "it has never reported" }
        return "its last status is \(age(status.reportedAt).ageText) old"
    }

    /// How a layer is, unless the look at it is too old.
    func layer(_ name: String) -> (state: Picture.State, why: String) {
        guard let looked = status.lookedAt,
            let layer = status.layers.first(where: { $0.name == name })
        else { return (.unknown, "nobody has looked at it yet") }
        guard age(looked) <= Self.lookAgeMax else {
            return (
                .unknown,
                "looked at \(age(looked).ageText) ago; it was \(layer.state.rawValue) then"
            )
        }
        return (Picture.State(layer.state), layer.detail)
    }

    /// What is behind the layers, unless the look is too old.
    var freshSight: ClusterSight? {
        status.lookedAt.flatMap { age($0) <= Self.lookAgeMax ? sight : nil }
    }

    /// What the rollout is making right just now.
    var stageInFlight: StageName? {
        guard let rollout = status.rollout, rollout.endedAt == nil else { return nil }
        return rollout.stages.last { $0.endedAt == nil }?.stage
    }

    var controllers: [ClusterStatus.Node] { status.nodes.filter { $0.role == .controller } }

    /// What is not right yet and being made so by one of `stages` is changing.
    func made(by stages: Set<StageName>, _ found: (state: Picture.State, why: String))
        -> (state: Picture.State, why: String)
    {
        guard found.state != .right, let stage = stageInFlight, stages.contains(stage) else {
            return found
        }
        return (.changing, "stage \(stage.rawValue) is at it; \(found.why)")
    }
}
