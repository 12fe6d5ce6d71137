import Glibc
import Model
import Outside
import Support
import Testing
import Trust

@testable import AWS

@Suite struct MotoTests {
    @Test(
        "against a real server: a zone is found, a record made, left alone, defended and removed",
        .enabled(
            if: MotoServer.isInstalled, "moto_server is not installed (pip install moto[server])"))
    func roundTrip() async throws {
        let server = try await MotoServer.start()
        defer { server.stop() }
        let fake = FakeWorld()
        let client = AWSClient(
            credentials: AWSCredentials(
                accessKeyID: "testing", secretAccessKey: Secret("testing")),
            region: "eu-central-1", endpoint: server.url, world: fake.world)
        #expect(try await STS(client: client).caller().account == "123456789012")
        #expect(try await EC2(client: client).instances(of: ClusterID(unchecked: "x")).isEmpty)

        let route53 = Route53(client: client)
        #expect(await failure { try await route53.zone(for: chat) }?.code == .notFound)
        _ = try await client.post(
            .route53, "/2013-04-01/hostedzone",
            xml: """
                <CreateHostedZoneRequest xmlns="https://route53.amazonaws.com/doc/2013-04-01/">\
                <Name>example.org.</Name><CallerReference>1</CallerReference>\
                </CreateHostedZoneRequest>
                """, "creating a zone")
        let zone = try await route53.zone(for: chat)
        #expect(try await route53.zone(for: chat, id: zone.id) == zone)
        #expect(try await !route53.nameServers(of: zone).isEmpty)

        func upsert(_ address: String, take: Bool = false) async throws -> Bool {
            try await route53.upsert(
                chat, address: address, ttl: 60, in: zone, take: take, deadline: .seconds(60))
        }
        #expect(try await route53.record(chat, in: zone) == nil)
        #expect(try await upsert("203.0.113.9"))
        #expect(try await !upsert("203.0.113.9"))
        #expect(
            try await route53.record(chat, in: zone)
                == AddressRecord(values: ["203.0.113.9"], ttl: 60))
        #expect(await failure { try await upsert("198.51.100.7") }?.code == .conflict)
        #expect(try await upsert("198.51.100.7", take: true))
        for (address, removed) in [
            ("203.0.113.9", false), ("198.51.100.7", true), ("198.51.100.7", false),
        ] {
            #expect(
                try await route53.delete(
                    chat, address: address, in: zone, deadline: .seconds(60)) == removed)
        }
        let missing = HostedZone(id: "ZNOPE", name: "example.org")
        #expect(await failure { try await route53.record(chat, in: missing) }?.code == .notFound)
    }
}

/// moto's server on a free port of loopback, as a child of this test.
private struct MotoServer: Sendable {
    let url: String
    private let pid: pid_t

    static var isInstalled: Bool { program != nil }

    private static var program: String? {
        let path = getenv("PATH").map { String(cString: $0) } ?? ""
        return path.split(separator: ":").map { "\($0)/moto_server" }.first {
            access($0, X_OK) == 0
        }
    }

    /// Returns once the server has said where it listens.
    static func start() async throws -> MotoServer {
        var ends: [Int32] = [-1, -1]
        guard let program, pipe(&ends) == 0 else {
            throw Failure(.failed, "starting moto")
        }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
        posix_spawn_file_actions_adddup2(&actions, ends[1], 2)
        let words = [program, "-H", "127.0.0.1", "-p", "0"]
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var pid: pid_t = 0
        let code = posix_spawn(&pid, program, &actions, nil, &arguments, environ)
        close(ends[1])
        guard code == 0 else { throw Failure(.failed, "starting moto: \(code)") }
        let output = ends[0]
        let url = try await Blocking.run { try firstURL(output) }
        return MotoServer(url: url, pid: pid)
    }

    /// Reads up to `Running on http://…`; the pipe stays open, and moto says little after it.
    private static func firstURL(_ descriptor: Int32) throws -> String {
        var text = ""
        var buffer = [UInt8](repeating: 0, count: 4096)
        while case let count = read(descriptor, &buffer, buffer.count), count > 0 {
            text += String(decoding: buffer[..<count], as: UTF8.self)
            let words = text.split(whereSeparator: \.isWhitespace)
            if text.contains("quit"), let url = words.first(where: { $0.hasPrefix("http://") }) {
                return String(url)
            }
        }
        throw Failure(.failed, "starting moto: it said \(text.suffix(400))")
    }

    func stop() {
        kill(pid, SIGKILL)
        var status: Int32 = 0
        waitpid(pid, &status, 0)
    }
}
