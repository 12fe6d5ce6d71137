import Coordinator
import Foundation
import Model
import Outside

@testable import Web

/// What a headless Chromium found on the page of the real server; `Browser/visit.py` looks.
struct Visit: Decodable, Sendable {
    /// What changes while somebody watches.
    struct News: Decodable, Hashable, Sendable {
        let event: String
        let headline: String
    }

    /// A page in one window and one choice of colours.
    struct Look: Decodable, Sendable {
        /// Relative luminance of what is behind everything, from 0 to 1.
        let ground: Double
        /// How many pieces of text there are, and which stand out by less than 4.5:1.
        let texts: Int
        let faint: [String]
        /// By how much the page is wider than the window, and what sticks out of it.
        let overflow: Int
        let sticking: [String]
    }

    /// A page with style and script.
    struct Sight: Decodable, Sendable {
        let language: String
        /// Text by the pane's id.
        let panes: [String: String]
        /// What could run or fetch something, besides the one script.
        let active: [String]
        let looks: [String: Look]
        /// With the level first.
        let headings: [String]
        let landmarks: [String]
        let tables: [String]
        let columns: [String]
        /// Roles that need a name and have none.
        let nameless: [String]
        /// What a keyboard has to reach, what it reached, and where a person saw nothing of that.
        let controls: [String]
        let reached: [String]
        let unseen: [String]
    }

    /// Panes without scripts.
    let plain: [String: String]
    /// Before anybody listened, as it was heard, and after a reload.
    let before: News
    let heard: News
    let fresh: News
    /// How often the page that heard them was loaded.
    let loads: Int
    let now: Sight
    /// The page with `?at=`.
    let then: Sight
    /// Errors, and addresses elsewhere that were asked.
    let trouble: [String]
}

extension Visit {
    private static let script =
        #filePath.split(separator: "/").dropLast().map { "/\($0)" }.joined() + "/Browser/visit.py"

    /// Serves `window` and visits it. `JEEVES_SCREENSHOTS` names a folder that takes pictures.
    static func make(_ window: Window) async throws -> Visit {
        let pictures = ProcessInfo.processInfo.environment["JEEVES_SCREENSHOTS"].map { [$0] } ?? []
        return try await PageServer.serving(Site(window: window, isExposed: false)) { port in
            let browser = Command(
                "python3",
                ["-B", script, "http://127.0.0.1:\(port)/", "2026-01-01T00:00:00Z"] + pictures)
            let found = try await World.live().processes.output(
                of: browser, limits: Limits(deadline: .seconds(59), grace: .seconds(2)),
                op: "test.browser")
            return try JSON.decode(from: found.utf8, what: "what the browser found")
        }
    }
}
