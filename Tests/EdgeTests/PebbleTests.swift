import FoundationEssentials
import Model
import Support
import Testing
import Trust

/// What tests of renewal information rely on.
@Suite("Pebble", .serialized, .enabled(if: Programs.areThere, Programs.hint))
struct PebbleTests {
    @Test("Debian 13's pebble offers renewal information, and takes a revocation")
    func renewalInformation() async throws {
        try await EdgeNode.with(.trixie) { node in
            try await node.converge(node.certificate)
            let address = node.pebble.directory.split(separator: "/")[1].split(separator: ":")
            let request = "GET /dir HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n"
            let served = try await Probe.connect(
                host: "127.0.0.1", port: try #require(UInt16(address[1])), name: node.edge.domain,
                exchanges: [Probe.Exchange(Array(request.utf8))])
            let answer = String(decoding: served.answer, as: UTF8.self)
            #expect(answer.contains(#""renewalInfo": "#), "\(answer)")
            try await node.pebble.revokesLast()
            // Only once: it is revoked then.
            await #expect(throws: Failure.self) { try await node.pebble.revokesLast() }
        }
    }
}
