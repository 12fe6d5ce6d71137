import Model
import Support
import Testing

@testable import Agent

extension CertificateTests {
    @Test("a renewal that a person asks for comes once, long before it is due")
    func wish() async throws {
        try await EdgeNode.with { node in
            try await node.converge(node.certificate)
            let (worker, old) = (try await node.worker, try await node.served().serialHex)
            let step = try #require(node.certificate as? CertificateStep)
            try step.wishRenewal(node.world)
            for _ in 0..<3 { try await node.converge(step) }
            let new = try await node.served().serialHex
            #expect(new != old)
            #expect(try await node.worker == worker)
            #expect(await node.orders == 2)
            let refusal = #expect(throws: Failure.self) { try step.wishRenewal(node.world) }
            #expect(refusal?.message.contains("itself 2 certificates an hour; next try at") == true)
        }
    }
}
