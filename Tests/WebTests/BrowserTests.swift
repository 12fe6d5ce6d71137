import Coordinator
import Testing

@testable import Web

/// The page as people meet it: served by the real server, shown by a headless Chromium.
@Suite struct BrowserTests {
    /// One visit is enough for all tests.
    private static let visited = Task { try await Visit.make(.busy()) }

    private func visit() async throws -> Visit { try await Self.visited.value }

    /// The page, and the page with `?at=`.
    private func sights() async throws -> [Visit.Sight] {
        let visit = try await visit()
        return [visit.now, visit.then]
    }

    @Test("without scripts every pane can be read")
    func plain() async throws {
        let panes = try await visit().plain
        let words = [
            "way": "Next: jeeves up", "control": "API server", "nodes": "203.0.113.9",
            "rollout": "routes", "certificates": "45 days left", "events": "stage/app by ann@desk",
        ]
        #expect(Set(panes.keys) == Set(words.keys))
        for (pane, words) in words { #expect(panes[pane]?.contains(words) == true, "\(pane)") }
    }

    @Test("an event, and a chat that breaks, are shown as they happen, as a reload shows them")
    func live() async throws {
        let visit = try await visit()
        #expect(visit.before.event.contains("(operator) 2 "))
        #expect(visit.heard.event.contains("(operator) 3 "))
        #expect(visit.before.headline.hasPrefix("The chat is being made right"))
        #expect(visit.heard.headline.hasPrefix("The chat is not as it must be"))
        #expect(visit.heard == visit.fresh)
        #expect(visit.loads == 1)
    }

    @Test("nothing goes wrong on the way, and nobody else is asked")
    func quiet() async throws { #expect(try await visit().trouble == []) }

    @Test("what others said stays text, also where it comes as an event")
    func hostile() async throws {
        for sight in try await sights() {
            #expect(sight.active == [])
            #expect(sight.panes["way"]?.contains(Window.said) == true)
            #expect(sight.panes["events"]?.contains("3 \(Window.said)\\u000a\\u2028") == true)
        }
    }

    @Test("a screen reader is told the language, one title, landmarks, and each table's columns")
    func outline() async throws {
        for sight in try await sights() {
            #expect(sight.language == "en")
            #expect(sight.headings.filter { $0.hasPrefix("1 ") } == ["1 chat.example.org"])
            let landmarks = ["banner", "main", "contentinfo", "navigation On this page"]
            #expect(Set(landmarks).isSubset(of: sight.landmarks))
            #expect(Set(sight.landmarks).count == sight.landmarks.count, "told apart by name")
            #expect(sight.nameless == [])
        }
        let (now, then) = try await (visit().now, visit().then)
        #expect(now.tables.count == 1)
        #expect(now.columns == ["Node", "Machine", "Node is", "Agent is", "Steps"])
        #expect(then.tables.count == 2)
        #expect(then.columns == ["Running", "Step", "State", "Since", "Why"] + now.columns)
    }

    @Test("the Tab key reaches every control in reading order, and shows where it is")
    func keyboard() async throws {
        for sight in try await sights() {
            #expect(sight.controls.first == "a Skip to the cluster")
            #expect(sight.controls.contains("input Show a time"))
            #expect(sight.reached == sight.controls)
            #expect(sight.unseen == [])
        }
        #expect(try await visit().then.reached.contains("a Back to now"))
    }

    @Test("the choice of light or dark is obeyed, and all text stands out from its ground by 4.5:1")
    func contrast() async throws {
        for sight in try await sights() {
            #expect(Set(sight.looks.keys) == ["light", "dark", "narrow"])
            for look in sight.looks.values {
                #expect(look.texts > 100)
                #expect(look.faint == [])
            }
            #expect((sight.looks["light"]?.ground ?? 0) > 0.8)
            #expect((sight.looks["dark"]?.ground ?? 1) < 0.1)
        }
    }

    @Test("nothing is wider than the window, not even than one of 360 pixels")
    func widths() async throws {
        for look in try await sights().flatMap(\.looks.values) {
            #expect(look.overflow <= 0)
            #expect(look.sticking == [])
        }
    }
}
