import FoundationEssentials
import Model
import Support
import Testing

@testable import Coordinator
@testable import Store

/// What a running coordinator shows to whoever watches.
@Suite struct WindowTests {
    private func with(_ body: (StageStand, Driver) async throws -> Void) async throws {
        let (fake, cluster) = try StageStand.prepared()
        try await withStore { store in
            try await StageStand.with(fake, cluster, store: store) { stand in
                try await body(
                    stand, Driver(run: stand.run, children: ChildTime(), progress: { _ in }))
            }
        }
    }

    @Test("a look shows who has a link, and since when, and writes nothing")
    func look() async throws {
        try await with { stand, driver in
            try await driver.remember()
            let window = driver.window
            let revision = try stand.run.store.revision()
            let view = try await window.look()
            #expect(view.linked == 1)
            #expect(view.status.nodes.map(\.connected) == [true])
            #expect(view.picture[PartID(.node, controller1)]?.since == FakeWorld.start)
            stand.fake.clock.advance(by: .seconds(60))
            let later = try await window.look()
            #expect(later.picture[PartID(.node, controller1)]?.since == FakeWorld.start)
            #expect(try stand.run.store.revision() == revision)
        }
    }

    @Test("what the loop of the service sees is kept, and not again while nothing changes")
    func remember() async throws {
        try await with { stand, driver in
            let store = stand.run.store
            try await driver.remember()
            let kept = try store.get(PictureMemory.self, .meta, PictureMemory.key)
            #expect(kept?.marks["node/controller-1"]?.since == FakeWorld.start)
            let revision = try store.revision()
            stand.fake.clock.advance(by: .seconds(60))
            try await driver.remember()
            #expect(try store.revision() == revision)
        }
    }

    @Test("those who look within a second see the same look")
    func shared() async throws {
        try await with { stand, driver in
            let window = driver.window
            let first = try await window.look().picture.at
            stand.fake.clock.advance(by: .milliseconds(900))
            #expect(try await window.look().picture.at == first)
            stand.fake.clock.advance(by: .milliseconds(100))
            #expect(try await window.look().picture.at > first)
        }
    }

    @Test("the newest events come with the number of the next, and from a number on all of them")
    func events() async throws {
        try await with { stand, driver in
            let window = driver.window
            #expect(try window.events(nil).next == 1)
            for number in 1...40 { try stand.run.note("stage/app", .done, "\(number)") }
            let newest = try window.events(nil)
            #expect(newest.events.map(\.detail) == (11...40).map(String.init))
            #expect(newest.next == 41)
            #expect(try window.events(39).events.map(\.detail) == ["39", "40"])
            #expect(try window.events(41).next == 41)
        }
    }

    @Test("nodes are asked for their figures, and not again for ten seconds")
    func measures() async throws {
        try await with { stand, driver in
            let window = driver.window
            let first = await window.measure()
            #expect(first.nodes == [controller1: NodeFigures(process: nil, haproxy: nil)])
            #expect(first.tunnelBytes == 0)
            #expect(first.process == nil)
            stand.fake.files["/proc/self/stat"] = "7 (jeeves) S 1 7 7 0 -1 0 9 0 0 0 150 50 0 0"
            stand.fake.files["/proc/self/status"] = "VmRSS:\t  4096 kB\n"
            stand.fake.files["/proc/self/fd/0"] = ""
            stand.fake.clock.advance(by: .seconds(9))
            #expect(await window.measure().process == nil)
            stand.fake.clock.advance(by: .seconds(1))
            #expect(await window.measure().process?.cpuSeconds == 2)
        }
    }
}
