import Model
import Outside

/// Waits until every machine that Terraform made has enrolled and opened its link.
struct Enrol: Stage {
    let name = StageName.enrol
    static let deadline = Duration.seconds(600)

    func plan(_ run: StageRun) async throws -> [Change] {
        let connected = await run.downlinks.connected()
        guard let infrastructure = try? run.infrastructure() else {
            return [Change(.run, "enrolment", detail: "known after provision")]
        }
        return infrastructure.machines.keys.sorted().filter { !connected.contains($0) }.map {
            Change(.run, "\($0)", detail: "wait for its agent to connect")
        }
    }

    func run(_ run: StageRun) async throws -> String {
        let wanted = Set(try run.infrastructure().machines.keys)
        let start = run.world.clock.uptime()
        var last: Set<NodeName> = []
        while true {
            let connected = await run.downlinks.connected().intersection(wanted)
            for node in connected.subtracting(last).sorted() { run.say("\(node): connected") }
            last = connected
            if connected == wanted { break }
            guard run.world.clock.uptime() - start < Self.deadline else {
                throw lateness(missing: wanted.subtracting(connected), run)
            }
            try await run.world.clock.sleep(.milliseconds(250), op: "enrol.wait")
        }
        let waited = run.world.clock.uptime() - start
        return waited < .seconds(1)
            ? nothingToDo : "\(wanted.count) nodes connected after \(waited.shortText)"
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
