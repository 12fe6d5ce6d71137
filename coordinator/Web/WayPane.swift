import Coordinator
import Model

/// The living diagram: what a request meets, one after the other, each with its state, since when
/// and why; and beside it what no request meets, but keeps the pods where they are.
struct WayPane {
    /// The stations, and what they are called.
    private static let stations: [(kind: Picture.Kind, name: String)] = [
        (.chat, "Chat"), (.record, "Route 53 record"), (.address, "Public address"),
        (.haproxy, "HAProxy"), (.certificate, "Certificate"), (.ingress, "Traefik"),
        (.app, "Application"), (.service, "Services"),
    ]

    let picture: Picture

    var html: HTML {
        """
        <section id="way" aria-labelledby="way-title" data-live>
        <h2 id="way-title">The way of a request</h2>
        <ol class="way">\(Self.stations.compactMap { station($0.kind, $0.name) })</ol>
        </section>
        \(station(.api, "API server").map { [control($0)] } ?? [])
        """
    }

    private func control(_ api: HTML) -> HTML {
        """
        <section id="control" aria-labelledby="control-title" data-live>
        <h2 id="control-title">Control plane</h2>
        <ul class="way">\(api)</ul>
        </section>
        """
    }

    private func station(_ kind: Picture.Kind, _ name: String) -> HTML? {
        let parts = picture.parts(kind)
        guard !parts.isEmpty else { return nil }
        return """
            <li class="\(worst(parts).rawValue)"><h3>\(name)</h3>\(parts.map(card))</li>
            """
    }

    private func card(_ part: Picture.Part) -> HTML {
        let name: [HTML] = part.id.name.isEmpty ? [] : ["<b>\(part.id.name)</b> "]
        return """
            <div class="part">
            <p>\(name)\(part.state.badge)\(since(part))</p>
            <p class="why">\(part.why)</p>
            \(next(part))
            </div>
            """
    }

    private func since(_ part: Picture.Part) -> [HTML] {
        part.since.map { [" for \(PageTime($0, now: picture.at).age)"] } ?? []
    }

    private func next(_ part: Picture.Part) -> [HTML] {
        part.next.isEmpty ? [] : ["<p class=\"next\">Next: <code>\(part.next)</code></p>"]
    }

    private func worst(_ parts: [Picture.Part]) -> Picture.State {
        let order: [Picture.State] = [.wrong, .unknown, .changing]
        return order.first { state in parts.contains { $0.state == state } } ?? .right
    }
}
