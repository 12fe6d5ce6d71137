import Foundation
import Model
import Support
import Testing

@testable import Trust

struct CertificateFactsTests {
    @Test(
        "the facts are those that OpenSSL reads",
        arguments: ["0x01", "0x7f00aa", "0xf0e1d2c3b4a5968778695a4b3c2d1e0f00112233"])
    func sameAsOpenSSL(serial: String) async throws {
        let workshop = try Workshop()
        try await workshop.openssl(
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-subj", "/CN=only the subject", "-days", "90", "-set_serial", serial, "-addext",
            "subjectAltName=DNS:chat.example.org,DNS:*.example.org,IP:127.0.0.1", "-keyout", "key",
            "-out", "cert")
        let facts = try CertificateFacts(pem: workshop.read("cert"))
        let lines = try await workshop.openssl(
            "x509", "-in", "cert", "-noout", "-serial", "-fingerprint", "-sha256", "-dates",
            "-dateopt", "iso_8601"
        ).split(separator: "\n").map { String($0.drop { $0 != "=" }.dropFirst()) }
        try #require(lines.count == 4)
        #expect(facts.serialHex == lines[0].lowercased())
        #expect(facts.sha256.rawValue == lines[1].filter { $0 != ":" }.lowercased())
        func seconds(_ date: Date) -> String {
            date.formatted(.iso8601).replacingOccurrences(of: "T", with: " ")
        }
        #expect(seconds(facts.notBefore) == lines[2])
        #expect(seconds(facts.notAfter) == lines[3])
        #expect(facts.names == ["chat.example.org", "*.example.org"])
        #expect(facts.issuer.contains("only the subject"))
    }

    @Test("one is older only than a later one of the same CA: another dates them back as it likes")
    func age() throws {
        let (one, other) = (try Forge(root: "one"), try Forge(root: "other"))
        func leaf(of root: Forge, _ seconds: TimeInterval) throws -> CertificateFacts {
            try CertificateFacts(
                pem: root.sign(
                    Forge.Wish(from: Forge.start.addingTimeInterval(seconds))
                ).pem)
        }
        let (old, new) = (try leaf(of: one, -120), try leaf(of: one, -60))
        #expect(old.isOlder(than: new))
        #expect(!new.isOlder(than: old))
        #expect(!old.isOlder(than: old))
        #expect(try !old.isOlder(than: leaf(of: other, -60)))
    }

    @Test("the kind of key is told, and the CA by its organisation where it has one")
    func kinds() async throws {
        let workshop = try Workshop()
        for (name, key, subject) in [
            ("rsa", ["rsa:2048"], "/O=Chat CA/CN=E7"),
            ("ec", ["ec", "-pkeyopt", "ec_paramgen_curve:secp384r1"], "/CN=only a name"),
            ("ed", ["ed25519"], "/CN=x"),
        ] {
            try await workshop.openssl(
                ["req", "-x509", "-nodes", "-subj", subject, "-keyout", "\(name).key", "-out"]
                    + ["\(name).pem", "-newkey"] + key)
        }
        let rsa = try CertificateFacts(pem: workshop.read("rsa.pem"))
        let curve = try CertificateFacts(pem: workshop.read("ec.pem"))
        #expect([rsa.keyType, curve.keyType] == [.rsa, .ecdsa])
        #expect(try CertificateFacts(pem: workshop.read("ed.pem")).keyType == nil)
        #expect(rsa.authority == "Chat CA")
        #expect(curve.authority == curve.issuer)
    }

    @Test("the first certificate of a text counts, whatever stands before it")
    func first() throws {
        let (one, other) = (try Forge(root: "one"), try Forge(root: "other"))
        let facts = try CertificateFacts(pem: "# a comment\n" + one.pem + other.pem)
        #expect(facts == (try CertificateFacts(der: one.der)))
    }

    @Test(
        "what is not a certificate is refused",
        arguments: [
            "", "garbage", "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----",
            "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----",
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
            "-----END CERTIFICATE-----\n-----BEGIN CERTIFICATE-----",
        ])
    func refused(pem: String) {
        #expect { try CertificateFacts(pem: pem) } throws: { ($0 as? Failure)?.code == .invalid }
    }

    @Test("a certificate cut short anywhere is refused, never a crash")
    func truncated() throws {
        let der = try Forge(root: "x").der
        for length in 0..<der.count {
            #expect(throws: Failure.self) { try CertificateFacts(der: Array(der.prefix(length))) }
        }
    }
}
