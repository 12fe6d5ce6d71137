import FoundationEssentials
import Model
import Outside
import Support
import Synchronization

@testable import Coordinator
@testable import Web

extension Window {
    /// A window onto a cluster with parts of every kind in every state. Once somebody listens, an
    /// event happens and the chat breaks.
    static func busy() -> Window {
        let asked = Mutex(0)
        var window = Window.showing(clock: HurriedClock())
        window.look = { .busy(chat: asked.withLock { $0 } > 1 ? .wrong : .changing) }
        window.events = { start in
            let isNews = asked.withLock { asked in
                if start != nil { asked += 1 }
                return asked > 1
            }
            return try Window.showing(events: isNews ? 4 : 3).events(start)
        }
        return window
    }
}

extension Window.View {
    fileprivate static func busy(chat: Picture.State) -> Window.View {
        let view = of(.right)
        return Window.View(
            picture: .busy(chat: chat), status: view.status, linked: view.linked)
    }
}

extension Picture {
    /// The reasons have no place at which a line could break.
    fileprivate static func busy(chat: State) -> Picture {
        let digest = "sha256:" + String(repeating: "0123456789abcdef", count: 8)
        let ids = [
            PartID(.record), PartID(.address, "controller-1"), PartID(.haproxy, "controller-1"),
            PartID(.certificate, "controller-1"), PartID(.ingress), PartID(.app),
            PartID(.service, "accounts"), PartID(.service, "ddp-streamer"), PartID(.api),
            PartID(.node, "controller-1"), PartID(.agent, "controller-1"),
        ]
        let states = ids.indices.map { State.allCases[$0 % State.allCases.count] }
        var picture = of(.right)
        picture.parts = zip([PartID(.chat)] + ids, [chat] + states).map { id, state in
            Part(
                id: id, state: state, since: FakeWorld.start.addingTimeInterval(-300),
                why: "\(digest) because of \(Window.said)", next: "jeeves up", needs: [])
        }
        return picture
    }
}

/// The real time, whose waits take a tenth, so that a browser's test need not.
private struct HurriedClock: Clocks {
    private let clock = World.live().clock

    func now() -> Date { clock.now() }

    func uptime() -> Duration { clock.uptime() }

    func sleep(_ duration: Duration, op: Op) async throws {
        try await clock.sleep(duration / 10, op: op)
    }
}
