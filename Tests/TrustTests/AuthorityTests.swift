import Foundation
import Model
import Support
import Testing
import X509

@testable import Trust

struct AuthorityTests {
    let made: Authority.New
    let authority: Authority
    let workshop: Workshop
    /// OpenSSL compares with its own clock only where it verifies; there it is given this one.
    let now = Forge.start
    private let attime = "\(Int(Forge.start.timeIntervalSince1970))"

    init() throws {
        made = try Founded.authority.get()
        authority = try Authority(
            rootPEM: made.rootPEM, intermediatePEM: made.intermediatePEM,
            intermediateKeyPEM: made.intermediateKeyPEM)
        workshop = try Workshop()
    }

    private func issue(_ csr: String) throws -> String {
        try authority.issueAgent(
            csrPEM: csr, node: Forge.node, cluster: Forge.cluster, now: now)
    }

    private func leaf(of pem: String) throws -> Certificate {
        try Certificate(derEncoded: #require(ders(of: pem).first))
    }

    @Test("what it issues verifies with OpenSSL for its purpose and for no other")
    func openssl() async throws {
        try workshop.write("root.pem", made.rootPEM)
        try workshop.write("ca.pem", made.intermediatePEM)
        try workshop.write("agent.pem", issue(KeyPair.make().csrPEM()))
        try workshop.write(
            "server.pem",
            authority.issueCoordinator(
                csrPEM: KeyPair.make().csrPEM(), cluster: Forge.cluster, now: now))
        for (file, purpose, isGood) in [
            ("agent.pem", "sslclient", true), ("agent.pem", "sslserver", false),
            ("server.pem", "sslserver", true), ("server.pem", "sslclient", false),
        ] {
            let verdict = try? await workshop.openssl(
                "verify", "-x509_strict", "-attime", attime, "-purpose", purpose, "-CAfile",
                "root.pem", "-untrusted", "ca.pem", file)
            #expect((verdict == "\(file): OK\n") == isGood, "\(file) as \(purpose)")
        }
    }

    @Test("an agent's certificate is for a day, from five minutes ago, with its URI alone")
    func agent() throws {
        let pair = try KeyPair.make()
        let leaf = try leaf(of: issue(pair.csrPEM()))
        #expect(leaf.notValidBefore == now.addingTimeInterval(-300))
        #expect(leaf.notValidAfter == now.addingTimeInterval(86400))
        #expect(
            Array(try #require(try leaf.extensions.subjectAlternativeNames))
                == [.uniformResourceIdentifier("spiffe://prod/agent/controller-1")])
        #expect(Array(try #require(try leaf.extensions.extendedKeyUsage)) == [.clientAuth])
        #expect(try leaf.extensions.basicConstraints == .notCertificateAuthority)
        #expect(try leaf.publicKey == Authority.publicKey(ofCSR: pair.csrPEM()))
    }

    @Test("the chain is leaf, intermediate and root, and the pin is the root's fingerprint")
    func chainAndPin() async throws {
        let shown = try ders(of: issue(KeyPair.make().csrPEM()))
        #expect(shown.count == 3)
        #expect(try shown.last == ders(of: made.rootPEM).first)
        try workshop.write("root.pem", made.rootPEM)
        let text = try await workshop.openssl(
            "x509", "-in", "root.pem", "-noout", "-fingerprint", "-sha256")
        let digits = text.drop { $0 != "=" }.filter(\.isHexDigit).lowercased()
        #expect(digits == authority.pin.rawValue)
    }

    @Test("two certificates never share a serial number")
    func serials() throws {
        let csr = try KeyPair.make().csrPEM()
        let serials = try (0..<20).map { _ in try CertificateFacts(pem: issue(csr)).serialHex }
        #expect(Set(serials).count == 20)
    }

    @Test("of a request that asks for more only the key is taken")
    func greedyRequest() async throws {
        try workshop.write(
            "greedy.cnf",
            """
            [req]
            distinguished_name = name
            req_extensions = wishes
            prompt = no
            [name]
            CN = root
            [wishes]
            basicConstraints = critical,CA:TRUE
            keyUsage = keyCertSign
            extendedKeyUsage = serverAuth,clientAuth
            subjectAltName = URI:spiffe://prod/coordinator,DNS:evil.example.org

            """)
        try await workshop.openssl(
            "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-keyout", "key.pem", "-out", "csr.pem", "-config", "greedy.cnf")
        let leaf = try leaf(of: issue(workshop.read("csr.pem")))
        #expect(try leaf.extensions.basicConstraints == .notCertificateAuthority)
        #expect(Array(try #require(try leaf.extensions.extendedKeyUsage)) == [.clientAuth])
        #expect(
            Array(try #require(try leaf.extensions.subjectAlternativeNames))
                == [.uniformResourceIdentifier("spiffe://prod/agent/controller-1")])
        #expect(!"\(leaf.subject)".contains("root"))
    }

    @Test(
        "a request that is not one for a P-256 key of its sender is refused",
        arguments: ["rsa:2048", "secp384r1", "forged", "huge", "garbage", "empty", "a certificate"])
    func badRequests(kind: String) async throws {
        let csr = try await badRequest(kind)
        let failure = try await failure { _ = try issue(csr) }
        #expect(failure.code == .invalid)
        #expect(
            failure.message == "reading a certificate request: it is not one for a P-256 key")
    }

    private func badRequest(_ kind: String) async throws -> String {
        switch kind {
        case "rsa:2048":
            try await workshop.openssl(
                "req", "-new", "-newkey", kind, "-nodes", "-subj", "/CN=x", "-keyout", "key.pem",
                "-out", "csr.pem")
            return try workshop.read("csr.pem")
        case "secp384r1":
            try await workshop.openssl(
                "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:\(kind)", "-nodes",
                "-subj", "/CN=x", "-keyout", "key.pem", "-out", "csr.pem")
            return try workshop.read("csr.pem")
        case "forged":
            // The last byte of the DER is the end of the signature.
            var der = try #require(ders(of: KeyPair.make().csrPEM()).first)
            der[der.count - 1] ^= 1
            let text = Data(der).base64EncodedString(options: .lineLength64Characters)
            return
                "-----BEGIN CERTIFICATE REQUEST-----\n\(text)\n-----END CERTIFICATE REQUEST-----\n"
        case "huge":
            return try KeyPair.make().csrPEM() + String(repeating: "\n", count: 8 << 10)
        case "garbage": return "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n"
        case "a certificate": return made.rootPEM
        default: return ""
        }
    }

    @Test("a certificate, a key and a root that do not belong together are refused")
    func mixedUp() async throws {
        let other = try Authority.create(
            cluster: Forge.cluster, passphrase: Founded.passphrase, now: now)
        let mixtures = [
            (other.rootPEM, made.intermediatePEM, made.intermediateKeyPEM),
            (made.rootPEM, other.intermediatePEM, made.intermediateKeyPEM),
            (made.rootPEM, made.intermediatePEM, other.intermediateKeyPEM),
            (made.rootPEM, made.intermediatePEM, Secret("garbage")),
            ("", made.intermediatePEM, made.intermediateKeyPEM),
        ]
        for (root, intermediate, key) in mixtures {
            let failure = try await failure {
                _ = try Authority(
                    rootPEM: root, intermediatePEM: intermediate, intermediateKeyPEM: key)
            }
            #expect(failure.code == .invalid)
            #expect(failure.message.hasPrefix("opening the certificate authority: "))
            #expect(failure.fix.contains("backup"))
        }
    }

    @Test("the root key opens with its passphrase and with no other")
    func rootKey() async throws {
        #expect(made.rootKeyPEM.hasPrefix("-----BEGIN ENCRYPTED PRIVATE KEY-----"))
        try workshop.write("root.key", made.rootKeyPEM)
        try workshop.write("root.pem", made.rootPEM)
        let phrase = Founded.passphrase.reveal()
        let key = try await workshop.openssl(
            "pkey", "-in", "root.key", "-passin", "pass:\(phrase)", "-pubout")
        let certified = try await workshop.openssl("x509", "-in", "root.pem", "-noout", "-pubkey")
        #expect(key == certified)
        for wrong in ["", "correct horse battery staplE"] {
            await #expect(throws: Failure.self) {
                try await workshop.openssl("pkey", "-in", "root.key", "-passin", "pass:\(wrong)")
            }
        }
        let parameters = try await workshop.openssl("asn1parse", "-in", "root.key")
        #expect(parameters.contains("aes-256-cbc") && parameters.contains("hmacWithSHA256"))
    }
}
