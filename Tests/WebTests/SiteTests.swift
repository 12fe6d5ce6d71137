import FoundationEssentials
import Model
import Support
import Testing

@testable import Coordinator
@testable import Web

@Suite struct SiteTests {
    private func ask(
        _ site: Site, _ path: String, method: String = "GET", query: [String: String] = [:],
        host: String = "127.0.0.1"
    ) async -> (status: Int, type: String, text: String) {
        let answer = await site.answer(
            Site.Question(method: method, path: path, query: query, host: host))
        guard case .text(let text) = answer.body else { return (answer.status, answer.type, "") }
        return (answer.status, answer.type, text)
    }

    private func page(_ state: Picture.State = .right) async -> String {
        await ask(Site(window: .showing(state), isExposed: false), "/").text
    }

    @Test("the page, its files and the figures are there, and nothing else")
    func paths() async {
        let site = Site(window: .showing(), isExposed: false)
        for (path, type) in [
            ("/", "text/html; charset=utf-8"), ("/page.css", "text/css; charset=utf-8"),
            ("/page.js", "text/javascript; charset=utf-8"),
            ("/metrics", "text/plain; version=0.0.4; charset=utf-8"),
        ] {
            let answer = await ask(site, path)
            #expect(answer.status == 200)
            #expect(answer.type == type)
        }
        #expect(await ask(site, "/jeeves.db").status == 404)
        #expect(await ask(site, "/../etc/passwd").status == 404)
    }

    @Test("it can only be read", arguments: ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
    func readOnly(method: String) async {
        let site = Site(window: .showing(), isExposed: false)
        #expect(await ask(site, "/", method: method).status == 405)
    }

    @Test("a name that somebody else leads here is not answered to, unless the page is exposed")
    func rebinding() async {
        let site = Site(window: .showing(), isExposed: false)
        for host in ["127.0.0.1", "localhost", "[::1]"] {
            #expect(await ask(site, "/", host: host).status == 200)
        }
        for host in ["evil.example", "127.0.0.1.evil.example", ""] {
            #expect(await ask(site, "/", host: host).status == 421)
            #expect(await ask(site, "/metrics", host: host).status == 421)
        }
        let exposed = Site(window: .showing(), isExposed: true)
        #expect(await ask(exposed, "/", host: "ops.example.org").status == 200)
    }

    @Test("what goes wrong with a look is told and ends nothing")
    func failing() async {
        var window = Window.showing()
        window.look = { throw Failure(.failed, "reading the state: it is damaged") }
        let answer = await ask(Site(window: window, isExposed: false), "/")
        #expect(answer.status == 500)
        #expect(answer.text == "looking: reading the state: it is damaged\n")
    }

    @Test("nothing that anybody said becomes markup", arguments: Picture.State.allCases)
    func escaped(state: Picture.State) async {
        let text = await page(state)
        #expect(!text.contains("<script>"))
        #expect(!text.contains("\" onload"))
        #expect(text.components(of: "<script ") == 1, "the one file")
        #expect(text.contains("&lt;script&gt;alert(1)&lt;/script&gt;&quot; onload=&quot;x"))
    }

    @Test("every state has its word and its shape, since when, why and what to type")
    func states() async {
        for (state, shape) in [
            (Picture.State.right, "●"), (.wrong, "✖"), (.changing, "◐"), (.unknown, "?"),
        ] {
            let text = await page(state)
            #expect(
                text.contains(
                    "<span class=\"state \(state.rawValue)\"><span aria-hidden=\"true\">\(shape)"
                        + "</span> \(state.rawValue)</span>"))
            #expect(text.contains("title=\"2025-12-31T23:55:00Z\">5m</time>"))
            #expect(text.contains("Next: <code>jeeves up</code>"))
        }
        #expect(await page(.wrong).contains("The chat is not as it must be, 6 parts wrong"))
    }

    @Test("it has landmarks, one title of the first level, a way past them, and no inline code")
    func accessible() async {
        let text = await page()
        for piece in [
            "<html lang=\"en\">", "<header>", "<main id=\"main\"", "<nav aria-label=", "<footer>",
            "<a class=\"skip\" href=\"#main\">", "aria-live=\"polite\"",
        ] {
            #expect(text.components(of: piece) == 1, "\(piece)")
        }
        #expect(text.components(of: "<h1>") == 1)
        #expect(!text.contains("style=\""))
        #expect(!text.contains(" onclick"))
        #expect(Site.policy.contains("default-src 'none'"))
        #expect(!Site.policy.contains("unsafe"))
        let ids = text.split(separator: " id=\"").dropFirst().map { $0.prefix { $0 != "\"" } }
        #expect(Set(ids).count == ids.count, "no id twice")
        for label in text.split(separator: "aria-labelledby=\"").dropFirst() {
            #expect(ids.contains(label.prefix { $0 != "\"" }))
        }
    }

    @Test(
        "the rollout is a timeline, the certificate has its lifetime, the newest event comes first")
    func content() async {
        let text = await page()
        #expect(text.contains("<rect class=\"failed\" x=\"750\" width=\"250\" height=\"12\"/>"))
        #expect(text.contains("<b>chat.example.org</b> on controller-1: 45 days left,"))
        #expect(text.contains("value=\"50\""))
        let events = text.split(separator: "<li><time").dropFirst()
        #expect(events.first?.contains("(operator) 2 &lt;script") == true)
        #expect(text.contains("<body data-next=\"4\">"))
    }

    @Test("one asks for another time at once, the others are told to come again")
    func oneMoment() async throws {
        let site = Site(window: .showing(), isExposed: false)
        let query = ["at": "2026-01-01T00:00:00Z"]
        let place = try #require(site.moments.enter())
        #expect(await ask(site, "/", query: query).status == 503)
        #expect(await ask(site, "/").status == 200)
        place.leave()
        #expect(await ask(site, "/", query: query).status == 200)
        #expect(await ask(site, "/", query: query).status == 200)
    }

    @Test("the API server is no station of a request's way, and has a heading of its own")
    func control() throws {
        let ids = [PartID(.app), PartID(.service, "nats"), PartID(.api)]
        let picture = Picture(
            cluster: ClusterID(unchecked: "chat"),
            domain: DomainName(unchecked: "chat.example.org"), at: FakeWorld.start,
            parts: ids.map {
                .init(id: $0, state: .right, since: nil, why: "so", next: "", needs: [])
            })
        let halves = WayPane(picture: picture).html.text.split(separator: "</ol>")
        try #require(halves.count == 2)
        #expect(halves[0].contains("<h3>Services</h3>"))
        #expect(!halves[0].contains("API server"))
        #expect(halves[1].contains("<h2 id=\"control-title\">Control plane</h2>"))
        #expect(halves[1].contains("<ul class=\"way\"><li class=\"right\"><h3>API server</h3>"))
    }

    @Test("another time is shown as it was, and asked for in a form")
    func then() async throws {
        #expect(await page().contains("<form action=\"/\" method=\"get\">"))
        let site = Site(window: .showing(), isExposed: false)
        #expect(await ask(site, "/", query: ["at": "yesterday"]).status == 400)
        let text = await ask(site, "/", query: ["at": "2026-01-01T00:00:00Z"]).text
        #expect(text.contains("<h2 id=\"then-title\">At <time datetime=\"2026-01-01T00:00:00Z\">"))
        #expect(text.contains("<dd>not known</dd>"))
        #expect(text.contains("in stage workers; later"))
        #expect(text.contains("<th scope=\"row\">edge</th><td></td><td>wrong</td>"))
        #expect(text.contains("<td class=\"why\">&lt;b&gt;503</td></tr>"))
        #expect(text.contains("<li>Not known: what was wanted</li>"))
    }
}

extension String {
    /// How often `piece` stands in it.
    func components(of piece: String) -> Int {
        split(separator: piece, omittingEmptySubsequences: false).count - 1
    }
}
