import Glibc
import Model
import Outside

/// `jeeves serve` in the operator's place.
struct Serving: Sendable {
    private static let endMax = Duration.seconds(60)

    let cluster: LiveCluster
    private let child: ChildID

    /// Returns once the agents have found it. Throws `timeout` if they do not, and leaves nothing
    /// behind then.
    static func begin(_ cluster: LiveCluster) async throws -> Serving {
        let serving = Serving(
            cluster: cluster, child: try cluster.person.start(["jeeves", "serve"]))
        do { try await serving.ready() } catch {
            _ = try? await serving.end()
            throw error
        }
        return serving
    }

    /// Its exit status.
    @discardableResult
    func end() async throws -> Int32 {
        Glibc.kill(child.pid, SIGTERM)
        return try await cluster.person.status(
            of: child, deadline: Self.endMax, ["jeeves", "serve"])
    }

    /// Ends it at once, for who cannot wait for it any more; does nothing if it has ended.
    func kill() { Spawn.kill(child) }

    private func ready() async throws {
        // A verb that finds nobody who drives would take the place itself.
        try await cluster.wait("jeeves serve drives", atMost: .seconds(30)) {
            try await cluster.look.driving().holder != nil
        }
        try await cluster.wait("jeeves serve has its agents", atMost: .seconds(90)) {
            (try? await cluster.look.members()) != nil
        }
    }
}
