import FoundationEssentials
import Logging
import Model
import Outside
import Store
import Support
import Synchronization
import Testing

@testable import Coordinator

@Suite struct TenureTests {
    private let log = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

    private func begin(
        _ store: Store, clock: ManualClock, say: @Sendable (String) -> Void = { _ in }
    ) async throws -> Tenure {
        try await Tenure.begin(store, holder: "bob@ci, run b", clock: clock, log: log, say: say)
    }

    @Test("a coordinator that is alive keeps its claim: who, since when, and until when is told")
    func alive() async throws {
        try await withStore { store in
            let clock = ManualClock(autoAdvance: true)
            let held = try store.acquireLease(
                holder: "ann@desk, run a", now: clock.now(), ttl: Tenure.ttl)
            await Sentence(
                .locked, "becoming the coordinator: ann@desk, run a is it, since 2026-01-01T00:00",
                fix: "its claim ends by itself at 2026-01-01T00:00"
            ).check {
                try await begin(store, clock: clock) { _ in
                    // The holder lives: it renews as it does every five seconds.
                    _ = try? store.renew(
                        held, now: clock.now() + 5, ttl: Tenure.ttl)
                }
            }
            #expect(try store.lease()?.holder == "ann@desk, run a")
            #expect(Failure.Code.locked.exitStatus == 6)
        }
    }

    @Test("the claim of a killed coordinator is waited out, and no longer than it lasts")
    func killed() async throws {
        try await withStore { store in
            let clock = ManualClock(autoAdvance: true)
            _ = try store.acquireLease(
                holder: "ann@desk, run a", now: clock.now(), ttl: Tenure.ttl)
            let begin = clock.uptime()
            let tenure = try await self.begin(store, clock: clock)
            #expect(clock.uptime() - begin >= Tenure.ttl)
            #expect(try store.lease()?.holder == "bob@ci, run b")
            await tenure.end()
            #expect(try store.lease() == nil, "given back, the next need not wait")
        }
    }

    @Test("a claim that is given back while it is due to be renewed stays given back")
    func ended() async throws {
        try await withStore { store in
            let clock = ManualClock(autoAdvance: true)
            for round in 1...200 {
                let tenure = try await begin(store, clock: clock)
                for _ in 0..<(round % 10) { await Task.yield() }
                await tenure.end()
                await Task.yield()
                #expect(try store.lease() == nil, "round \(round)")
            }
        }
    }

    @Test("who can wait is told each minute for whom, and begins when that one has ended")
    func waits() async throws {
        try await withStore { store in
            let clock = ManualClock(autoAdvance: true)
            _ = try store.acquireLease(
                holder: "ann@desk, run a", now: clock.now(), ttl: .seconds(150))
            let words = Mutex<[String]>([])
            let tenure = try await Tenure.begin(
                store, holder: "bob@ci, run b", clock: clock, log: log, waits: true
            ) { word in words.withLock { $0.append(word) } }
            let heard = words.withLock { $0 }
            #expect(heard.count == 3)
            #expect(
                heard.first?.hasPrefix(
                    "waiting for ann@desk, run a, the coordinator since 2026-01-01T00:00") == true)
            #expect(try store.lease()?.holder == "bob@ci, run b")
            await tenure.end()
        }
    }

    @Test("a coordinator that lost its claim is stopped, and told who has it")
    func lost() async throws {
        try await withStore { store in
            let clock = ManualClock()
            let tenure = try await begin(store, clock: clock)
            let held = Task {
                try await tenure.hold { try await clock.sleep(.seconds(3600), op: "test.work") }
            }
            await clock.sleeping(2)
            // As after a long sleep of this machine: the claim was over for everybody else.
            _ = try store.acquireLease(
                holder: "ann@desk, run a", now: clock.now() + 20, ttl: Tenure.ttl)
            clock.advance(by: Tenure.ttl / 3)
            await Sentence(
                .locked, "staying the coordinator: ann@desk, run a became the coordinator at 2026",
                fix: "wait for it to end"
            ).check { try await held.value }
            await tenure.end()
            #expect(try store.lease()?.holder == "ann@desk, run a", "it is not given back twice")
        }
    }

    @Test("what runs under a claim ends as it ends")
    func held() async throws {
        try await withStore { store in
            let tenure = try await begin(store, clock: ManualClock())
            #expect(try await tenure.hold { 7 } == 7)
            let sentence = Sentence(.conflict, "planning: this would lose", fix: "type this")
            await sentence.check {
                try await tenure.hold {
                    throw Failure(.conflict, "planning: this would lose", fix: "type this")
                }
            }
            await tenure.end()
        }
    }

    @Test("the claim is renewed while it lasts")
    func renewed() async throws {
        try await withStore { store in
            let clock = ManualClock()
            let tenure = try await begin(store, clock: clock)
            for _ in 0..<10 {
                await clock.sleeping()
                clock.advance(by: Tenure.ttl / 3)
            }
            await clock.sleeping()
            #expect(try store.lease()?.isOver(at: clock.now()) == false)
            #expect(await tenure.current().term == 1)
            await tenure.end()
        }
    }
}
