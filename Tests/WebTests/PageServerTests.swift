import Coordinator
import Logging
import Model
import Outside
import Support
import Testing
import Wire

@testable import Web

/// Over real sockets of this machine.
@Suite struct PageServerTests {
    private func ask(
        _ method: String, _ target: String, port: UInt16, host: String = "127.0.0.1"
    ) async throws -> HTTPResponse {
        let request = HTTPRequest(
            method, .tcp(host: "127.0.0.1", port: port), target,
            headers: ["Host": "\(host):\(port)", "Connection": "close"])
        return try await World.live().network.http(
            request, deadline: .seconds(10), bytesMax: 1 << 20, op: "test.page")
    }

    @Test("the page is served with its policy while the body runs, and not to strange names")
    func serves() async throws {
        let site = Site(window: .showing(), isExposed: false)
        let word = try await PageServer.serving(site) { port in
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
    }

    @Test("a port that another program has is told with what to do")
    func taken() async throws {
        let other = try await LocalListener.bind()
        let site = Site(window: .showing(), isExposed: false)
        let failure = await #expect(throws: Failure.self) {
            try await PageServer.serving(
                site, host: "127.0.0.1", port: other.port, log: .silent,
                bound: { _ in Issue.record("an address was told that is another program's") }
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

extension PageServer {
    /// Serves on a port that the system chooses, which `body` gets once it can be asked there.
    static func serving<Result: Sendable>(
        _ site: Site, _ body: @Sendable @escaping (UInt16) async throws -> Result
    ) async throws -> Result {
        let (ports, bound) = AsyncStream.makeStream(of: UInt16.self)
        return try await serving(
            site, host: "127.0.0.1", port: 0, log: .silent, bound: { bound.yield($0) }
        ) {
            for await port in ports { return try await body(port) }
            throw CancellationError()
        }
    }
}
