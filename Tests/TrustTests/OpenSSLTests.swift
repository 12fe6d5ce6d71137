import FoundationEssentials
import Model
import Testing

@testable import Trust

/// Nobody is there to type a passphrase: what asks for one must be refused, not waited for.
struct OpenSSLTests {
    /// RFC 1421 §4.6.1.1, as OpenSSL still reads it in front of any PEM.
    private let header =
        "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00112233445566778899AABBCCDDEEFF\n\n"

    @Test("a certificate that claims to be encrypted is not read")
    func encryptedCertificate() throws {
        let root = try Founded.authority.get().rootPEM
        #expect(OpenSSL.withCertificates(of: root) { $0.count } == 1)
        let mark = "-----BEGIN CERTIFICATE-----\n"
        let encrypted = root.replacing(mark, with: mark + header)
        #expect(OpenSSL.withCertificates(of: encrypted) { $0.count } == 0)
    }

    @Test("an encrypted key is not read")
    func encryptedKey() throws {
        let key = try Founded.authority.get().rootKeyPEM
        OpenSSL.withKey(of: key) { #expect($0 == nil) }
    }

    @Test("a key is not encrypted with an empty passphrase")
    func emptyPassphrase() {
        let failure = #expect(throws: Failure.self) {
            try Authority.create(cluster: Forge.cluster, passphrase: Secret(""), now: Forge.start)
        }
        #expect(failure?.code == .invalid)
    }

    @Test("a root of our own that cannot be read is told apart from a bad peer")
    func damagedRoot() async throws {
        let root = try Forge(root: "prod root")
        let chain = [try Authority.der(root.certificate)]
        let failure = await #expect(throws: Failure.self) {
            try await PeerPolicy.checkAgent(
                chain, cluster: Forge.cluster, rootPEM: "damaged", denied: [], now: Forge.start)
        }
        #expect(failure?.code == .invalid)
    }
}
