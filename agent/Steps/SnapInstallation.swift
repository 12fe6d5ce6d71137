import FoundationEssentials
import Model
import Outside
import Tools

/// One snap brought to *installed, active and held* through snapd. snapd runs the change itself, so
/// an agent that was restarted in the middle finds it and waits.
struct SnapInstallation: Sendable {
    private let snapd: Snapd

    static let changeMax = Duration.seconds(1800)
    private static let callMax = Duration.seconds(30)

    init(snap: String) { snapd = Snapd(snap: snap) }

    /// What is installed; nil if nothing is. Reads only.
    func find(_ world: World) async throws -> Snapd.Snap? {
        try snapd.snap(in: await send(snapd.get(), op: "snap.get", world))
    }

    /// How `snap` is not as wanted.
    func differences(of snap: Snapd.Snap, channel: String, now: Date) -> [Difference] {
        var found: [Difference] = []
        if !snap.isActive {
            found.append(Difference("snap \(snapd.name)", found: snap.status, wanted: "active"))
        }
        if snap.tracked != channel {
            found.append(Difference("channel", found: snap.tracked, wanted: channel))
        }
        if !isHeld(snap, now: now) {
            found.append(Difference("refresh", found: "not held", wanted: "held"))
        }
        return found
    }

    /// Awaits a change that runs, then does what is missing; from one of `left` it refreshes to
    /// `channel`. Throws `conflict` for any other channel, `unavailable` while snapd is busy,
    /// `timeout`, and `failed` with snapd's own words.
    func install(
        channel: String, leaving left: Set<String> = [], _ world: World,
        telling tell: @escaping Telling = { _ in }
    ) async throws {
        let running = try snapd.firstRunning(
            in: await send(snapd.running(), op: "snap.running", world))
        // Whoever began it: what it left is looked at below.
        if let running { _ = try await end(of: running.id, world, tell) }
        if try await find(world) == nil {
            try await change(
                snapd.install(channel: channel), "installing \(snapd.name) from \(channel)",
                op: "snap.install", world, tell)
        }
        guard let snap = try await find(world) else {
            throw Failure(
                .failed, "installing \(snapd.name): snapd says it is not installed",
                fix: "run `snap changes` on the node")
        }
        // First of all: a refresh in the middle of a first start is the worst time for it.
        if !isHeld(snap, now: world.clock.now()) {
            try await change(
                snapd.hold(), "holding refreshes of \(snapd.name)", op: "snap.hold", world, tell)
        }
        if !snap.isActive {
            try await change(
                snapd.enable(), "enabling \(snapd.name)", op: "snap.enable", world, tell)
        }
        guard snap.tracked != channel else { return }
        guard left.contains(snap.tracked) else {
            throw Failure(
                .conflict,
                "installing \(snapd.name): \(snap.tracked) is installed, \(channel) is wanted",
                fix: "set `\(snapd.name).channel` in the cluster file to \(snap.tracked), or run "
                    + "`snap refresh \(snapd.name) --channel=\(channel)` on the node")
        }
        try await change(
            snapd.refresh(channel: channel),
            "refreshing \(snapd.name) from \(snap.tracked) to \(channel)", op: "snap.refresh",
            world, tell)
    }

    /// snapd holds "for ever" as a date far away, so one that is past holds nothing.
    private func isHeld(_ snap: Snapd.Snap, now: Date) -> Bool {
        // RFC 3339 dates sort as text; a day more or less does not matter here.
        (snap.hold ?? "").prefix(10) > now.formatted(.iso8601).prefix(10)
    }

    private func change(
        _ request: HTTPRequest, _ tried: String, op: Op, _ world: World,
        _ tell: @escaping Telling
    ) async throws {
        let response = try await send(request, op: op, world)
        guard let id = try snapd.started(in: response, trying: tried) else { return }
        let change = try await end(of: id, world, tell)
        guard change.succeeded else {
            throw Failure(
                .failed, "\(tried): \(change.reason)", fix: "run `snap change \(id)` on the node")
        }
    }

    private func end(
        of id: String, _ world: World, _ tell: @escaping Telling
    ) async throws -> Snapd.Change {
        var activity = ""
        do {
            return try await world.clock.poll(
                every: .milliseconds(500), atMost: Self.changeMax,
                waitingFor: "snapd's change \(id)", op: "snap.wait"
            ) {
                let change = try snapd.change(
                    in: await send(snapd.change(id), op: "snap.change", world))
                activity = change.activity
                await tell(activity)
                return change.ready ? change : nil
            }
        } catch let failure as Failure where failure.code == .timeout && !activity.isEmpty {
            throw Failure(
                .timeout, "\(failure.message); it was at: \(activity.prefix(200))",
                fix: "run `snap change \(id)` on the node")
        }
    }

    private func send(
        _ request: HTTPRequest, op: Op, _ world: World
    ) async throws -> HTTPResponse {
        do {
            return try await world.network.http(
                request, deadline: Self.callMax, bytesMax: Snapd.answerBytesMax, op: op)
        } catch let failure as Failure where failure.code == .unavailable {
            throw Failure(
                .unavailable, "asking snapd: \(failure.message)",
                fix: "run `systemctl status snapd.socket` on the node")
        }
    }
}
