import Model
import Outside
import Support
import Synchronization
import Trust

/// The ACME authority pebble on loopback, and the DNS that it asks: every name leads to this
/// machine, and what would be port 80 is the edge's.
struct Pebble: Sendable {
    /// What its DNS listens on, and twice what manages it and the authority.
    static let ports = 4

    let directory: String
    /// Of its own HTTPS.
    let caPEM: String
    /// Of what it issues; a new one at each start.
    let rootPEM: String
    private let edge: LoopbackEdge
    private let dns: Daemon
    private let authority: Daemon
    private let book: OrderBook

    /// It remembers no account and no order of an earlier one.
    static func with<Value>(
        in edge: LoopbackEdge, lifetime: Duration = .seconds(90 * 86_400),
        _ body: (Pebble) async throws -> Value
    ) async throws -> Value {
        let pebble = try await start(in: edge, lifetime)
        do {
            let value = try await body(pebble)
            await pebble.stop()
            return value
        } catch {
            await pebble.stop()
            throw error
        }
    }

    private static func start(
        in edge: LoopbackEdge, _ lifetime: Duration
    ) async throws -> Pebble {
        let ca = try await makeAuthority(edge)
        let dns = try await startDNS(edge)
        do {
            let book = OrderBook()
            let authority = try await startAuthority(edge, lifetime, book)
            return Pebble(
                directory: "https://127.0.0.1:\(edge.sparePorts[2])/dir", caPEM: ca,
                rootPEM: try await root(edge), edge: edge, dns: dns, authority: authority,
                book: book)
        } catch {
            await dns.stop()
            throw error
        }
    }

    /// Does nothing if it is stopped already.
    func stop() async {
        await authority.stop()
        await dns.stop()
    }

    /// How many orders it ever took, by its own word: it forgets none.
    var orders: Int { book.orders }

    /// From now on its DNS answers SERVFAIL for `name`.
    func losesDNS(of name: DomainName) async throws {
        let answer = try await edge.world.network.http(
            HTTPRequest(
                "POST", .tcp(host: "127.0.0.1", port: edge.sparePorts[1]), "/set-servfail",
                headers: ["Host": "127.0.0.1"], body: Array(#"{"host": "\#(name)"}"#.utf8)),
            deadline: .seconds(5), bytesMax: 1 << 16, op: "pebble.servfail")
        guard answer.status == 200 else {
            throw Failure(.failed, "telling pebble's DNS: status \(answer.status)")
        }
    }

    /// Revokes what certbot got last, with the account that got it.
    ///
    /// Debian 13's pebble then asks for its renewal: `renewalInfo` of its directory answers a
    /// window that ended half an hour ago, and for any other certificate one of a day before to a
    /// day after two thirds of its life (draft-ietf-acme-ari-03, which became RFC 9773). It cannot
    /// be given a window, and has no profiles. Debian 12's has no `renewalInfo` at all.
    func revokesLast() async throws {
        let layout = edge.layout
        var command = Command(
            "certbot",
            [
                "revoke", "-n", "--server", directory, "--cert-name", edge.domain.rawValue,
                "--no-delete-after-revoke", "--config-dir", layout.certbotConfig,
                "--work-dir", layout.certbotWork, "--logs-dir", layout.certbotLogs,
            ])
        command.environment["REQUESTS_CA_BUNDLE"] = Self.ca(edge)
        _ = try await edge.world.processes.output(
            of: command, limits: Limits(deadline: .seconds(60)), op: "pebble.revoke")
    }

    /// A CA for its own HTTPS, and a certificate from it; the same at each start.
    private static func makeAuthority(_ edge: LoopbackEdge) async throws -> String {
        if let made = try edge.world.files.text(ca(edge)) { return made }
        let common = [
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-days", "2",
        ]
        for more in [
            ["-subj", "/CN=Test CA", "-keyout", "\(edge.folder)/ca.key", "-out", ca(edge)],
            [
                "-subj", "/CN=pebble", "-keyout", "\(edge.folder)/api.key",
                "-out", "\(edge.folder)/api.pem", "-CA", ca(edge),
                "-CAkey", "\(edge.folder)/ca.key", "-addext", "subjectAltName=IP:127.0.0.1",
                "-addext", "basicConstraints=critical,CA:FALSE",
            ],
        ] {
            _ = try await edge.world.processes.output(
                of: Command("openssl", common + more), limits: Limits(deadline: .seconds(30)),
                op: "pebble.ca")
        }
        return try edge.world.files.text(ca(edge)) ?? ""
    }

    private static func ca(_ edge: LoopbackEdge) -> String { "\(edge.folder)/ca.pem" }

    private static func startDNS(_ edge: LoopbackEdge) async throws -> Daemon {
        let (network, port) = (edge.world.network, edge.sparePorts[1])
        return try await Daemon.start(
            Command(
                "pebble-challtestsrv",
                [
                    "-management", "127.0.0.1:\(port)", "-dns01", "127.0.0.1:\(edge.sparePorts[0])",
                    "-http01", "", "-https01", "", "-tlsalpn01", "", "-defaultIPv4", "127.0.0.1",
                    "-defaultIPv6", "",
                ]), in: edge.world
        ) {
            let request = HTTPRequest(
                "GET", .tcp(host: "127.0.0.1", port: port), "/", headers: ["Host": "127.0.0.1"])
            let answer = try? await network.http(
                request, deadline: .seconds(1), bytesMax: 1 << 16, op: "pebble.ready")
            return answer != nil
        }
    }

    private static func startAuthority(
        _ edge: LoopbackEdge, _ lifetime: Duration, _ book: OrderBook
    ) async throws -> Daemon {
        let configuration = """
            {"pebble": {
              "listenAddress": "127.0.0.1:\(edge.sparePorts[2])",
              "managementListenAddress": "127.0.0.1:\(edge.sparePorts[3])",
              "certificate": "\(edge.folder)/api.pem", "privateKey": "\(edge.folder)/api.key",
              "httpPort": \(edge.layout.httpPort), "tlsPort": \(edge.layout.httpsPort),
              "ocspResponderURL": "", "externalAccountBindingRequired": false,
              "certificateValidityPeriod": \(lifetime.components.seconds),
              "retryAfter": {"authz": 1, "order": 1}
            }}
            """
        let path = "\(edge.folder)/pebble.json"
        try edge.world.files.replace(
            path, with: Array(configuration.utf8), mode: 0o600, op: "pebble.configuration")
        var command = Command(
            "pebble", ["-config", path, "-dnsserver", "127.0.0.1:\(edge.sparePorts[0])"])
        command.environment["PEBBLE_VA_NOSLEEP"] = "1"
        command.environment["PEBBLE_AUTHZREUSE"] = "0"
        command.environment["PEBBLE_WFE_NONCEREJECT"] = "0"
        let port = edge.sparePorts[2]
        return try await Daemon.start(command, in: edge.world, hearing: book.hear) {
            let seen = try? await Probe.connect(
                host: "127.0.0.1", port: port, name: edge.domain, deadline: .seconds(1))
            return seen != nil
        }
    }

    private static func root(_ edge: LoopbackEdge) async throws -> String {
        let request = "GET /roots/0 HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n"
        let served = try await Probe.connect(
            host: "127.0.0.1", port: edge.sparePorts[3], name: edge.domain,
            exchanges: [Probe.Exchange(Array(request.utf8))])
        let text = String(decoding: served.answer, as: UTF8.self)
        guard let body = text.firstRange(of: "-----BEGIN") else {
            throw Failure(.failed, "asking pebble for its root: it says \(text.prefix(200))")
        }
        return String(text[body.lowerBound...])
    }
}

/// What pebble prints of its orders: `There are now 3 orders in the db`.
private final class OrderBook: Sendable {
    private let count = Mutex(0)

    var orders: Int { count.withLock { $0 } }

    @Sendable func hear(_ line: String) {
        let words = line.split(separator: " ")
        guard line.hasSuffix(" orders in the db"),
            let number = words.dropLast(4).last.flatMap({ Int($0) })
        else { return }
        count.withLock { $0 = max($0, number) }
    }
}
