import Model
import Outside
import Support
import Testing
import Tools

@testable import Agent

extension CertificateTests {
    @Test("a certbot that a person runs is noticed, and its certificate serves after one pass")
    func person() async throws {
        try await EdgeNode.with { node in
            try await node.converge(node.certificate)
            let (worker, old) = (try await node.worker, try await node.served().serialHex)
            let step = try #require(node.certificate as? CertificateStep)
            let command = Certbot(layout: node.layout).issue(
                step.spec, caFile: "\(node.edge.state)/acme-ca.pem", forcing: true)
            let finished = try await node.edge.world.processes.run(
                command, limits: Limits(deadline: .seconds(60)), op: "test.person")
            #expect(finished.succeeded)
            #expect(try await node.served().serialHex == old)

            try await node.converge(step)
            let new = try await node.served().serialHex
            #expect(new != old)
            #expect(new == (try node.placed().serialHex))
            #expect(try await node.worker == worker)
            #expect(await node.orders == 1)
        }
    }
}
