import FoundationEssentials

/// The stages of the `install` recipe, in the order of the recipe.
public enum StageName: String, Codable, Sendable, CaseIterable, Comparable {
    case preflight, provision, enrol, dns, controllers, workers, ingress, app, routes, verify

    public static func < (left: StageName, right: StageName) -> Bool {
        let order = StageName.allCases
        return order.firstIndex(of: left) ?? 0 < order.firstIndex(of: right) ?? 0
    }
}

/// A saved walk through an ordered list of stages.
public struct Rollout: Codable, Hashable, Sendable {
    /// docs/operating.md draws how one leads to another.
    public enum State: String, Codable, Sendable {
        case running, paused, done, failed, interrupted, aborted
    }

    public struct Progress: Codable, Hashable, Sendable {
        public let stage: StageName
        public var state: State
        public var startedAt: Date
        public var endedAt: Date?
        /// Time spent waiting for child programs, in seconds.
        public var childSeconds: Double
        /// What was done, in one line; "nothing to do" when the stage wrote nothing.
        public var summary: String
        public var failure: Failure?

        public init(stage: StageName, startedAt: Date) {
            self.stage = stage
            self.startedAt = startedAt
            state = .running
            endedAt = nil
            childSeconds = 0
            summary = ""
            failure = nil
        }
    }

    /// What it was to lead to, kept so that a later one can lead back to it.
    public struct Goal: Codable, Hashable, Sendable {
        public let cluster: ClusterSpec
        /// The rollout that this one undoes; nil for one that goes on.
        public let undoes: RunID?
        /// Digests of what stages made of the cluster file and of the files that it names, by the
        /// stage's name; known at the end.
        public var contents: [String: Digest] = [:]

        public init(_ cluster: ClusterSpec, undoes: RunID? = nil) {
            self.cluster = cluster
            self.undoes = undoes
        }
    }

    public let id: RunID
    public let epoch: UInt64
    public var state: State
    public let startedAt: Date
    public var endedAt: Date?
    public var stages: [Progress]
    /// Nil for one that leads a part of the cluster only.
    public var goal: Goal?

    /// Whether a later one can lead back to where this one ended.
    public var isCheckpoint: Bool { state == .done && goal != nil }

    public init(id: RunID, epoch: UInt64, startedAt: Date, goal: Goal? = nil) {
        self.id = id
        self.epoch = epoch
        self.startedAt = startedAt
        self.goal = goal
        state = .running
        endedAt = nil
        stages = []
    }
}
