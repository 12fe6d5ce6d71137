import Model
import Outside
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

    @Test("the CA is read from the renewal file")
    func server() {
        let text = "[renewalparams]\naccount = 1\nserver = https://127.0.0.1:14000/dir\n"
        #expect(Certbot.server(inRenewalFile: text) == "https://127.0.0.1:14000/dir")
        #expect(Certbot.server(inRenewalFile: "[renewalparams]\n") == nil)
    }

    /// Recorded from certbot 2.1.0 with pebble 2.4.0.
    static let recorded: [(output: String, log: String, kind: CertbotTrouble.Kind)] = [
        ("Another instance of Certbot is already running.", "", .busy),
        ("OSError: [Errno 28] No space left on device", "", .diskFull),
        ("Could not bind TCP port 8402 because it is already in use", "", .portTaken),
        ("ValueError: Requesting 127.0.0.1/dir: Connection refused", "", .unreachableCA),
        ("acme.errors.ClientError: <Response [503]>", "", .unreachableCA),
        ("Failed to establish: [Errno -2] Name or service not known", "", .unresolvableCA),
        ("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed", "", .untrustedCA),
        ("  Domain: x\n  Type:   unauthorized\n  Detail: 404", "", .unauthorized),
        ("  Domain: x\n  Type:   connection\n  Detail: connect: refused", "", .connection),
        ("  Domain: x\n  Type:   dns\n  Detail: NXDOMAIN", "", .dns),
        (
            "AttributeError: can't set attribute",
            #"{ "type": "urn:ietf:params:acme:error:rejectedIdentifier" }"#, .rejectedName
        ),
        (
            "AttributeError: can't set attribute",
            #"{"type":"urn:ietf:params:acme:error:rateLimited"}"#, .rateLimited
        ),
        ("acme.messages.Error: urn:ietf:params:acme:error:caa :: CAA", "", .caa),
        ("Segmentation fault", "", .other),
    ]

    @Test(
        "each trouble is told from certbot's words, also where certbot hides it",
        arguments: recorded)
    func troubles(output: String, log: String, kind: CertbotTrouble.Kind) {
        let trouble = CertbotTrouble(Finished(ending: .exited(1), output: output), log: log)
        #expect(trouble.kind == kind)
        #expect(trouble.failure(for: spec).message.contains("chat.example.test"))
    }

    @Test("the CA's own words and its Retry-After reach the person")
    func details() {
        let log = """
            HTTP 429
            Retry-After: 3600

            {
              "type": "urn:ietf:params:acme:error:rateLimited",
              "detail": "too many certificates for \\"example.test\\"",
            }
            """
        let trouble = CertbotTrouble(
            Finished(ending: .exited(1), output: "AttributeError: can't set attribute"), log: log)
        #expect(trouble.detail == "too many certificates for 'example.test'")
        #expect(trouble.retryAfter == .seconds(3600))
    }

    @Test("the advice that closes every failure is not taken for its reason")
    func advice() {
        let errors = """
            ValueError: Requesting 127.0.0.1/dir: Connection refused
            Ask for help or search for solutions at https://community.letsencrypt.org. See the \
            logfile /var/log/letsencrypt/letsencrypt.log
            """
        let trouble = CertbotTrouble(Finished(ending: .exited(1), errors: errors), log: "")
        let reason = "ValueError: Requesting 127.0.0.1/dir: Connection refused"
        #expect(trouble.detail == "exit 1: \(reason)")
    }
}
