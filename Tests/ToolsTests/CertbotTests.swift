import Model
import Testing

@testable import Tools

@Suite struct CertbotTests {
    let spec = CertificateSpec(
        domain: DomainName(unchecked: "chat.example.test"), email: "ops@example.test",
        directory: "https://acme.example.test/dir")

    @Test("the command is exactly the one that was run by hand")
    func argv() {
        let command = Certbot().issue(spec, caFile: "/var/lib/jeeves/acme-ca.pem", forcing: false)
        #expect(command.program == "certbot")
        #expect(
            command.arguments == [
                "certonly", "-n", "--agree-tos", "--email", "ops@example.test", "--no-eff-email",
                "--server", "https://acme.example.test/dir", "--config-dir", "/etc/letsencrypt",
                "--work-dir", "/var/lib/letsencrypt", "--logs-dir", "/var/log/letsencrypt",
                "--max-log-backups", "10", "--keep-until-expiring", "--standalone",
                "--preferred-challenges", "http-01", "--http-01-port", "8402",
                "--http-01-address", "127.0.0.1", "--key-type", "ecdsa", "--cert-name",
                "chat.example.test", "--domain=chat.example.test",
            ])
        #expect(command.environment["REQUESTS_CA_BUNDLE"] == "/var/lib/jeeves/acme-ca.pem")
        let forced = Certbot().issue(spec, caFile: nil, forcing: true)
        #expect(forced.arguments.contains("--force-renewal"))
        #expect(!forced.arguments.contains("--keep-until-expiring"))
        #expect(forced.environment["REQUESTS_CA_BUNDLE"] == nil)
    }

    @Test("RSA has a lineage of its own for the same name")
    func rsa() {
        let certbot = Certbot()
        let command = certbot.issue(
            CertificateSpec(
                domain: spec.domain, email: spec.email, directory: spec.directory, keyType: .rsa,
                keyTypes: [.ecdsa, .rsa]), caFile: nil, forcing: false)
        #expect(
            command.arguments.suffix(6)
                == [
                    "--key-type", "rsa", "--rsa-key-size", "2048", "--cert-name",
                    "chat.example.test-rsa", "--domain=chat.example.test",
                ].suffix(6))
        #expect(
            certbot.live(.key, of: spec.domain, .rsa)
                == "/etc/letsencrypt/live/chat.example.test-rsa/privkey.pem")
        #expect(
            certbot.renewalFile(of: spec.domain, .rsa)
                == "/etc/letsencrypt/renewal/chat.example.test-rsa.conf")
    }

    @Test("a live link names its generation, and nothing else does")
    func generations() {
        let certbot = Certbot()
        let target = "../../archive/chat.example.test/privkey12.pem"
        #expect(certbot.generation(of: .key, target: target) == 12)
        #expect(certbot.generation(of: .chain, target: target) == nil)
        #expect(certbot.generation(of: .key, target: "/tmp/privkey.pem") == nil)
    }

    @Test("an account is looked up where certbot keeps it")
    func account() throws {
        #expect(
            Certbot().accounts(at: "https://127.0.0.1:14000/dir")
                == "/etc/letsencrypt/accounts/127.0.0.1:14000/dir")
        let text = #"{"body": {}, "uri": "https://127.0.0.1:14000/my-account/1"}"#
        #expect(
            try Certbot.account(inRegistration: Array(text.utf8))
                == "https://127.0.0.1:14000/my-account/1")
        #expect(throws: Failure.self) { try Certbot.account(inRegistration: []) }
    }

    @Test("the CA is read from the renewal file")
    func server() {
        let text = "[renewalparams]\naccount = 1\nserver = https://127.0.0.1:14000/dir\n"
        #expect(Certbot.server(inRenewalFile: text) == "https://127.0.0.1:14000/dir")
        #expect(Certbot.server(inRenewalFile: "[renewalparams]\n") == nil)
    }
}
