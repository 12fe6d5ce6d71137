import FoundationEssentials
import Model
import Outside
import Support

@testable import Coordinator
@testable import Web

extension Window {
    /// A cluster of one controller, whose name somebody has chosen to hurt a browser with.
    static let said = "<script>alert(1)</script>\" onload=\"x"

    /// A window onto a cluster whose parts are in `state`, with so many events.
    static func showing(
        _ state: Picture.State = .right, events count: Int = 3, clock: any Clocks = ManualClock()
    ) -> Window {
        let events = (0..<count).map { event($0) }
        return Window(
            clock: clock, look: { View.of(state) }, measure: { .some },
            events: { start in
                let next = UInt64(count + 1)
                let first = min(max(start ?? 1, 1), next)
                return (Array(events.dropFirst(Int(first) - 1)), next)
            }, moment: { .failing(at: $0) })
    }

    static func event(_ number: Int) -> Event {
        Event(
            at: FakeWorld.start, actor: "ann@desk", subject: "stage/app", cause: "operator",
            outcome: .done, detail: "\(number) \(said)\n\u{2028}")
    }
}

extension Window.View {
    static func of(_ state: Picture.State) -> Window.View {
        let node = NodeName(unchecked: "controller-1")
        let certificate = ServedCertificate(
            serial: "04ab", notAfter: FakeWorld.start.addingTimeInterval(45 * 86_400),
            renewsFrom: FakeWorld.start.addingTimeInterval(15 * 86_400),
            notBefore: FakeWorld.start.addingTimeInterval(-45 * 86_400))
        let status = NodeStatus(
            node: node, generation: 1,
            steps: [
                StepStatus(
                    id: StepID(unchecked: "certificate"), state: .converged,
                    detail: certificate.description),
                StepStatus(
                    id: StepID(unchecked: "haproxy"),
                    state: .failed(Failure(.failed, Window.said))),
            ],
            facts: Facts(
                system: "debian 12", kernel: "6", bootID: "b", address: "", instanceID: ""),
            agentVersion: "1", reportedAt: FakeWorld.start)
        return Window.View(
            picture: .of(state),
            status: ClusterStatus(
                cluster: ClusterID(unchecked: "chat"),
                domain: DomainName(unchecked: "chat.example.org"),
                layers: [
                    .init(
                        name: "edge", state: state == .right ? .right : .wrong, detail: Window.said)
                ],
                lookedAt: FakeWorld.start,
                nodes: [
                    .init(
                        name: node, role: .controller, instanceID: "i-1", address: "10.0.0.1",
                        publicAddress: "203.0.113.9", connected: true, revoked: false,
                        status: status, age: "1.0s")
                ],
                gate: Gate.Verdict(
                    address: "203.0.113.9", serial: "04ab", notAfter: certificate.notAfter,
                    status: 200, version: nil), rollout: .failing),
            linked: 1)
    }
}

extension Moment {
    /// A rollout was in flight, and the edge did not serve.
    static func failing(at time: Date) -> Moment {
        Moment(
            at: time, desired: nil,
            attempted: Attempted(
                rollout: RunID(unchecked: "0123456789abcdef"), startedAt: time, undoes: nil,
                stage: .workers, stageSince: time, ending: .failed, endedAt: nil),
            nodes: [],
            layers: Layers(
                since: time,
                layers: [ClusterStatus.Layer(name: "edge", state: .wrong, detail: "<b>503")],
                layersSince: [:]),
            unknown: ["what was wanted"])
    }
}

extension Measures {
    static let some = Measures(
        process: ProcessFigures(cpuSeconds: 1.5, residentBytes: 4096, openFiles: 7),
        nodes: [
            NodeName(unchecked: "controller-1"): NodeFigures(
                process: ProcessFigures(cpuSeconds: 0.5, residentBytes: 8192, openFiles: 9),
                haproxy: HAProxyFigures(
                    connections: 3, connectionsMax: 4000, connectionsTotal: 100,
                    requestsTotal: 250),
                ordersLeft: [StepID(unchecked: "certificate"): 2]),
            NodeName(unchecked: "worker-1"): NodeFigures(process: nil, haproxy: nil),
        ], tunnelBytes: 12)
}

extension Picture {
    static func of(_ state: State) -> Picture {
        let ids = [
            PartID(.chat), PartID(.record), PartID(.address, "controller-1"),
            PartID(.haproxy, "controller-1"), PartID(.node, "controller-1"),
            PartID(.agent, "controller-1"),
        ]
        return Picture(
            cluster: ClusterID(unchecked: "chat"),
            domain: DomainName(unchecked: "chat.example.org"), at: FakeWorld.start,
            parts: ids.map {
                Part(
                    id: $0, state: state, since: FakeWorld.start.addingTimeInterval(-300),
                    why: "because of \(Window.said)", next: "jeeves up", needs: [])
            })
    }
}

extension Rollout {
    /// One that failed in its second stage.
    static var failing: Rollout {
        var rollout = Rollout(
            id: RunID(unchecked: "aaaaaaaaaaaaaaaa"), epoch: 1, startedAt: FakeWorld.start)
        rollout.state = .failed
        rollout.endedAt = FakeWorld.start.addingTimeInterval(100)
        for (stage, start, state) in [(StageName.app, 0.0, State.done), (.routes, 75.0, .failed)] {
            var entry = Progress(stage: stage, startedAt: FakeWorld.start.addingTimeInterval(start))
            entry.endedAt = FakeWorld.start.addingTimeInterval(start + 25)
            entry.state = state
            entry.failure = state == .failed ? Failure(.failed, Window.said) : nil
            rollout.stages.append(entry)
        }
        return rollout
    }
}
