import Foundation
import Model
import Support

@testable import Trust

/// Bundles made by the `openssl` command, good and broken. Made once: keys take time.
actor Bundles {
    static let shared = Bundles()

    struct Material: Sendable {
        var key: String
        var chain: String
        var roots: String
        /// When all of it is valid: the command dates by the machine's clock.
        let now: Date

        /// When the good certificate begins and ends, as people are told.
        var dates: (from: String, until: String) {
            get async throws {
                let facts = try await CertificateFacts(pem: Bundles.shared.read("leaf.pem"))
                return (
                    facts.notBefore.formatted(.iso8601), facts.notAfter.formatted(.iso8601)
                )
            }
        }
    }

    private var made: Task<[String: String], any Error>?

    /// The good one: an EC key, its certificate and the intermediate.
    func good() async throws -> Material {
        Material(
            key: try await read("leaf.key"), chain: try await read("leaf.pem") + read("ca.pem"),
            roots: try await read("root.pem"),
            now: try await CertificateFacts(pem: read("leaf.pem")).notBefore
                .addingTimeInterval(3600))
    }

    /// The file of that name. Throws `notFound` if none was made.
    func read(_ name: String) async throws -> String {
        let making = made ?? Task { try await Self.make() }
        made = making
        guard let text = try await making.value[name] else {
            throw Failure(.notFound, "reading \(name): the workshop made no such file")
        }
        return text
    }

    private static let settings = """
        [req]
        distinguished_name = req
        [ca]
        basicConstraints = critical,CA:TRUE
        keyUsage = critical,keyCertSign
        subjectAltName = DNS:chat.example.org
        [leaf]
        subjectAltName = DNS:chat.example.org,DNS:www.example.org
        extendedKeyUsage = serverAuth
        [wildcard]
        subjectAltName = DNS:*.example.org
        [other]
        subjectAltName = DNS:chat.example.net,DNS:example.org
        [nameless]
        extendedKeyUsage = serverAuth
        [client]
        subjectAltName = DNS:chat.example.org
        extendedKeyUsage = clientAuth

        """

    private static func make() async throws -> [String: String] {
        let workshop = try Workshop()
        try workshop.write("cnf", settings)
        let curve = ["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
        try await workshop.certificate("root", section: "ca", key: curve)
        try await workshop.certificate("ca", section: "ca", key: curve, issuer: "root")
        for section in ["leaf", "wildcard", "other", "nameless", "client"] {
            try await workshop.certificate(section, section: section, key: curve, issuer: "ca")
        }
        try await workshop.certificate("rsa", section: "leaf", key: ["rsa:2048"], issuer: "ca")
        try await workshop.certificate("weak", section: "leaf", key: ["rsa:1024"], issuer: "ca")
        try await workshop.certificate("otherca", section: "ca", key: curve, issuer: "root")
        try await workshop.openssl(
            "pkcs8", "-topk8", "-in", "leaf.key", "-out", "pkcs8.key", "-passout", "pass:secret")
        try await workshop.openssl(
            "ec", "-aes256", "-in", "leaf.key", "-out", "legacy.key", "-passout", "pass:secret")
        return try workshop.contents()
    }
}

extension Workshop {
    /// A key and its certificate, signed by `issuer` or by itself.
    fileprivate func certificate(
        _ name: String, section: String, key: [String], issuer: String? = nil
    ) async throws {
        let signer = issuer.map { ["-CA", "\($0).pem", "-CAkey", "\($0).key"] } ?? []
        try await openssl(
            ["req", "-x509", "-days", "30", "-nodes", "-subj", "/CN=chat.example.org \(name)"]
                + ["-config", "cnf", "-extensions", section, "-newkey"] + key
                + ["-keyout", "\(name).key", "-out", "\(name).pem"] + signer)
    }
}
