import Coordinator
import FoundationEssentials
import Model
import Outside

/// The status page as HTML: readable without style and script, top to bottom in the order of a
/// request's way.
struct Page {
    let view: Window.View
    let events: Window.Events
    var then: ThenPane?

    private var picture: Picture { view.picture }

    var html: HTML {
        """
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="referrer" content="no-referrer">
        <title>\(headline) – \(picture.domain)</title>
        <link rel="icon" href="data:,">
        <link rel="stylesheet" href="/page.css">
        <script src="/page.js" defer></script>
        </head>
        <body data-next="\(events.next)">
        <a class="skip" href="#main">Skip to the cluster</a>
        <header>
        <h1>\(picture.domain)</h1>
        <p id="headline" role="status">\(headline)</p>
        <p id="looked" data-live>Cluster \(picture.cluster), as of
        \(PageTime(picture.at, now: picture.at).clock). A reload shows the newest.</p>
        <p id="live" role="status" aria-live="polite"></p>
        <nav aria-label="On this page"><ul>\(links)</ul></nav>
        </header>
        <main id="main" tabindex="-1">
        \(then.map { [$0.html] } ?? [])
        \(sections)
        </main>
        <footer>\(footer)</footer>
        </body>
        </html>
        """
    }

    /// The whole state in a few words, first of all whether people can chat.
    private var headline: String {
        let wrong = picture.parts.filter { $0.state == .wrong }.count
        let changing = picture.parts.contains { $0.state == .changing }
        let chat = picture.parts(.chat).first.map { "The chat is \($0.state.sentence)" } ?? ""
        if wrong > 0 { return "\(chat), \(wrong) part\(wrong == 1 ? "" : "s") wrong" }
        return changing ? "\(chat), something is changing" : chat
    }

    private var links: [HTML] {
        [
            link("way", "Way of a request"), link("nodes", "Nodes"), link("rollout", "Rollout"),
            link("certificates", "Certificates"), link("events", "Events"),
        ]
    }

    private func link(_ id: String, _ name: String) -> HTML {
        "<li><a href=\"#\(id)\">\(name)</a></li>"
    }

    /// Those that the script replaces when something has changed are marked.
    private var sections: [HTML] {
        [
            WayPane(picture: picture).html, NodesPane(view: view).html,
            RolloutPane(picture: picture, rollout: view.status.rollout).html,
            CertificatesPane(view: view).html,
            EventsPane(events: events, now: picture.at).html,
        ]
    }

    private var footer: HTML {
        """
        <form action="/" method="get">
        <label for="at">Show a time</label>
        <input id="at" name="at" required placeholder="2026-01-31T12:00:00Z"
        pattern="\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ">
        <button>Show</button>
        </form>
        <p>Jeeves \(Release.version). This page changes nothing; <code>jeeves why</code> says the
        same in a terminal, <a href="/metrics">/metrics</a> has the figures.</p>
        """
    }
}

extension Picture.State {
    /// Beside its colour, so that it is seen without.
    var shape: String {
        switch self {
        case .right: "●"
        case .wrong: "✖"
        case .changing: "◐"
        case .unknown: "?"
        }
    }

    fileprivate var sentence: String {
        switch self {
        case .right: "well"
        case .wrong: "not as it must be"
        case .changing: "being made right"
        case .unknown: "out of sight"
        }
    }

    /// Shape and word.
    var badge: HTML {
        """
        <span class="state \(rawValue)"><span aria-hidden="true">\(shape)</span> \(rawValue)</span>
        """
    }
}
