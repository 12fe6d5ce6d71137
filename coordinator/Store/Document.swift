import Model

/// A count of commits: every commit has a higher one than all before it.
public typealias Revision = UInt64

/// The collections there are. A new one is a new case: nothing makes them up at run time.
public enum CollectionName: String, Sendable, CaseIterable {
    /// Single documents about the cluster: lease, epoch, infrastructure.
    case meta
    case specs, statuses, rollouts, tokens, settings
    /// What was started outside and how it ended (see ``Ledger``).
    case intents
    case events
    /// What nodes and layers were, and from when on.
    case history
    /// What verbs ask of nodes through the coordinator that runs beside them.
    case errands
}

/// One stored value as it was at `revision`.
public struct Document: Hashable, Sendable {
    public let key: String
    public let value: [UInt8]
    /// Commit that wrote it last.
    public let revision: Revision

    public init(key: String, value: [UInt8], revision: Revision) {
        self.key = key
        self.value = value
        self.revision = revision
    }
}

/// What must still hold for a commit to happen.
public struct Compare: Hashable, Sendable {
    public let collection: CollectionName
    public let key: String
    /// Nil: the document must not be there.
    public let revision: Revision?

    public init(_ collection: CollectionName, _ key: String, at revision: Revision?) {
        self.collection = collection
        self.key = key
        self.revision = revision
    }
}

/// One change of a commit.
public enum Write: Hashable, Sendable {
    case put(CollectionName, String, [UInt8])
    case delete(CollectionName, String)

    var collection: CollectionName {
        switch self {
        case .put(let collection, _, _), .delete(let collection, _): collection
        }
    }

    var key: String {
        switch self {
        case .put(_, let key, _), .delete(_, let key): key
        }
    }

    /// Nil for a deletion.
    var value: [UInt8]? {
        switch self {
        case .put(_, _, let value): value
        case .delete: nil
        }
    }
}
