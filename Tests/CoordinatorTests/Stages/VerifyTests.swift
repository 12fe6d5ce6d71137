import FoundationEssentials
import Model
import Support
import Testing

@testable import Coordinator

@Suite struct VerifyTests {
    /// Estates that are live up to their routes.
    private func withChat(_ body: (Estate) async throws -> Void) async throws {
        try await withEstate { estate in
            try await estate.run(upTo: .routes)
            estate.fake.forgetOps()
            try await body(estate)
        }
    }

    @Test("a live chat passes, its verdict is kept, and nothing is changed")
    func passes() async throws {
        try await withChat { estate in
            let said = try await estate.says(estate.verify)
            #expect(said.hasPrefix("203.0.113.9, certificate serial 02ef0cbcfec1"))
            #expect(said.hasSuffix("HTTPS 200, Rocket.Chat 8.6.1, DDP connected"))
            let verdict = try estate.store.get(Gate.Verdict.self, .meta, Verify.verdictKey)
            #expect(verdict?.summary == said)
            #expect(estate.fake.ops.isEmpty)
            #expect(try await estate.plans(estate.verify).isEmpty)
        }
    }

    @Test("before the chat has routes, the edge alone is enough")
    func edge() async throws {
        try await withEstate { estate in
            try await estate.run(upTo: .controllers)
            let said = try await estate.says(estate.verify)
            #expect(said.hasSuffix("HTTPS 404"))
        }
    }

    @Test("a chat that is a moment late is waited for; an edge that is away is told at once")
    func patience() async throws {
        try await withChat { estate in
            estate.edge.change { $0.refusals = 5 }
            _ = try await estate.says(estate.verify)
        }
        try await withEstate { estate in
            try await estate.run(upTo: .controllers)
            estate.edge.change { $0.refusals = 1 }
            try await estate.stops(
                estate.verify,
                Sentence(.gate, "looking at 203.0.113.9:443", fix: "jeeves status"))
            #expect(estate.edge.look(\.asked) == 1)
        }
    }

    /// What is wrong with what a browser meets, and what is said about it.
    struct Trouble: Sendable, CustomTestStringConvertible {
        let says: String
        let make: @Sendable (Estate) -> Void
        var testDescription: String { says }
    }

    @Test("the first thing that a browser would stumble over is named", arguments: troubles)
    func trouble(_ trouble: Trouble) async throws {
        try await withChat { estate in
            trouble.make(estate)
            let begin = estate.fake.clock.uptime()
            try await estate.stops(
                estate.verify,
                Sentence(.gate, trouble.says, fix: "look at `jeeves status`, mend the layer"))
            let waited = estate.fake.clock.uptime() - begin
            #expect(waited <= Verify.patience + .seconds(5))
            #expect(try estate.store.get(.meta, Verify.verdictKey) == nil)
        }
    }

    private static func wrong(
        _ says: String, _ change: @escaping @Sendable (inout FakeEdge.State) -> Void
    ) -> Trouble {
        Trouble(says: says, make: { $0.edge.change(change) })
    }

    private static let troubles = [
        wrong("looking at http://chat.example.org: HTTP 200 to \"\", not a redirect to HTTPS") {
            $0.redirect = (200, "")
        },
        wrong("HTTP 301 to \"https://elsewhere.example/\", not a redirect") {
            $0.redirect = (301, "https://elsewhere.example/")
        },
        wrong("the certificate is not trusted: self-signed certificate") {
            $0.distrust = "self-signed certificate"
        },
        wrong("looking at https://chat.example.org/api/info: HTTP 503, not Rocket.Chat's answer") {
            $0.answers["/api/info"] = "503 Service Unavailable\r\n\r\n"
        },
        wrong("looking at https://chat.example.org/: HTTP 200, not Rocket.Chat's page") {
            $0.answers["/"] = "200 OK\r\n\r\nWelcome to nginx!"
        },
        wrong("opening wss://chat.example.org/websocket: HTTP 400, no WebSocket") {
            $0.answers["/websocket"] = "400 Bad Request\r\n\r\n"
        },
        wrong("opening wss://chat.example.org/websocket: DDP did not connect") {
            $0.ddp = #"?{"msg":"failed","version":"1"}"#
        },
        Trouble(says: "looking at chat.example.org: its zone has no A record for it") {
            $0.account.change { ($0.records, $0.served) = ([], []) }
        },
        Trouble(says: "looking at https://chat.example.org: the certificate has expired") {
            $0.fake.clock.setWall(Date(timeIntervalSince1970: 1_900_000_000))
        },
    ]

    @Test("a certificate for another name is told with the names that it has")
    func otherName() async throws {
        try await withEstate { estate in
            let edit = ("domain: chat.example.org", "domain: talk.example.org")
            try await estate.run(upTo: .dns, edits: [edit])
            estate.edge.change { $0.redirect = (301, "https://talk.example.org/") }
            try await estate.stops(
                estate.verify, edits: [edit],
                Sentence(
                    .gate,
                    "looking at https://talk.example.org: the certificate is for "
                        + "chat.example.org", fix: "jeeves status"))
        }
    }
}
