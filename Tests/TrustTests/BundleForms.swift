import Foundation

@testable import Trust

extension BundleTests.Form {
    private static let day: TimeInterval = 86400

    /// The key and certificate of that name, with the good intermediate.
    private static func pair(_ name: String)
        -> @Sendable (inout Bundles.Material) async throws -> Void
    {
        { material in
            material.key = try await Bundles.shared.read("\(name).key")
            material.chain =
                try await Bundles.shared.read("\(name).pem") + Bundles.shared.read("ca.pem")
        }
    }

    private static func key(_ name: String)
        -> @Sendable (inout Bundles.Material) async throws -> Void
    {
        { $0.key = try await Bundles.shared.read(name) }
    }

    static let good = [
        Self("as certbot writes it") { _ in },
        Self("an RSA key", "", pair("rsa")),
        Self("a wildcard certificate", "", pair("wildcard")),
        Self("CRLF line ends") {
            $0.chain = $0.chain.replacingOccurrences(of: "\n", with: "\r\n")
            $0.key = $0.key.replacingOccurrences(of: "\n", with: "\r\n")
        },
        Self("byte order marks") {
            $0.chain = "\u{FEFF}" + $0.chain
            $0.key = "\u{FEFF}" + $0.key
        },
        Self("no newline at the ends") {
            $0.chain.removeLast()
            $0.key.removeLast()
        },
        Self("text between the certificates") { $0.chain = "subject=x\n\n" + $0.chain },
        Self("the root in the chain too") { $0.chain += $0.roots },
    ]

    private static let encrypted =
        "its private key is encrypted, and nobody is there to type a passphrase"

    static let broken = [
        Self("the key of another certificate", "its private key belongs to another certificate") {
            $0.key = try await Bundles.shared.read("wildcard.key")
        },
        Self(
            "an RSA key beside an EC certificate", "its private key belongs to another certificate"
        ) {
            $0.key = try await Bundles.shared.read("rsa.key")
        },
        Self("an encrypted key", encrypted, key("pkcs8.key")),
        Self("a key encrypted the old way", encrypted, key("legacy.key")),
        Self("no key", "its private key cannot be read") { $0.key = "" },
        Self("a certificate for a key", "its private key cannot be read") { $0.key = $0.chain },
        Self("a truncated key", "its private key cannot be read") {
            $0.key = String($0.key.prefix(100))
        },
        Self(
            "a key too weak to serve", "a TLS server would not take it: ee key too small",
            pair("weak")),
        Self("garbage", "there is no certificate in it") {
            $0.chain = String(repeating: "garbage\n", count: 100)
        },
        Self("parameters of Diffie-Hellman beside it", "there is a block of DH PARAMETERS in it") {
            $0.chain += "-----BEGIN DH PARAMETERS-----\nAAAA\n-----END DH PARAMETERS-----\n"
        },
        Self("a key in the chain", "there is a block of PRIVATE KEY in it") {
            $0.chain = $0.key + $0.chain
        },
        Self("only a key", "there is no certificate in it") { $0.chain = "" },
        Self("a truncated certificate", "a certificate in it cannot be read") {
            $0.chain = String($0.chain.prefix(300))
        },
        Self("a truncated intermediate", "a certificate in it cannot be read") {
            $0.chain = String($0.chain.dropLast(100))
        },
        Self("a damaged certificate", "a certificate in it cannot be read") {
            $0.chain = $0.chain.replacingOccurrences(of: "MII", with: "AAA")
        },
        Self("far too much", "it is larger than 256.0 KiB") {
            $0.chain += String(repeating: "#\n", count: 200_000)
        },
        Self("the intermediate first", "a CA certificate comes before the one for the domain") {
            $0.chain = try await Bundles.shared.read("ca.pem") + Bundles.shared.read("leaf.pem")
        },
        Self("no intermediate", "its chain does not verify: unable to get local issuer certificate")
        {
            $0.chain = try await Bundles.shared.read("leaf.pem")
        },
        Self(
            "another intermediate",
            "its chain does not verify: unable to get local issuer certificate"
        ) {
            $0.chain =
                try await Bundles.shared.read("leaf.pem") + Bundles.shared.read("otherca.pem")
        },
        Self(
            "roots that do not know it",
            "its chain does not verify: unable to get local issuer certificate"
        ) {
            $0.roots = try Forge(root: "elsewhere").pem
        },
        Self(
            "the system's roots, which do not know it",
            "its chain does not verify: unable to get local issuer certificate"
        ) {
            $0.roots = ""
        },
        Self(
            "a client's certificate", "its chain does not verify: unsuitable certificate purpose",
            pair("client")),
        Self(
            "names of another site",
            "it is for chat.example.net, example.org, not for chat.example.org", pair("other")),
        Self(
            "a name that is only the subject's", "it is for no name, not for chat.example.org",
            pair("nameless")),
        Self("a certificate of tomorrow", "it is valid only from FROM on", after: -day) { _ in },
        Self("a certificate of last month", "it expired at UNTIL", after: 31 * day) { _ in },
    ]
}
