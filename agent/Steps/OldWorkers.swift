import FoundationEssentials
import Model
import Outside
import Tools

/// The workers that reloads of HAProxy left behind: each serves what was open then, and is cut off
/// after `hard-stop-after`. A reload that can wait does wait while there are too many.
struct OldWorkers: Sendable {
    let count: Int
    /// When the oldest was told to end, at the latest.
    let since: Date

    /// From so many on only a reload that serving needs is done. Each holds its connections'
    /// memory, and chats that all reconnect at once are what a reload should avoid.
    static let most = 3

    /// Nil if there are none, or HAProxy's master has no socket that answers.
    static func read(_ world: World, _ layout: EdgeLayout) async -> OldWorkers? {
        let socket = RuntimeSocket(master: world, layout)
        guard
            let answer = try? await socket.ask(
                HAProxyRuntime.showProcesses, op: "haproxy.workers"),
            let workers = try? HAProxyRuntime.Workers(answer), let ending = workers.longestEnding
        else { return nil }
        return OldWorkers(
            count: workers.old.count,
            since: world.clock.now().addingTimeInterval(-ending.seconds))
    }

    /// For a status: `2 old workers end since 2026-01-01T00:00:00Z`.
    var words: String {
        let noun = count == 1 ? "1 old worker ends" : "\(count) old workers end"
        return "\(noun) since \(since.formatted(.iso8601))"
    }

    /// Throws `unavailable` if a reload should wait for some of them to end.
    static func requireRoom(_ world: World, _ layout: EdgeLayout) async throws {
        guard let old = await read(world, layout), old.count >= most else { return }
        throw Failure(
            .unavailable, "reloading HAProxy: \(old.words), and \(most) are too many for one more",
            fix: "wait: each ends with its last connection, or after `edge.drainSeconds`")
    }
}
