import Foundation
import Model
import Outside

/// A person steers a rollout from a second process, and another one follows its events.
struct Steer {
    let cluster: LiveCluster

    func play(_ verdicts: inout Verdicts) async {
        guard await cluster.begins(cluster.base, &verdicts) else { return }
        var file = cluster.base
        file.promotion = "manual"
        file.channel = "1.35/stable"
        var followed: FollowedEvents?
        await verdicts.expect("events -f follows") {
            followed = try FollowedEvents(cluster.person)
            return true
        }
        await steer(file, &verdicts)
        await verdicts.expect("it has told of the pause, of the abort and of the promotion") {
            let told = try await followed?.end() ?? ""
            return ["paused", "aborted", "promoted by"].allSatisfy(told.contains)
        }
        await verdicts.expect("retry with nothing held ends with 0") {
            try await cluster.jeeves("rollout", "retry") == 0
        }
    }

    private func steer(_ file: ClusterText, _ verdicts: inout Verdicts) async {
        await verdicts.expect("a rollout rests, goes on and is aborted; its up ends with 1") {
            try await abort(file)
        }
        await verdicts.expect("with nothing that runs, abort has nothing to do, resume fails") {
            let aborted = try await cluster.jeeves("rollout", "abort")
            let resumed = try await cluster.jeeves("rollout", "resume")
            return aborted == 0 && resumed == 1
        }
        await verdicts.expect("after its canary it waits for a person, who promotes it") {
            try await promote(file)
        }
    }

    private func abort(_ file: ClusterText) async throws -> Bool {
        let earlier = try await cluster.look.driving().rollout?.id
        return try await cluster.up(to: file) {
            try await cluster.wait(for: .running, after: earlier)
            let paused = try await cluster.jeeves("rollout", "pause")
            try await cluster.wait(for: .paused, after: earlier)
            let again = try await cluster.jeeves("rollout", "pause")
            let shown = try await cluster.jeeves("rollout", "status")
            let resumed = try await cluster.jeeves("rollout", "resume")
            try await cluster.wait(for: .running, after: earlier)
            let aborted = try await cluster.jeeves("rollout", "abort")
            let watched = try await cluster.jeeves("rollout", "watch")
            let codes = [paused, again, shown, resumed, aborted, watched]
            guard codes == [0, 0, 0, 0, 0, 1] else {
                throw Failure(.failed, "steering a rollout: the verbs ended with \(codes)")
            }
        } == 1
    }

    private func promote(_ file: ClusterText) async throws -> Bool {
        let earlier = try await cluster.look.driving().rollout?.id
        let before = try await cluster.look.view(of: "worker-2")
        let code = try await cluster.up(to: file) {
            try await cluster.wait(for: .paused, after: earlier)
            let canary = try await cluster.look.view(of: "worker-1")
            let other = try await cluster.look.view(of: "worker-2")
            guard canary.channel == file.channel, other == before else {
                throw Failure(
                    .failed, "looking at a rollout that waits: \(canary), then \(other)")
            }
            let promoted = try await cluster.jeeves("rollout", "promote")
            guard promoted == 0 else {
                throw Failure(.failed, "promoting a rollout: exit \(promoted)")
            }
        }
        return try await cluster.serves(after: code, following: file.channel)
    }
}

/// `jeeves events -f` in a process of its own.
private struct FollowedEvents {
    private let child: ChildID
    private let scratch: Scratch

    init(_ person: Operator) throws {
        scratch = try Scratch()
        child = try person.start(
            ["jeeves", "events", "-f", "--since", "1m"],
            streams: Spawn.Streams(output: scratch.path("events")))
    }

    /// Ends it; returns what it has printed.
    func end() async throws -> String {
        defer { scratch.remove() }
        kill(child.pid, SIGTERM)
        _ = await Spawn.wait(for: child, deadline: .seconds(10))
        return try scratch.text("events", bytesMax: Host.outputBytesMax)
    }
}
