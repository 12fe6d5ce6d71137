import Model
import Trust

/// What `jeeves up` would do, and one digest over all of it. The digest holds no time, no run and
/// no note, so that the same wish for the same world has the same digest whenever it is planned.
public struct Plan: Codable, Hashable, Sendable {
    public struct StagePlan: Codable, Hashable, Sendable {
        public let stage: StageName
        public let changes: [Change]

        fileprivate var withoutNotes: StagePlan {
            StagePlan(stage: stage, changes: changes.map(\.withoutNote))
        }
    }

    /// What the digest is taken over.
    private struct Content: Encodable {
        let cluster: Digest
        let contents: [String: Digest]
        let stages: [StagePlan]
    }

    /// Over the cluster file, what the stages make of it and of the files that it names, and the
    /// changes.
    public let digest: Digest
    /// Over the decoded cluster file: comments and layout do not count.
    public let cluster: Digest
    /// How many changes there are of each action that occurs.
    public let counts: [String: Int]
    /// What the stages make of the cluster file, by the stage's name: see ``Stage/content(_:)``.
    public let contents: [String: Digest]
    public let stages: [StagePlan]

    public var changes: [Change] { stages.flatMap(\.changes) }

    /// Throws what the encoder throws.
    init(
        of spec: ClusterSpec, contents: [String: Digest] = [:], stages: [StagePlan]
    ) throws {
        cluster = try Self.digest(of: spec)
        self.contents = contents
        digest = try Hash.digest(
            of: Content(
                cluster: cluster, contents: contents, stages: stages.map(\.withoutNotes)))
        counts = Dictionary(
            stages.flatMap(\.changes).map { ($0.action.rawValue, 1) }, uniquingKeysWith: +)
        self.stages = stages
    }

    /// Over a decoded cluster file.
    static func digest(of spec: ClusterSpec) throws -> Digest { try Hash.digest(of: spec) }

    /// The counts in one line, in the order of the actions: `2 to create, 1 to update`.
    public var summary: String {
        Change.Action.allCases.compactMap { action in
            counts[action.rawValue].map { "\($0) to \(action.rawValue)" }
        }.joined(separator: ", ")
    }

    /// Throws `stale` with what moved unless this is the plan that a person approved.
    func require(_ approved: Approved) throws {
        guard digest != approved.digest else { return }
        let tried = "applying plan \(approved.digest.rawValue.prefix(12))"
        let fix = "look at `jeeves plan` again"
        guard let before = approved.plan else {
            throw Failure(
                .stale, "\(tried): what would be done now is \(digest), so something moved",
                fix: fix)
        }
        var moved: [String] = cluster == before.cluster ? [] : ["the cluster file"]
        if moved.isEmpty {
            moved += contents.keys.sorted().filter { contents[$0] != before.contents[$0] }.map {
                "a file that stage \($0) reads"
            }
        }
        let (old, new) = (Self.lines(before.stages), Self.lines(stages))
        moved += new.filter { !old.contains($0) }.map { "now also \($0.text)" }
        moved += old.filter { !new.contains($0) }.map { "no longer \($0.text)" }
        let shown = moved.prefix(Self.movedMax).joined(separator: "; ")
        let more = moved.count > Self.movedMax ? "; and \(moved.count - Self.movedMax) more" : ""
        throw Failure(.stale, "\(tried): since then moved: \(shown)\(more)", fix: fix)
    }

    /// What is told of what moved, at most.
    private static let movedMax = 10

    /// One change, comparable with that of another plan.
    private struct Line: Hashable {
        let stage: StageName
        let change: Change

        var text: String {
            [stage.rawValue, change.action.rawValue, change.subject, change.words]
                .filter { !$0.isEmpty }.joined(separator: " ")
        }
    }

    private static func lines(_ stages: [StagePlan]) -> [Line] {
        stages.flatMap { stage in
            stage.changes.map { Line(stage: stage.stage, change: $0.withoutNote) }
        }
    }
}

extension Plan {
    /// The plan that a person looked at: its digest, or all of it, so that what moved can be told.
    public struct Approved: Hashable, Sendable {
        let digest: Digest
        let plan: Plan?

        public init(_ digest: Digest) { (self.digest, plan) = (digest, nil) }

        public init(_ plan: Plan) { (digest, self.plan) = (plan.digest, plan) }
    }
}
