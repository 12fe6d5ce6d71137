import Foundation
import Model
import Testing

@testable import Trust

struct BundleTests {
    private static let domain = DomainName(unchecked: "chat.example.org")

    private func judge(_ material: Bundles.Material, after: TimeInterval = 0) async throws
        -> CertificateFacts
    {
        try Bundle(keyPEM: Secret(material.key), fullchainPEM: material.chain).judge(
            domain: Self.domain, rootsPEM: material.roots,
            now: material.now.addingTimeInterval(after))
    }

    @Test("a good bundle passes, in every form certbot and people write it", arguments: Form.good)
    func good(form: Form) async throws {
        let material = try await form.material()
        let facts = try await judge(material)
        #expect(facts == (try CertificateFacts(pem: material.chain)))
    }

    @Test("a broken bundle is refused with its own sentence", arguments: Form.broken)
    func broken(form: Form) async throws {
        let material = try await form.material()
        let failure = try await failure { _ = try await judge(material, after: form.after) }
        let (from, until) = try await material.dates
        let reason = form.reason.replacing("FROM", with: from).replacing("UNTIL", with: until)
        let isOfTheChain = reason.hasPrefix("its chain does not verify: ")
        #expect(
            failure
                == Failure(
                    .invalid, "judging the new certificate: \(reason)",
                    fix: isOfTheChain
                        ? "name the root of a private CA in `certificate.acme.trustFile`" : ""))
    }

    @Test("the sentences of broken bundles tell at least twelve troubles apart")
    func sentences() { #expect(Set(Form.broken.map(\.reason)).count >= 12) }

    @Test("the file can be read back")
    func readBack() async throws {
        let good = try await Bundles.shared.good()
        let bundle = Bundle(keyPEM: Secret(good.key), fullchainPEM: good.chain)
        let again = Bundle(pem: bundle.pem.reveal())
        #expect(again.pem.reveal() == bundle.pem.reveal())
        try again.judge(domain: Self.domain, rootsPEM: good.roots, now: good.now)
    }

    @Test("the file is the key, then the chain, without a blank line and with a final newline")
    func file() async throws {
        let good = try await Bundles.shared.good()
        let plain = Bundle(keyPEM: Secret(good.key), fullchainPEM: good.chain).pem.reveal()
        #expect(plain == good.key + good.chain)
        let messy = Bundle(
            keyPEM: Secret("\n" + good.key.dropLast()),
            fullchainPEM: "\n\n" + good.chain.replacingOccurrences(of: "\n", with: "\r\n") + "\r\n")
        #expect(messy.pem.reveal() == plain)
        #expect("\(messy)".contains("BEGIN PRIVATE") == false)
        let marked = Bundle(
            keyPEM: Secret("\u{FEFF}" + good.key), fullchainPEM: "\u{FEFF}" + good.chain)
        #expect(marked.pem.reveal() == plain)
    }

    /// One way in which a bundle arrives.
    struct Form: Sendable, CustomTestStringConvertible {
        let testDescription: String
        var reason = ""
        var after: TimeInterval = 0
        let change: @Sendable (inout Bundles.Material) async throws -> Void

        func material() async throws -> Bundles.Material {
            var material = try await Bundles.shared.good()
            try await change(&material)
            return material
        }

        init(
            _ name: String, _ reason: String = "", after: TimeInterval = 0,
            _ change: @escaping @Sendable (inout Bundles.Material) async throws -> Void
        ) {
            testDescription = name
            self.reason = reason
            self.after = after
            self.change = change
        }
    }
}
