import Model
import Outside

/// The node's status as a file, so that `jeeves-agent status` works on the node with no
/// coordinator and no question to the running agent.
public struct StatusFile: Sendable {
    public static let path = "/run/jeeves/status.json"

    private let files: any Files
    private let path: String

    public init(files: any Files, path: String = Self.path) {
        self.files = files
        self.path = path
    }

    /// Writes every status of `reconciler` until the task is cancelled.
    public func follow(_ reconciler: Reconciler) async {
        for await status in await reconciler.statuses() {
            guard let bytes = try? JSON.encode(status, pretty: true) else { continue }
            try? files.replace(path, with: bytes, mode: 0o644, op: "status.replace")
        }
    }

    /// Throws `notFound` if the agent has not written one since the boot.
    public func read() throws -> NodeStatus {
        guard let bytes = try files.readIfThere(path) else {
            throw Failure(
                .notFound, "reading \(path): it is not there",
                fix: "look at `systemctl status jeeves-agent`")
        }
        return try JSON.decode(NodeStatus.self, from: bytes, what: path)
    }
}
