import Model
import Support
import Testing

@testable import Trust

struct IdentityTests {
    @Test(
        "an identity is what its URI says",
        arguments: [
            Identity.agent(Forge.cluster, Forge.node), .coordinator(Forge.cluster),
        ])
    func roundTrip(identity: Identity) { #expect(Identity(uri: identity.uri) == identity) }

    @Test("the URIs are those of the design")
    func uris() {
        #expect(
            Identity.agent(Forge.cluster, Forge.node).uri == "spiffe://prod/agent/controller-1")
        #expect(Identity.coordinator(Forge.cluster).uri == "spiffe://prod/coordinator")
    }

    @Test(
        "a URI that is not exactly one of ours is nobody",
        arguments: [
            "", "spiffe://", "spiffe:///coordinator", "spiffe://prod", "spiffe://prod/",
            "spiffe://prod/agent", "spiffe://prod/agent/", "spiffe://prod/agent/a/b",
            "spiffe://prod/agent/../x", "spiffe://prod/agent/a%2fb", "spiffe://prod/agent/A",
            "spiffe://prod/agent/a\n", "spiffe://prod/agent/a?x", "spiffe://prod/agent/a#x",
            "spiffe://prod/coordinator/", "spiffe://prod/coordinator/x",
            "spiffe://prod//coordinator",
            "SPIFFE://prod/coordinator", "https://prod/coordinator", "spiffe://u@prod/coordinator",
            "spiffe://prod:1/coordinator", "spiffe://pr.od/coordinator", "spiffe://prod/operator",
            " spiffe://prod/coordinator",
        ])
    func nobody(uri: String) { #expect(Identity(uri: uri) == nil) }

    @Test("a request is signed by its key and names nobody")
    func request() async throws {
        let workshop = try Workshop()
        let pair = try KeyPair.make()
        try workshop.write("csr.pem", pair.csrPEM())
        let text = try await workshop.openssl(
            "req", "-in", "csr.pem", "-verify", "-noout", "-text")
        #expect(text.contains("prime256v1"))
        #expect(!text.contains("CN ="))
        #expect(try KeyPair(keyPEM: pair.keyPEM).keyPEM == pair.keyPEM)
    }

    @Test("a key of another kind is refused", arguments: ["rsa", "p384", "garbage"])
    func otherKeys(kind: String) async throws {
        let workshop = try Workshop()
        switch kind {
        case "rsa": try await workshop.openssl("genrsa", "-out", "key", "2048")
        case "p384":
            try await workshop.openssl(
                "ecparam", "-name", "secp384r1", "-genkey", "-noout", "-out", "key")
        default: try workshop.write("key", "-----BEGIN PRIVATE KEY-----\nAAAA\n")
        }
        let pem = try workshop.read("key")
        let failure = try await failure { _ = try KeyPair(keyPEM: Secret(pem)) }
        #expect(failure.code == .invalid)
    }
}
