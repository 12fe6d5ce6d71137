import FoundationEssentials
import Model

/// The cluster at one time: what was wanted, what was attempted and what ran, three things apart.
public struct Moment: Codable, Hashable, Sendable {
    /// Where the newest rollout that had come to its end by then had led.
    public struct Desired: Codable, Hashable, Sendable {
        public let rollout: RunID
        public let reachedAt: Date
        public let cluster: ClusterSpec
    }

    /// The rollout that was in flight.
    public struct Attempted: Codable, Hashable, Sendable {
        public let rollout: RunID
        public let startedAt: Date
        /// The rollout that it was to undo.
        public let undoes: RunID?
        /// The last stage that had begun, and when; nil before the first.
        public let stage: StageName?
        public let stageSince: Date?
        /// How it ended later, and when; nil if it has not. One whose coordinator was killed ends
        /// when the next one finds it.
        public let ending: Rollout.State?
        public let endedAt: Date?
    }

    /// A node as its last report by then had it.
    public struct Node: Codable, Hashable, Sendable {
        public let name: NodeName
        /// Since when all of it was so.
        public let since: Date
        public let state: NodeState
        /// Since when each step was in that state, as far as it was written down.
        public let stepsSince: [StepID: Date]
    }

    /// The layers as they were seen by then.
    public struct Layers: Codable, Hashable, Sendable {
        /// Since when all of them were seen so.
        public let since: Date
        public let layers: [ClusterStatus.Layer]
        /// Since when each, by its name, was seen in that state.
        public let layersSince: [String: Date]
    }

    public let at: Date
    public let desired: Desired?
    public let attempted: Attempted?
    public let nodes: [Node]
    public let layers: Layers?
    /// What nobody wrote down, a sentence each.
    public let unknown: [String]
}
