import FoundationEssentials
import Model
import Support
import Synchronization
import Testing

@testable import Coordinator
@testable import Web

@Suite struct EventStreamTests {
    private struct Gone: Error {}

    /// The first `count` words of a stream.
    private func words(
        _ count: Int, of window: Window, after seen: String? = nil
    ) async throws -> [String] {
        let site = Site(window: window, isExposed: false)
        let answer = await site.answer(
            Site.Question(method: "GET", path: "/events", lastEvent: seen))
        #expect(answer.type == "text/event-stream")
        guard case .stream(let stream) = answer.body else { return [] }
        var heard: [String] = []
        await #expect(throws: Gone.self) {
            try await stream.run { word in
                heard.append(word)
                if heard.count == count { throw Gone() }
            }
        }
        return heard
    }

    private func clock() -> ManualClock { ManualClock(autoAdvance: true) }

    @Test("who comes back hears what was missed, each with its number and on one line of data")
    func missed() async throws {
        let heard = try await words(3, of: .showing(clock: clock()), after: "1")
        #expect(heard.first == "retry: 3000\n\n")
        #expect(heard.dropFirst().map { $0.prefix(6) } == ["id: 2\n", "id: 3\n"])
        let lines = heard[1].split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines.count == 4)
        #expect(lines[1].hasPrefix("data: {"))
        #expect(lines[1].contains("\\n\\u2028"))
    }

    @Test("who comes back after long hears the newest thousand")
    func long() async throws {
        let heard = try await words(2, of: .showing(events: 1500, clock: clock()), after: "0")
        #expect(heard.last?.hasPrefix("id: 501\n") == true)
    }

    @Test("who comes for the first time, or from a future, hears only what is new")
    func fresh() async throws {
        for seen in [nil, "900"] {
            let heard = try await words(2, of: .showing(clock: clock()), after: seen)
            #expect(heard == ["retry: 3000\n\n", ": here\n\n"])
        }
    }

    @Test("a changed picture is told once")
    func changed() async throws {
        let looks = Mutex(0)
        var window = Window.showing(clock: clock())
        window.look = {
            let look = looks.withLock { looks in
                looks += 1
                return looks
            }
            return .of(look == 1 ? .right : .wrong)
        }
        #expect(
            try await words(3, of: window) == [
                "retry: 3000\n\n", "event: picture\ndata: changed\n\n", ": here\n\n",
            ])
    }

    @Test("only so many watch at once, and a place is free again when one has gone")
    func bounded() async throws {
        let site = Site(window: .showing(clock: clock()), isExposed: false, streamsMax: 1)
        let question = Site.Question(method: "GET", path: "/events")
        var first: Site.Answer? = await site.answer(question)
        #expect(first?.status == 200)
        #expect(await site.answer(question).status == 503)
        first = nil
        let second = await site.answer(question)
        guard case .stream(let stream) = second.body else {
            Issue.record("the place of who never listened is not free")
            return
        }
        await #expect(throws: Gone.self) { try await stream.run { _ in throw Gone() } }
        #expect(await site.answer(question).status == 200)
    }
}
