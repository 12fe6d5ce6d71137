import Model
import Support
import Testing

@testable import Coordinator

@Suite struct RecordStageTests {
    private static let ours = FakeAccount.Record(
        name: "chat.example.org", type: "A", ttl: 60, values: ["203.0.113.9"])
    private static let foreign = FakeAccount.Record(
        name: "chat.example.org", type: "A", ttl: 300, values: ["198.51.100.1"])

    /// An estate whose machines are there.
    private func withMachines(_ body: (Estate) async throws -> Void) async throws {
        try await withEstate { estate in
            try await estate.run(upTo: .provision)
            estate.fake.forgetOps()
            try await body(estate)
        }
    }

    @Test("the record is made, and it is done only when the zone's own server answers with it")
    func converges() async throws {
        try await withMachines { estate in
            try await estate.drive { run in
                let planned = try await RecordStage().plan(run)
                #expect(planned.map(\.detail) == ["none -> 203.0.113.9"])
                #expect(estate.fake.ops.isEmpty, "a plan only reads")
                let said = try await RecordStage().run(run)
                #expect(said == "chat.example.org -> 203.0.113.9")
                #expect(try run.cloudAnswers(estate) == ["203.0.113.9"])
                #expect(try await RecordStage().plan(run).isEmpty)
                #expect(try await RecordStage().run(run) == nothingToDo)
            }
            #expect(estate.account.look(\.records) == [Self.ours])
            #expect(estate.fake.ops == ["route53.change"])
        }
    }

    @Test("before the machines there is nothing to point at")
    func early() async throws {
        try await withEstate { estate in
            let planned = try await estate.plans(RecordStage())
            #expect(planned.first?.knownAfter == .provision)
            try await estate.stops(
                RecordStage(), Sentence(.notFound, "nothing is provisioned yet", fix: "jeeves up"))
        }
    }

    @Test("killed after any of its effects, it ends the same and changes the record once")
    func crashes() async throws {
        try await withEstates { make in
            var estate = try make()
            try await crashMatrix(
                setup: {
                    estate = try make()
                    try await estate.run(upTo: .provision)
                    return estate.fake
                },
                run: { _ in try await estate.drive { _ = try await RecordStage().run($0) } },
                verify: { _ in
                    #expect(estate.account.look(\.records) == [Self.ours])
                    #expect(estate.account.look(\.changes) == 1)
                })
        }
    }

    @Test("another value stops it with exit 7 and stays, unless a person takes the name")
    func foreignValue() async throws {
        try await withMachines { estate in
            estate.account.hold(Self.foreign)
            let sentence = Sentence(
                .conflict, "pointing chat.example.org at 203.0.113.9", "holds 198.51.100.1",
                "which Jeeves did not write", fix: "add `--take-dns`")
            #expect(sentence.code.exitStatus == 7)
            try await estate.stops(RecordStage(), sentence)
            #expect(estate.account.look(\.records) == [Self.foreign])
            #expect(estate.fake.ops.isEmpty)
            try await estate.drive(options: RolloutOptions(takeDNS: true)) { run in
                _ = try await RecordStage().run(run)
            }
            #expect(estate.account.look(\.records) == [Self.ours])
        }
    }

    @Test("a value that we wrote ourselves is moved without asking")
    func moved() async throws {
        try await withMachines { estate in
            try await estate.drive { run in
                _ = try await RecordStage().run(run)
                let name = NodeName(unchecked: "controller-1")
                let moved = Infrastructure(
                    account: FakeAccount.number, roleName: "r",
                    machines: [
                        name: .init(
                            role: .controller, instanceID: "i-9", privateAddress: "10.42.0.10",
                            publicAddress: "203.0.113.77")
                    ])
                try run.store.put(.meta, StageRun.infrastructureKey, moved)
                #expect(try await RecordStage().run(run) == "chat.example.org -> 203.0.113.77")
            }
            #expect(estate.account.look(\.records).map(\.values) == [["203.0.113.77"]])
        }
    }

    /// The first controller's address at EC2.
    private func move(_ estate: Estate, to address: String?) async throws {
        try await estate.drive { run in
            let made = try run.infrastructure()
            let id = made.nodes(.controller).first.flatMap { made.machines[$0]?.instanceID } ?? ""
            estate.account.change { $0.addresses[id] = address }
        }
    }

    @Test("a machine whose address moved is found again, and the record follows it")
    func machineMoved() async throws {
        try await withMachines { estate in
            try await move(estate, to: "203.0.113.9")
            let sync = RecordStage(asksMachine: true)
            #expect(try await estate.says(sync) == "chat.example.org -> 203.0.113.9")
            #expect(try await estate.plans(sync) == [])
            estate.fake.forgetOps()
            #expect(try await estate.says(sync) == nothingToDo)
            #expect(estate.fake.ops.isEmpty)

            try await move(estate, to: "203.0.113.50")
            let planned = try await estate.plans(sync)
            #expect(planned.map(\.detail) == ["203.0.113.9 -> 203.0.113.50"])
            #expect(try await estate.says(sync) == "chat.example.org -> 203.0.113.50")
            #expect(estate.account.look(\.records).map(\.values) == [["203.0.113.50"]])
        }
    }

    @Test("a run that ended between the change and its end still knows its own value")
    func torn() async throws {
        try await withMachines { estate in
            try await move(estate, to: "203.0.113.9")
            let sync = RecordStage(asksMachine: true)
            _ = try await estate.says(sync)
            try await move(estate, to: "203.0.113.50")
            let cut = Failure(.unavailable, "cut off", fix: "later")
            estate.fake.fail("route53.change", with: cut, times: .max)
            try await estate.stops(sync, Sentence(.unavailable, "cut off", fix: "later"))
            estate.fake.fail("route53.change", with: cut, times: 0)
            // The change arrived all the same, and the machine moved once more.
            estate.account.change {
                $0.records = [
                    FakeAccount.Record(
                        name: "chat.example.org", type: "A", ttl: 60, values: ["203.0.113.50"])
                ]
            }
            try await move(estate, to: "203.0.113.51")
            #expect(try await estate.says(sync) == "chat.example.org -> 203.0.113.51")
        }
    }

    @Test("another time to live alone is shown as what it is")
    func timeToLive() async throws {
        try await withMachines { estate in
            _ = try await estate.says(RecordStage())
            let planned = try await estate.plans(RecordStage(), edits: [("ttl: 60", "ttl: 300")])
            #expect(planned.map(\.detail) == ["203.0.113.9, TTL 60 s -> 203.0.113.9, TTL 300 s"])
        }
    }

    @Test("a machine without an address is said to be one, and the record stays")
    func machineWithout() async throws {
        try await withMachines { estate in
            _ = try await estate.says(RecordStage())
            try await estate.stops(
                RecordStage(asksMachine: true),
                Sentence(.notFound, "no controller has a public address", fix: "jeeves up"))
            estate.account.change {
                $0.refusal = (400, "InvalidInstanceID.NotFound", "The instance ID does not exist")
            }
            try await estate.stops(
                RecordStage(asksMachine: true),
                Sentence(.notFound, "no controller has a public address", fix: "jeeves up"))
            #expect(estate.account.look(\.records) == [Self.ours])
        }
    }

    @Test("a report names the first thing that is wrong, from the machine outwards")
    func report() async throws {
        try await withMachines { estate in
            func trouble() async throws -> String? {
                var found: String?
                try await estate.drive { run in
                    let report = try await RecordReport.read(
                        run.cluster, run.infrastructure(), run.cloud)
                    found = report.trouble.map { "\($0.code.exitStatus) \($0.message)" }
                }
                return found
            }
            #expect(
                try await trouble()
                    == "3 following chat.example.org: the first controller has no public address")
            try await move(estate, to: "203.0.113.9")
            #expect(
                try await trouble() == "3 following chat.example.org: its record leads to "
                    + "nothing, the edge is at 203.0.113.9")
            _ = try await estate.says(RecordStage())
            #expect(try await trouble() == nil)
            estate.account.change {
                $0.served = [Self.foreign]
                $0.servedFrom = .seconds(1 << 40)
            }
            #expect(
                try await trouble() == "3 following chat.example.org: ns-1.example.net still "
                    + "answers 198.51.100.1, not 203.0.113.9")
            estate.account.change { $0.served = [] }
            #expect(
                try await trouble() == "3 following chat.example.org: ns-1.example.net still "
                    + "answers nothing, not 203.0.113.9")
            estate.account.change { $0.servedFrom = .zero }
            try await move(estate, to: "203.0.113.50")
            estate.fake.forgetOps()
            #expect(
                try await trouble() == "3 following chat.example.org: its record leads to "
                    + "203.0.113.9, the edge is at 203.0.113.50")
            #expect(estate.fake.ops.isEmpty, "a report only reads")
        }
    }

    @Test("a CNAME is never touched, not even when a person takes the name")
    func alias() async throws {
        try await withMachines { estate in
            let record = FakeAccount.Record(
                name: "chat.example.org", type: "CNAME", ttl: 60, values: ["elsewhere.example."])
            estate.account.hold(record)
            try await estate.stops(
                RecordStage(), options: RolloutOptions(takeDNS: true),
                Sentence(
                    .conflict, "it is a CNAME, which Jeeves leaves alone",
                    fix: "remove that record in Route 53"))
            #expect(estate.account.look(\.records) == [record])
        }
    }

    @Test("a zone whose servers never answer ends the wait with their name")
    func unanswered() async throws {
        try await withMachines { estate in
            estate.fake.fail(
                "dns.question", with: Failure(.unavailable, "no answer"), times: .max)
            try await estate.stops(
                RecordStage(),
                Sentence(
                    .timeout,
                    "waiting for ns-1.example.net to answer 203.0.113.9 for chat.example.org",
                    fix: "the registrar"))
        }
    }

    @Test("destroying takes away our own value only", arguments: [true, false])
    func destroy(isOurs: Bool) async throws {
        try await withMachines { estate in
            try await estate.drive { run in
                #expect(try await RecordStage().destroy(run) == nothingToDo)
                _ = try await RecordStage().run(run)
                if !isOurs { estate.account.change { $0.records = [Self.foreign] } }
                let said = try await RecordStage().destroy(run)
                #expect(
                    said
                        == (isOurs
                            ? "removed chat.example.org" : "left a record that is not ours"))
            }
            #expect(estate.account.look(\.records) == (isOurs ? [] : [Self.foreign]))
        }
    }

    @Test("a zone that is gone keeps nobody from taking the rest away")
    func zoneGone() async throws {
        try await withMachines { estate in
            _ = try await estate.says(RecordStage())
            let zones = estate.account.look(\.zones)
            estate.account.change { $0.zones = [] }
            try await estate.drive { run in
                let said = try await RecordStage().destroy(run)
                #expect(said.contains("no public zone for it"))
            }
            estate.account.change { $0.zones = zones }
            try await estate.drive { run in
                let said = try await RecordStage().destroy(run)
                #expect(said == "removed chat.example.org", "one that is found again is ours")
            }
        }
    }
}

extension StageRun {
    /// What the zone's own server holds.
    fileprivate func cloudAnswers(_ estate: Estate) throws -> [String] {
        try estate.account.lookup(cluster.domain, at: FakeAccount.nameServer)
    }
}
