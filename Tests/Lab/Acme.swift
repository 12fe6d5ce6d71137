import Foundation
import Model

/// The files of the ACME authority (pebble) and of the small CA behind its own HTTPS.
struct Acme {
    static let folder = "\(Layout.run)/acme"
    static let configuration = "\(folder)/pebble.json"
    /// As Let's Encrypt's: 90 days.
    static let validitySeconds = 7_776_000

    let host: Host

    func write() async throws {
        try makeFolder(Acme.folder)
        try await host.output(
            "openssl",
            [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-keyout", "\(Acme.folder)/ca.key", "-out", Layout.acmeServerCA, "-days", "30",
                "-subj", "/CN=Lab authority of the ACME server",
            ])
        try await host.output(
            "openssl",
            [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-keyout", "\(Acme.folder)/api.key", "-out", "\(Acme.folder)/api.pem",
                "-days", "30", "-subj", "/CN=acme", "-CA", Layout.acmeServerCA,
                "-CAkey", "\(Acme.folder)/ca.key",
                "-addext", "basicConstraints=critical,CA:FALSE",
                "-addext", "subjectAltName=IP:\(Layout.Address.acme)",
            ])
        try writeFile(configuration, to: Acme.configuration)
    }

    private var configuration: String {
        """
        {"pebble": {
          "listenAddress": "\(Layout.Address.acme):\(Layout.acmePort)",
          "managementListenAddress": "\(Layout.Address.acme):\(Layout.acmeManagementPort)",
          "certificate": "\(Acme.folder)/api.pem",
          "privateKey": "\(Acme.folder)/api.key",
          "httpPort": 80,
          "tlsPort": 443,
          "ocspResponderURL": "",
          "externalAccountBindingRequired": false,
          "certificateValidityPeriod": \(Acme.validitySeconds),
          "retryAfter": {"authz": 1, "order": 1}
        }}

        """
    }

    /// Saves the root of what it issues; it is a new one at each start.
    func saveRoot() async throws {
        let url = "https://\(Layout.Address.acme):\(Layout.acmeManagementPort)/roots/0"
        let root = try await host.output(
            "nsenter",
            [
                "--net=\(Layout.namespacePath)", "curl", "--silent", "--show-error", "--fail",
                "--cacert", Layout.acmeServerCA, url,
            ])
        try writeFile(root, to: Layout.acmeRoot)
    }
}
