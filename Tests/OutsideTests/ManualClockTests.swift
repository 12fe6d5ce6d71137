import FoundationEssentials
import Model
import Outside
import Support
import Testing

struct ManualClockTests {
    @Test("sleepers wake when their time has come, the earliest first")
    func wakes() async throws {
        let clock = ManualClock()
        let seen = Seen()
        let long = Task {
            try await clock.sleep(.seconds(10), op: "long")
            seen.add("long")
        }
        let short = Task {
            try await clock.sleep(.seconds(3), op: "short")
            seen.add("short")
        }
        await clock.sleeping(2)
        clock.advance(by: .seconds(3))
        try await short.value
        #expect(seen.words == ["short"])
        clock.advance(by: .seconds(7))
        try await long.value
        #expect(seen.words == ["short", "long"])
        #expect(clock.uptime() == .seconds(10))
        #expect(clock.now() == FakeWorld.start + 10)
    }

    @Test("a cancelled sleep ends at once")
    func cancels() async throws {
        let clock = ManualClock()
        let task = Task { try await clock.sleep(.seconds(10), op: "test") }
        await clock.sleeping()
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }

    @Test("setting the wall clock wakes nobody and leaves the other clock")
    func wall() {
        let clock = ManualClock()
        clock.setWall(FakeWorld.start - 1000)
        #expect(clock.now() == FakeWorld.start - 1000)
        #expect(clock.uptime() == .zero)
    }

    @Test("a poll on a clock that advances by itself asks as often as it may, then gives up")
    func poll() async throws {
        let clock = ManualClock(autoAdvance: true)
        let asked = Seen()
        let failure = await #expect(throws: Failure.self) {
            try await clock.poll(
                every: .seconds(2), atMost: .seconds(10), waitingFor: "rain", op: "test"
            ) { () -> Int? in
                asked.add("?")
                return nil
            }
        }
        #expect(failure?.code == .timeout)
        #expect(asked.words.count == 6)
        #expect(clock.uptime() == .seconds(10))
    }
}
