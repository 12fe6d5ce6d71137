import FoundationEssentials
import Model
import Support
import Testing

@testable import Coordinator

@Suite struct RedactorTests {
    @Test("a secret that is known goes wherever it stands and however it is written")
    func known() {
        let secret = "p\"a/ss\nword"
        let redactor = Redactor([Secret(secret)])
        #expect(redactor.clean("x\(secret)y") == "x[redacted]y")
        #expect(redactor.clean(#"{"x":"p\"a/ss\nword"}"#) == #"{"x":"[redacted]"}"#)
        let encoded = Data(secret.utf8).base64EncodedString()
        #expect(redactor.clean("data: \(encoded)") == "data: [redacted]")
        #expect(redactor.clean("nothing of it, käse 日本") == "nothing of it, käse 日本")
    }

    @Test("a secret goes where Go has written it as JSON")
    func knownInGo() {
        let redactor = Redactor([Secret("a&b<c>d\"e")])
        #expect(
            redactor.clean(#"{"x":"a\u0026b\u003cc\u003ed\"e"}"#) == #"{"x":"[redacted]"}"#)
        #expect(redactor.clean(#"{"x":"a&b<c>d\"e"}"#) == #"{"x":"[redacted]"}"#)
    }

    @Test("of two secrets that begin alike the longer one goes whole")
    func longest() {
        let redactor = Redactor([Secret("abcdef"), Secret("abcdefgh")])
        #expect(redactor.clean("abcdefgh abcdefg") == "[redacted] [redacted]g")
    }

    @Test("a secret of a few letters does not take the text apart")
    func short() {
        #expect(
            Redactor([Secret("chat"), Secret("")]).clean("chat.example.org") == "chat.example.org")
    }

    @Test(
        "what has the shape of a secret goes, and what stands around it stays",
        arguments: [
            ("a password=hunter2 b", "a password=[redacted] b"),
            (#"{"token": "abc def", "x":1}"#, #"{"token": "[redacted]", "x":1}"#),
            (
                #"{"d":"{\"apiKey\":\"k1\",\"b\":1}"}"#,
                #"{"d":"{\"apiKey\":\"[redacted]\",\"b\":1}"}"#
            ),
            ("key AKIAABCDEFGHIJKLMNOP!", "key [redacted]!"),
            ("Authorization: Bearer abcdefghijklmnop", "Authorization: Bearer [redacted]"),
            ("mongodb://u:p@h/x", "mongodb://[redacted]@h/x"),
            ("join 10.0.0.1:25000/abc123/aa11 now", "join 10.0.0.1:25000/[redacted] now"),
            ("add-node --token jeeves0123456789", "add-node --token [redacted]"),
            (
                "x -----BEGIN EC PRIVATE KEY-----\nabc\nlog: def\n-----END EC PRIVATE KEY----- y",
                "x [redacted] y"
            ),
            ("-----BEGIN PRIVATE KEY-----\ncut off", "[redacted]"),
            ("jwt eyJhbGciOiJSUzI1NiJ9.eyJzdWIi.sig", "jwt [redacted]"),
            (#"\neyJ.eyJhbGciOiJSUzI1NiJ9.eyJzdWIi. b"#, #"\neyJ.[redacted] b"#),
        ])
    func shapes(text: String, cleaned: String) {
        #expect(Redactor([]).clean(text) == cleaned)
    }

    @Test(
        "no rest of a value stays, whatever signs are in it",
        arguments: [
            ("a password=trueblue99 b", "a password=[redacted] b"),
            ("password: nullified, b", "password: [redacted] b"),
            ("password=a&b,c;d'e}f]g h", "password=[redacted] h"),
            (#"password=[redacted]tail b"#, "password=[redacted] b"),
            (#"{"m":"password=ab","n":1}"#, #"{"m":"password=[redacted]","n":1}"#),
            (#"{"m":"{\"m\":\"token=ab\"}"}"#, #"{"m":"{\"m\":\"token=[redacted]\"}"}"#),
            (#"{"password":"it's","n":1}"#, #"{"password":"[redacted]","n":1}"#),
            (#"{"password":"a\"b\\","n":1}"#, #"{"password":"[redacted]","n":1}"#),
            (
                #"{"d":"{\"token\":\"a\\\"b'c\",\"n\":1}"}"#,
                #"{"d":"{\"token\":\"[redacted]\",\"n\":1}"}"#
            ),
            (#"password: 'say "it''s"' # why"#, "password: '[redacted]' # why"),
            ("password: \"cut off\nnext", "password: \"[redacted]\nnext"),
            ("x:\n  password: |\n    one\n\n    two\n  y: 1", "x:\n  password: [redacted]\n  y: 1"),
            ("password: >-\n  one", "password: [redacted]"),
            (#"{"d":"password: |\n  one\ny: 1"}"#, #"{"d":"password: [redacted]\ny: 1"}"#),
        ])
    func rests(text: String, cleaned: String) {
        #expect(Redactor([]).clean(text) == cleaned)
    }

    @Test(
        "what only speaks of secrets stays",
        arguments: [
            #""token":null"#, #"{"token":null,"password":true}"#, #"password: """#, "secret:",
            "licenseFile: license.txt", "secretName: mongo-uri",
            "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
            "https://chat.example.org:443/api/info", "3 tokens: none is left",
        ])
    func harmless(text: String) {
        #expect(Redactor([]).clean(text) == text)
    }

    @Test(
        "a stranger's request in a log does not keep the filter busy", .timeLimit(.minutes(1)),
        arguments: [
            "GET /x://" + String(repeating: ":", count: 200_000),
            String(repeating: "eyJ", count: 300_000), String(repeating: "eyJ.", count: 100_000),
        ])
    func hostileLog(text: String) {
        #expect(Redactor([]).clean(text) == text)
    }

    @Test("nor does a value of signs that promise more", .timeLimit(.minutes(1)))
    func hostileValue() {
        let text = "password: |#" + String(repeating: "\\", count: 100_000)
        #expect(Redactor([]).clean(text) == "password: [redacted]")
    }

    @Test("a licence is known whole and by its lines, also a short one and one with spaces")
    func licence() throws {
        let fake = FakeWorld()
        fake.files["/p/license.txt"] = " lic-0001\nof the firm\n"
        let known = KnownSecrets(
            project: Project(folder: "/p"),
            cluster: try exampleCluster([("licenseFile: \"\"", "licenseFile: license.txt")]),
            environment: [:], files: fake.files)
        let redactor = Redactor(known.all())
        #expect(redactor.clean("x lic-0001 y") == "x [redacted] y")
        #expect(redactor.clean("a: of the firm.") == "a: [redacted].")
        #expect(redactor.clean(#"{"x":"lic-0001\nof the firm"}"#) == #"{"x":"[redacted]"}"#)
    }

    @Test("what this machine knows: database, licence, authority, kubeconfig, keys of AWS")
    func knownSecrets() throws {
        let fake = FakeWorld()
        let project = Project(folder: "/p")
        fake.files["/p/mongodb.uri"] = "mongodb://chat:p%40ssword1@db.example.org/rocketchat\n"
        fake.files["/p/license.txt"] = "licence-of-the-firm\n"
        fake.files["/p/.env"] = "export AWS_SECRET_ACCESS_KEY='from-dot-env'\nDOMAIN=chat.example\n"
        fake.files[project.intermediateKey] =
            "-----BEGIN PRIVATE KEY-----\nMHcCAQEEIbase64lines\n-----END PRIVATE KEY-----\n"
        fake.files["/p/.jeeves/kube/config"] =
            "server: https://127.0.0.1:16443\ntoken: longer-than-16-x\n"
        let known = KnownSecrets(
            project: project,
            cluster: try exampleCluster([("licenseFile: \"\"", "licenseFile: license.txt")]),
            environment: ["AWS_SESSION_TOKEN": "session", "HOME": "/home/ann"],
            files: fake.files
        ).all().map { $0.reveal() }
        for secret in [
            "mongodb://chat:p%40ssword1@db.example.org/rocketchat", "p%40ssword1", "p@ssword1",
            "licence-of-the-firm", "from-dot-env", "MHcCAQEEIbase64lines", "longer-than-16-x",
            "session",
        ] { #expect(known.contains(secret), "\(secret)") }
        for plain in ["chat.example", "/home/ann", "https://127.0.0.1:16443", ""] {
            #expect(!known.contains(plain), "\(plain)")
        }
    }
}
