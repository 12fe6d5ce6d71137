import Model
import Outside

/// Waits until every machine that Terraform made has enrolled, opened its link and said how it is.
struct Enrol: Stage {
    let name = StageName.enrol
    static let deadline = Duration.seconds(600)
    /// How long an agent that redials an absent coordinator may take to find this one.
    static let redialMax = Duration.seconds(45)

    func plan(_ run: StageRun) async throws -> [Change] {
        guard let wanted = try? Self.machines(run) else {
            return [.unknown("enrolment", until: .provision)]
        }
        let missing = try await Self.missing(
            wanted, run, atMost: Self.redialMax, judging: run.refuseIfSuperseded)
        return missing.sorted().map {
            Change(.run, "\($0)", detail: "wait for its agent to connect")
        }
    }

    func run(_ run: StageRun) async throws -> String {
        let wanted = try Self.machines(run)
        let start = run.world.clock.uptime()
        let missing = try await Self.missing(
            wanted, run, atMost: Self.deadline, judging: run.refuseIfSuperseded)
        guard missing.isEmpty else { throw lateness(missing: missing, run) }
        let waited = run.world.clock.uptime() - start
        return waited < .seconds(1)
            ? nothingToDo : "\(wanted.count) nodes connected after \(waited.shortText)"
    }

    private static func machines(_ run: StageRun) throws -> Set<NodeName> {
        Set(try run.infrastructure().machines.keys)
    }

    /// Waits until every one of `wanted` is connected and has said how it is; returns those that
    /// have not. Throws what `judge` throws, at the first look after which it does.
    static func missing(
        _ wanted: Set<NodeName>, _ run: StageRun, atMost deadline: Duration,
        judging judge: () async throws -> Void = {}
    ) async throws -> Set<NodeName> {
        let clock = run.world.clock
        let end = clock.uptime() + deadline
        var last: Set<NodeName>?
        while true {
            let here = await run.downlinks.reported().intersection(wanted)
            try await judge()
            if here != last { run.tell(activity(wanted, here, before: last ?? [])) }
            last = here
            guard here != wanted, clock.uptime() < end else { return wanted.subtracting(here) }
            try await clock.sleep(.milliseconds(200), op: "enrol.wait")
        }
    }

    private static func activity(
        _ wanted: Set<NodeName>, _ here: Set<NodeName>, before: Set<NodeName>
    ) -> Activity {
        let away = wanted.subtracting(here).sorted().map(\.rawValue).joined(separator: ", ")
        return Activity(
            "agents", away.isEmpty ? "" : "waiting for \(away)", done: here.count,
            of: wanted.count,
            lines: here.subtracting(before).sorted().map { "\($0): connected" })
    }

    private func lateness(missing: Set<NodeName>, _ run: StageRun) -> Failure {
        let nodes = missing.sorted().map(\.rawValue).joined(separator: ", ")
        let addresses = run.cluster.coordinator.addresses.joined(separator: ", ")
        return Failure(
            .timeout,
            "waiting for agents: \(nodes) did not connect within \(Self.deadline.shortText)",
            fix: "check that the nodes reach \(addresses) (a firewall, a port that must be "
                + "forwarded, the coordinator's security group), then run `jeeves up` again; on "
                + "the node: `journalctl -u jeeves-agent -u jeeves-install`")
    }
}
