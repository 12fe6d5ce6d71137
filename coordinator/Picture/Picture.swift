import FoundationEssentials
import Model

/// The cluster as the way that a request takes, from the name in Route 53 to the pods, with the
/// nodes, agents and the rollout beside it: each part with its state, since when, why, and what it
/// stands on. A pure function of what is known.
public struct Picture: Codable, Sendable {
    public enum Kind: String, Codable, Sendable, CaseIterable {
        case chat, record, address, haproxy, certificate, ingress, app, service, api, node, agent
        case rollout, stage
    }

    public enum State: String, Codable, Sendable, CaseIterable {
        case right, wrong, changing
        /// Nobody could be asked; `why` says why.
        case unknown
    }

    public struct Part: Codable, Sendable, Hashable {
        public let id: PartID
        public let state: State
        /// From when it has been in this state; nil in a picture without a memory.
        public var since: Date?
        /// In words, also of a part that is right.
        public let why: String
        /// What to type next; empty where nothing is to be done.
        public let next: String
        /// Parts that it stands on.
        public let needs: [PartID]
    }

    public let cluster: ClusterID
    public let domain: DomainName
    public let at: Date
    /// In the order of a request's way.
    public internal(set) var parts: [Part]

    public func parts(_ kind: Kind) -> [Part] { parts.filter { $0.id.kind == kind } }

    public subscript(id: PartID) -> Part? { parts.first { $0.id == id } }
}

/// Names one part of a picture: `node/worker-1`, as in events; `chat` if there is only one of it.
public struct PartID: Hashable, Sendable, CustomStringConvertible {
    public let kind: Picture.Kind
    /// Empty for what there is only one of.
    public let name: String

    init(_ kind: Picture.Kind, _ name: some CustomStringConvertible = "") {
        self.kind = kind
        self.name = name.description
    }

    public var description: String { name.isEmpty ? kind.rawValue : "\(kind.rawValue)/\(name)" }
}

extension PartID: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let parts = try container.decode(String.self).split(separator: "/", maxSplits: 1)
        guard let kind = parts.first.flatMap({ Picture.Kind(rawValue: String($0)) }) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "it names no part of the picture")
        }
        self.init(kind, parts.count == 2 ? String(parts[1]) : "")
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
