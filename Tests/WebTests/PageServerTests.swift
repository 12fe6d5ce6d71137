import Coordinator
import Logging
import Model
import Outside
import Support
import Synchronization
import Testing
import Wire

@testable import Web

/// Over real sockets of this machine.
@Suite struct PageServerTests {
    /// Asks once the server is there.
    private func ask(
        _ method: String, _ target: String, port: UInt16, host: String = "127.0.0.1"
    ) async throws -> HTTPResponse {
        let world = World.live()
        let request = HTTPRequest(
            method, .tcp(host: "127.0.0.1", port: port), target,
            headers: ["Host": "\(host):\(port)", "Connection": "close"])
        return try await world.clock.poll(
            every: .milliseconds(20), atMost: .seconds(20), waitingFor: "the page", op: "test.page"
        ) {
            do {
                return try await world.network.http(
                    request, deadline: .seconds(10), bytesMax: 1 << 20, op: "test.page")
            } catch let failure as Failure where failure.code == .unavailable { return nil }
        }
    }

    @Test("the page is served with its policy while the body runs, and not to strange names")
    func serves() async throws {
        let port = try await LocalListener.freePort()
        let site = Site(window: .showing(), isExposed: false)
        let told = Mutex(0)
        let word = try await PageServer.serving(
            site, host: "127.0.0.1", port: port, log: .silent,
            bound: { told.withLock { $0 += 1 } }
        ) {
            let page = try await ask("GET", "/", port: port)
            #expect(page.status == 200)
            let headers = Dictionary(
                page.headers.map { ($0.key.lowercased(), $0.value) },
                uniquingKeysWith: { first, _ in first })
            #expect(headers["content-security-policy"] == Site.policy)
            #expect(headers["x-content-type-options"] == "nosniff")
            #expect(headers["cache-control"] == "no-store")
            #expect(String(decoding: page.body, as: UTF8.self).hasPrefix("<!doctype html>"))
            let strange = try await ask("GET", "/", port: port, host: "evil.example")
            #expect(strange.status == 421)
            #expect(try await ask("POST", "/", port: port).status == 405)
            #expect(try await ask("GET", "/?at=never", port: port).status == 400)
            return "done"
        }
        #expect(word == "done")
        #expect(told.withLock { $0 } == 1)
    }

    @Test("a port that another program has is told with what to do")
    func taken() async throws {
        let other = try await LocalListener.bind()
        let site = Site(window: .showing(), isExposed: false)
        let failure = await #expect(throws: Failure.self) {
            try await PageServer.serving(
                site, host: "127.0.0.1", port: other.port, log: .silent,
                bound: { Issue.record("an address was told that is another program's") }
            ) { try await World.live().clock.sleep(.seconds(60), op: "test.wait") }
        }
        #expect(failure?.code == .conflict)
        #expect(failure?.fix.contains("coordinator.statusPage.address") == true)
        await other.close()
    }
}

extension Logger {
    static let silent = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
}

extension LocalListener {
    /// A port that is free just now.
    static func freePort() async throws -> UInt16 {
        let listener = try await bind()
        await listener.close()
        return listener.port
    }
}
