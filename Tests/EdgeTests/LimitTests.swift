import Model
import Outside
import Support
import Testing

@Suite("Limits of the edge", .serialized, .enabled(if: Programs.areThere, Programs.hint))
struct LimitTests {
    private let tooMany = "</html>\n"

    private func haproxy(_ node: EdgeNode, _ spec: HAProxySpec) async throws {
        try await node.converge(node.step(.haproxy(spec)))
    }

    @Test("a source that asks too often, or holds too many connections, is answered with 429")
    func sources() async throws {
        try await EdgeNode.with { node in
            try await node.serveMinted()
            let (domain, backend) = (node.edge.domain, node.edge.backendPort)
            let (port, request) = (node.layout.httpsPort, LoopbackChat.request(to: domain))
            try await haproxy(
                node,
                HAProxySpec(domain: domain, backendPort: backend, requestsPerTenSecondsMax: 5))
            try await TLSTalk.with(port: port, name: domain) { talk in
                for _ in 0..<5 { try await talk.ask(request, until: LoopbackChat.ending) }
                let answer = try await talk.ask(request, until: tooMany)
                #expect(answer.hasPrefix("HTTP/1.1 429 "))
            }
            try await haproxy(
                node, HAProxySpec(domain: domain, backendPort: backend, connectionsPerSourceMax: 2))
            let upgrade = LoopbackChat.request(to: domain, upgrade: true)
            try await TLSTalk.with(port: port, name: domain) { first in
                try await first.ask(upgrade, until: "\r\n\r\n")
                try await TLSTalk.with(port: port, name: domain) { second in
                    try await second.ask(upgrade, until: "\r\n\r\n")
                    try await TLSTalk.with(port: port, name: domain) { third in
                        let answer = try await third.ask(request, until: tooMany)
                        #expect(answer.hasPrefix("HTTP/1.1 429 "))
                    }
                }
            }
        }
    }

    @Test("after a reload open sockets go on in an old worker, which is counted and bounded")
    func drain() async throws {
        try await EdgeNode.with { node in
            try await node.serveMinted()
            let (domain, backend) = (node.edge.domain, node.edge.backendPort)
            try await haproxy(
                node, HAProxySpec(domain: domain, backendPort: backend, drain: .seconds(4)))
            let upgrade = LoopbackChat.request(to: domain, upgrade: true)
            try await TLSTalk.with(port: node.layout.httpsPort, name: domain) { socket in
                try await socket.ask(upgrade, until: "\r\n\r\n")
                let next = HAProxySpec(
                    domain: domain, backendPort: backend, connectionsMax: 3000, drain: .seconds(4))
                try await haproxy(node, next)
                #expect(try await node.worker.contains("1 old worker ends since "))
                try await socket.ask("still\n", until: "still\n")
                _ = try await node.edge.world.clock.poll(
                    every: .milliseconds(200), atMost: .seconds(15),
                    waitingFor: "the old worker to end", op: "test.drain"
                ) { try await node.worker.contains("old worker") ? nil : true }
                await #expect(throws: Failure.self) {
                    try await socket.ask("gone\n", until: "gone\n")
                }
            }
        }
    }

    @Test("more connections than HAProxy may open files are refused, and what runs goes on")
    func descriptors() async throws {
        try await EdgeNode.with { node in
            try await node.serveMinted()
            let worker = try await node.worker
            // Above what Linux allows any process (proc(5), nr_open).
            let step = try node.step(
                .haproxy(
                    HAProxySpec(
                        domain: node.edge.domain, backendPort: node.edge.backendPort,
                        connectionsMax: 600_000)))
            node.clock.hurry("haproxy.wait")
            let told = await #expect(throws: Failure.self) { try await step.apply(node.world) }
            #expect(
                told?.message.contains("600000 connections need 1200100 open files") == true,
                "\(told?.message ?? "")")
            #expect(told?.message.contains("the old one is back") == true)
            #expect(told?.fix.contains("lower `edge.connectionsMax`") == true)
            #expect(try await node.haproxy.check(node.world) == .right)
            #expect(try await node.served() == (try node.placed()))
            #expect(worker.hasPrefix("haproxy "))
        }
    }
}
