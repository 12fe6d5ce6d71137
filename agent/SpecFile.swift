import Model
import Outside

/// The node's own copy of its spec, from which it converges without a coordinator.
struct SpecFile: Sendable {
    let files: any Files
    let path: String

    /// Nil before the first spec. Throws `invalid` if the file was damaged.
    func read() throws -> NodeSpec? {
        guard let bytes = try files.readIfThere(path, bytesMax: 4 << 20) else { return nil }
        do {
            return try JSON.decode(NodeSpec.self, from: bytes, what: path)
        } catch let failure as Failure {
            throw Failure(
                failure.code, failure.message,
                fix: "remove \(path) and restart jeeves-agent: the coordinator sends it again")
        }
    }

    /// Saves `spec` if the fence admits it. Throws `conflict` if it does not, or if it is for
    /// another node or cluster, and `invalid` if what this node obeys cannot be read.
    func accept(_ spec: NodeSpec, as settings: Settings) throws {
        try settings.require(spec, .conflict, trying: "accepting a spec")
        if let current = try read() {
            if current == spec { return }
            try Fence(of: current).admit(spec)
        }
        try files.replace(path, with: JSON.encode(spec), mode: 0o600, op: "spec.replace")
    }
}
