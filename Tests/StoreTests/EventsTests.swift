import Foundation
import Model
import Support
import Testing

@testable import Store

@Suite struct EventsTests {
    private func event(_ number: Int) -> Event {
        Event(
            at: Date(timeIntervalSince1970: 1_767_225_600), actor: "coordinator",
            subject: "stage/dns", cause: "test", outcome: .done, detail: "\(number)")
    }

    @Test("events come back in the order they were appended")
    func order() async throws {
        try await withStore { store in
            try store.append([event(1), event(2)])
            try store.append([])
            try store.append([event(3)])
            #expect(try store.events(last: 2).map(\.detail) == ["2", "3"])
            #expect(try store.events(last: 100).map(\.detail) == ["1", "2", "3"])
            #expect(try store.events(last: 0).isEmpty)
        }
    }

    @Test("a reader goes on where it was, whatever has been dropped meanwhile")
    func reading() async throws {
        try await withStore { store in
            #expect(try store.events(from: 0).next == 0)
            try store.append([event(1), event(2)])
            let first = try store.events(from: 0)
            #expect(first.events.map(\.detail) == ["1", "2"])
            #expect(try store.events(from: first.next).events.isEmpty)
            try store.append((3...Store.eventsMax + 10).map(event))
            let rest = try store.events(from: first.next)
            #expect(rest.events.first?.detail == "11")
            #expect(try store.events(from: rest.next).next == rest.next)
        }
    }

    @Test("the newest 10,000 events are kept, however they come")
    func bound() async throws {
        try await withStore { store in
            try store.append((1...9_990).map(event))
            try store.append((9_991...10_020).map(event))
            let kept = try store.events(last: 20_000)
            #expect(kept.count == Store.eventsMax)
            #expect(kept.first?.detail == "21")
            #expect(kept.last?.detail == "10020")
            #expect(try store.list(.events).count == Store.eventsMax)
            try store.append((1...10_001).map(event))
            #expect(try store.list(.events).count == Store.eventsMax)
            #expect(try store.events(last: 1).map(\.detail) == ["10001"])
        }
    }
    @Test("a node that tells without end, in whatever spools, pushes out its own events only")
    func flood() async throws {
        try await withStore { store in
            let node = NodeName(unchecked: "worker-1")
            try store.append((1...9_000).map(event))
            for batch in 0..<30 {
                try store.append(
                    (1...400).map { event(100_000 + batch * 400 + $0) }, of: node, spool: UUID(),
                    first: 1)
            }
            let kept = try store.events(last: 20_000).compactMap { Int($0.detail) }
            #expect(kept == Array(1...9_000) + Array(111_001...112_000))
            #expect(try store.events(last: 1_001).first?.detail == "9000")
            try store.append([event(112_001)], of: node)
            #expect(try store.events(last: 1_001).map(\.detail).prefix(2) == ["9000", "111002"])
            try store.append([event(9_001)])
            #expect(try store.list(.events).count == Store.eventsMax)
            #expect(try store.events(last: 20_000).first?.detail == "2")
        }
    }
}
