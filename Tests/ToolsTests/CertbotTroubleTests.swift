import Model
import Outside
import Testing

@testable import Tools

@Suite struct CertbotTroubleTests {
    private func spec(_ type: KeyType = .ecdsa) -> CertificateSpec {
        CertificateSpec(
            domain: DomainName(unchecked: "chat.example.test"), email: "ops@example.test",
            directory: "https://acme.example.test/dir", keyType: type, keyTypes: [type])
    }

    private func trouble(_ output: String, log: String = "") -> CertbotTrouble {
        CertbotTrouble(Finished(ending: .exited(1), output: output), log: log)
    }

    /// What certbot printed or logged.
    enum Words: Sendable, CustomTestStringConvertible {
        case printed(String)
        case challenge(type: String)
        /// A problem document of RFC 8555 §6.7 in the log, behind an error of certbot 2.1's own.
        case problem(String)

        var testDescription: String {
            switch self {
            case .printed(let text), .challenge(let text), .problem(let text): text
            }
        }

        var output: String {
            switch self {
            case .printed(let text): text
            case .challenge(let type):
                "  Domain: x\n  Type:   \(type)\n  Detail: why\nSome challenges have failed.\n"
            case .problem: "AttributeError: can't set attribute"
            }
        }

        var log: String {
            guard case .problem(let type) = self else { return "" }
            return #"{ "type": "urn:ietf:params:acme:error:\#(type)", "detail": "why" }"#
        }
    }

    /// Every row of certbot 2.1.0's and 5.8.0's troubles with pebble, as they were recorded.
    static let recorded: [(words: Words, kind: CertbotTrouble.Kind)] = [
        (.printed("Another instance of Certbot is already running."), .busy),
        (.printed("OSError: [Errno 28] No space left on device"), .diskFull),
        (.printed("OSError: [Errno 30] Read-only file system: '/etc/letsencrypt'"), .diskReadOnly),
        (.printed("Could not bind TCP port 8402 because it is already in use"), .portTaken),
        (.printed("live directory exists for chat.example.test"), .brokenFolder),
        (.printed("archive directory exists for chat.example.test"), .brokenFolder),
        (.printed("0 renew failure(s), 1 parse failure(s)"), .brokenFolder),
        (.printed("ValueError: Requesting 127.0.0.1/dir: Connection refused"), .unreachableCA),
        (.printed("requests.exceptions.ConnectionError: Max retries"), .unreachableCA),
        (.printed("acme.errors.ClientError: <Response [503]>"), .unreachableCA),
        (.printed("[Errno -2] Name or service not known"), .unresolvableCA),
        (.printed("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed"), .untrustedCA),
        (.challenge(type: "unauthorized"), .unauthorized),
        (.challenge(type: "connection"), .connection),
        (.challenge(type: "dns"), .dns),
        (.printed("acme.messages.Error: urn:ietf:params:acme:error:caa :: CAA"), .caa),
        (.printed("Segmentation fault"), .other),
    ]

    /// All problem types of RFC 8555 §6.7 that an order or an account can meet.
    static let problems: [(words: Words, kind: CertbotTrouble.Kind)] = [
        (.problem("accountDoesNotExist"), .account), (.problem("badCSR"), .other),
        (.problem("badNonce"), .unreachableCA),
        (.problem("badPublicKey"), .other), (.problem("badSignatureAlgorithm"), .other),
        (.problem("caa"), .caa),
        (.problem("compound"), .other), (.problem("connection"), .connection),
        (.problem("dns"), .dns),
        (.problem("externalAccountRequired"), .externalAccount),
        (.problem("incorrectResponse"), .unauthorized),
        (.problem("invalidContact"), .account), (.problem("malformed"), .other),
        (.problem("orderNotReady"), .other),
        (.problem("rateLimited"), .rateLimited), (.problem("rejectedIdentifier"), .rejectedName),
        (.problem("serverInternal"), .unreachableCA), (.problem("tls"), .connection),
        (.problem("unauthorized"), .unauthorized),
        (.problem("unsupportedContact"), .account),
        (.problem("unsupportedIdentifier"), .rejectedName),
        (.problem("userActionRequired"), .account),
    ]

    @Test(
        "each trouble is told from certbot's words, also where certbot hides it",
        arguments: recorded + problems)
    func troubles(words: Words, kind: CertbotTrouble.Kind) {
        #expect(trouble(words.output, log: words.log).kind == kind)
    }

    /// What a person reads after `asking CA for a certificate for NAME: `, and types next.
    static let sentences: [(CertbotTrouble.Kind, Failure.Code, what: String, fix: String)] = [
        (
            .busy, .unavailable, "another certbot is at work",
            "wait, it is tried again by itself; if that one stays, see `pgrep -a certbot`"
        ),
        (.diskFull, .failed, "the disk is full (why)", "free space on the node, see `df -h`"),
        (
            .diskReadOnly, .failed, "a disk takes no writes (why)",
            "see in `dmesg` on the node why it is read-only, see `findmnt`"
        ),
        (
            .portTaken, .conflict, "another program has certbot's port (why)",
            "stop it; `ss -ltnp sport = :8402` on the node says who it is"
        ),
        (
            .brokenFolder, .conflict, "certbot's own folder is not as it left it (why)",
            "move live/chat.example.test, archive/chat.example.test and "
                + "renewal/chat.example.test.conf out of /etc/letsencrypt on the node"
        ),
        (
            .untrustedCA, .unauthorized, "the node does not trust the CA's own certificate (why)",
            "name its root in `certificate.acme.caFile`, and check the node's clock: `timedatectl`"
        ),
        (
            .unresolvableCA, .unavailable, "the CA's name does not resolve on the node (why)",
            "check the node's DNS: `getent hosts acme.example.test`"
        ),
        (
            .unreachableCA, .unavailable, "the CA cannot be reached or is in trouble (why)",
            "check the node's way out: `curl -I https://acme.example.test/dir`"
        ),
        (
            .rateLimited, .unavailable, "the CA's rate limit is reached (why)",
            "wait; it is tried again by itself"
        ),
        (
            .rejectedName, .invalid, "the CA will not issue for this name (why)",
            "ask the CA, or use another domain"
        ),
        (
            .caa, .unauthorized, "a CAA record forbids this CA (why)",
            "allow it in what `dig CAA chat.example.test` shows, or in the record of a name above"
        ),
        (
            .dns, .failed, "the CA could not resolve the name (why)",
            "check the A, AAAA and CAA records of chat.example.test"
        ),
        (
            .connection, .failed, "the CA could not reach this node on port 80 (why)",
            "open port 80 and check where the A and AAAA records of chat.example.test point"
        ),
        (
            .unauthorized, .failed, "the CA got a wrong answer on port 80 (why)",
            "check that the A and AAAA records of chat.example.test lead to this node"
        ),
        (
            .account, .invalid, "the CA refused the account (why)",
            "check `certificate.email` and `certificate.acme.directory`, and do what the CA says"
        ),
        (
            .externalAccount, .unsupported, "the CA wants an account that it made beforehand (why)",
            "name a CA in `certificate.acme.directory` that takes new accounts"
        ),
        (
            .other, .failed, "certbot failed (why)",
            "read /var/log/letsencrypt/letsencrypt.log on the node, or `jeeves logs NODE "
                + "--source certbot`"
        ),
    ]

    @Test(
        "each kind of trouble has its own sentence, and says what to type next",
        arguments: sentences)
    func sentence(
        of kind: CertbotTrouble.Kind, code: Failure.Code, what: String, fix: String
    ) throws {
        let words = try #require((Self.recorded + Self.problems).first { $0.kind == kind }?.words)
        let found = trouble(words.output + "\n  Detail: why\n", log: words.log)
        #expect(
            found.failure(for: spec())
                == Failure(
                    code,
                    "asking https://acme.example.test/dir for a certificate for chat.example.test: "
                        + what, fix: fix))
        #expect(found.isBusy == (kind == .busy))
    }

    @Test("no kind of trouble is without an example and a sentence") func complete() {
        let all = Set(CertbotTrouble.Kind.allCases)
        #expect(Set((Self.recorded + Self.problems).map(\.kind)) == all)
        #expect(Set(Self.sentences.map(\.0)) == all)
    }

    @Test("RSA's own lineage is the one to move away")
    func lineage() {
        let failure = trouble("live directory exists").failure(for: spec(.rsa))
        #expect(failure.fix.hasPrefix("move live/chat.example.test-rsa, archive/chat"))
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
        let trouble = trouble("AttributeError: can't set attribute", log: log)
        #expect(trouble.detail == "too many certificates for 'example.test'")
        #expect(trouble.retryAfter == .seconds(3600))
    }

    @Test("a Retry-After that is a date counts from the CA's own date")
    func dates() {
        func wait(_ retryAfter: String, _ date: String?) -> Duration? {
            let lines = ["HTTP 429", date.map { "Date: \($0)" }, "Retry-After: \(retryAfter)"]
            return trouble("", log: lines.compactMap(\.self).joined(separator: "\n")).retryAfter
        }
        let date = "Sun, 06 Nov 1994 08:49:37 GMT"
        #expect(wait("Sun, 06 Nov 1994 10:49:37 GMT", date) == .seconds(7200))
        #expect(wait("Sun, 06 Nov 1994 07:49:37 GMT", date) == .zero)
        #expect(wait("Sun, 06 Nov 2094 07:49:37 GMT", date) == .seconds(7 * 86_400))
        #expect(wait("Sun, 06 Nov 1994 10:49:37 GMT", nil) == nil)
        #expect(wait("soon", date) == nil)
        #expect(wait("-1", date) == nil)
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
