/// A part of a node that can say how it is, for `jeeves support`. What each says is bounded, holds
/// no secret that Jeeves knows of, and asking changes nothing.
public enum Diagnostic: String, Hashable, Sendable {
    /// Programs that the node's steps install.
    case versions
    /// Load, memory, disks, and units that failed.
    case system
    /// Processes, listeners and servers, by HAProxy's runtime API.
    case haproxy
    /// MicroK8s' own word, and what its Kubernetes lists.
    case microk8s
    /// One of a newer coordinator. It is refused by an answer.
    case unknown

    public static let all: [Diagnostic] = [.versions, .system, .haproxy, .microk8s]
}

extension Diagnostic: Codable {
    public init(from decoder: any Decoder) throws {
        let name = try decoder.singleValueContainer().decode(String.self)
        self = Diagnostic(rawValue: name) ?? .unknown
    }
}
