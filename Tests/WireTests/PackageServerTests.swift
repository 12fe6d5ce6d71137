import Model
import NIOCore
import Outside
import Testing

@testable import Wire

@Suite("PackageServer", .timeLimit(.minutes(1)))
struct PackageServerTests {
    private let bytes = [UInt8]((0..<(3 << 20) + 1).map { UInt8(truncatingIfNeeded: $0 &* 31) })

    @Test("the file is served whole under its own path, and nothing else is")
    func serves() async throws {
        let server = try await PackageServer.start(
            host: "127.0.0.1", port: 0, path: "/jeeves-agent.deb", bytes: bytes)
        let network = World.live().network
        for (path, status, body) in [("/jeeves-agent.deb", 200, bytes), ("/", 404, [])] {
            let answer = try await network.http(
                HTTPRequest("GET", .tcp(host: "127.0.0.1", port: server.port), path),
                deadline: .seconds(20), bytesMax: 8 << 20, op: "test")
            #expect(answer.status == status)
            #expect(answer.body == body)
        }
        await server.stop()
    }

    @Test("it is written in parts small enough for a slow line, in their order")
    func parts() {
        let parts = PackageServer.parts(of: ByteBuffer(bytes: bytes))
        #expect(parts.allSatisfy { (1...(64 << 10)).contains($0.readableBytes) })
        #expect(parts.flatMap { Array($0.readableBytesView) } == bytes)
        #expect(PackageServer.parts(of: ByteBuffer()).isEmpty)
    }

    @Test("a request that never ends is cut off, however busily it is sent")
    func endless() async throws {
        let server = try await PackageServer.start(
            host: "127.0.0.1", port: 0, path: "/jeeves-agent.deb", bytes: bytes,
            requestMax: .milliseconds(100))
        let stranger = try await connectLocal(port: server.port)
        try await stranger.write(
            Array("GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n".utf8))
        while (try? await stranger.write([0])) != nil {}
        #expect((try? await stranger.read()) == nil, "it is not answered")
        await server.stop()
    }

    @Test("one source does not take the places of all others")
    func sources() {
        let count = ConnectionCount(max: 3, perSource: 2)
        #expect([count.enter("a"), count.enter("a"), count.enter("a")] == [true, true, false])
        #expect([count.enter("b"), count.enter("c")] == [true, false])
        count.leave("a")
        #expect([count.enter("c"), count.enter("b")] == [true, false])
        count.leave("a")
        #expect([count.enter("a"), count.enter("a")] == [true, false])
    }
}
