import Model
import Outside
import Support
import Testing

@Suite("A real edge", .serialized, .enabled(if: Programs.areThere, Programs.hint))
struct CertificateTests {
    @Test(
        "the first certificate comes through HAProxy's own port 80, key first, for root only",
        arguments: Debian.allCases)
    func first(debian: Debian) async throws {
        try await EdgeNode.with(debian) { node in
            let worker = try await node.worker
            #expect(debian != .trixie || worker.hasPrefix("haproxy 3.0, "))
            try await node.converge(node.certificate)
            let served = try await node.served()
            #expect(served.serialHex == (try node.placed().serialHex))
            #expect(served.names == [node.edge.domain.rawValue])
            let files = node.edge.world.files
            let pem = try files.text(node.layout.bundle)
            #expect(pem?.hasPrefix("-----BEGIN PRIVATE KEY-----\n") == true)
            #expect(try files.info(node.layout.bundle)?.mode == 0o600)
            #expect(try files.info(node.layout.certificateFolder)?.mode == 0o700)
            #expect(try await node.worker == worker)
            #expect(await node.orders == 1)

            node.ledger.forgetOps()
            try await node.converge(node.certificate)
            #expect(node.ledger.ops.isEmpty, "a second pass found something to do")
        }
    }

    @Test(
        "a renewal is swapped in one process, and open connections do not notice",
        arguments: Debian.allCases)
    func renewal(debian: Debian) async throws {
        try await EdgeNode.with(debian) { node in
            try await node.converge(node.certificate)
            let (worker, old) = (try await node.worker, try await node.served().serialHex)
            let request = LoopbackChat.request(to: node.edge.domain)
            let upgrade = LoopbackChat.request(to: node.edge.domain, upgrade: true)
            let port = node.layout.httpsPort
            try await TLSTalk.with(port: port, name: node.edge.domain) { page in
                try await page.ask(request, until: LoopbackChat.ending)
                try await TLSTalk.with(port: port, name: node.edge.domain) { socket in
                    try await socket.ask(upgrade, until: "\r\n\r\n")
                    try await socket.ask("before\n", until: "before\n")
                    try await node.renew()
                    try await socket.ask("after\n", until: "after\n")
                }
                try await page.ask(request, until: LoopbackChat.ending)
            }
            let new = try await node.served().serialHex
            #expect(new != old)
            #expect(new == (try node.placed().serialHex))
            #expect(try await node.worker == worker)
            #expect(!node.ledger.ops.contains { $0.contains("reload") })
        }
    }
}

extension EdgeNode {
    /// Lets the time of renewal come and converges. The clock goes back then, for what the CA
    /// issues now begins now.
    func renew() async throws {
        clock.setAhead(Self.untilDue)
        try await certificate.apply(world)
        clock.setAhead(.zero)
        let condition = try await certificate.check(world)
        #expect(condition == .right)
    }
}
