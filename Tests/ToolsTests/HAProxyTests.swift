import Foundation
import Model
import Outside
import Testing

@testable import Tools

@Suite struct HAProxyTests {
    let spec = HAProxySpec(domain: DomainName(unchecked: "chat.example.test"))

    @Test(
        "the configuration is the golden one for each version",
        arguments: ["2.4", "2.6", "2.8", "3.0"])
    func goldens(version: String) throws {
        let golden = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "Fixtures/haproxy-\(version).cfg")
        let text = HAProxyConfig.render(
            spec, version: try HAProxyVersion("HAProxy version \(version).1 2026/01/01"))
        #expect(text == (try String(contentsOf: golden, encoding: .utf8)))
    }

    @Test("a limit of the spec is in the configuration")
    func limits() {
        let spec = HAProxySpec(
            domain: spec.domain, backendPort: 31080, requestsPerTenSecondsMax: 17,
            connectionsPerSourceMax: 19, connectionsMax: 23, drain: .seconds(29))
        let text = HAProxyConfig.render(spec, version: HAProxyVersion(2, 6))
        for piece in ["127.0.0.1:31080", "gt 17", "gt 19", "maxconn 23", "hard-stop-after 29s"] {
            #expect(text.contains(piece))
        }
    }

    @Test(
        "versions are read from the packages of Debian and Ubuntu",
        arguments: [
            (
                "HAProxy version 2.6.12-1+deb12u4 2026/10/17 - https://haproxy.org/\nStatus: x",
                "2.6"
            ),
            ("HAProxy version 2.4.24-0ubuntu0.22.04.1 2023/10/31 - https://haproxy.org/", "2.4"),
            ("2.8.5-1ubuntu3.2", "2.8"), ("HA-Proxy version 3.0.11", "3.0"),
        ])
    func versions(text: String, version: String) throws {
        #expect(try HAProxyVersion(text).description == version)
    }

    @Test(
        "no version, or one older than 2.4, is unsupported",
        arguments: ["", "HA-Proxy version 2.2.9"])
    func unsupported(text: String) {
        #expect(throws: Failure.self) { try HAProxyVersion(text) }
    }

    @Test("a complaint of `haproxy -c` names its line")
    func complaints() {
        let finished = Finished(
            ending: .exited(1),
            errors: """
                [NOTICE]   (21644) : haproxy version is 2.6.12-1+deb12u4
                [WARNING]  (6779) : config : Proxy 's': no SSL certificate specified
                [ALERT]    (21644) : config : parsing [b.cfg:2] : unknown keyword 'foo' in 'global'
                [ALERT]    (21644) : config : Error(s) found in configuration file : b.cfg
                [ALERT]    (21644) : config : Fatal errors found in configuration.
                """)
        #expect(HAProxy.complaints(finished) == ["line 2: unknown keyword 'foo' in 'global'"])
        #expect(HAProxy.check("/x").arguments == ["-c", "-f", "/x"])
    }

    @Test("our file is told from an edited one and from anybody else's")
    func author() {
        func hash(_ text: String) -> Digest {
            Digest(unchecked: String(repeating: text.contains("edited") ? "b" : "a", count: 64))
        }
        func author(_ text: String) -> HAProxyConfig.Author {
            HAProxyConfig.author(of: text, hash: hash)
        }
        let file = HAProxyConfig.file(body: "defaults\n    mode http\n", digest: hash(""))
        #expect(author(file) == .jeeves)
        #expect(author(file + "# edited\n") == .edited)
        #expect(author(file.replacing("description", with: "node")) == .edited)
        #expect(author("global\n") == .other)
        #expect(file.contains("    description \(HAProxyConfig.description(hash("")))\n"))
    }
}

@Suite struct HAProxyRuntimeTests {
    let path = "/etc/haproxy/certs/haproxy.pem"

    @Test("a payload has no blank line inside and one at its end")
    func payload() {
        let pem = Secret("KEY\n\nCERT\r\n\n")
        #expect(
            HAProxyRuntime.set(path, pem: pem).reveal()
                == "set ssl cert \(path) <<\nKEY\nCERT\n\n")
        #expect(
            HAProxyRuntime.add("\(path) [alpn h2]", to: "/l.txt")
                == "add ssl crt-list /l.txt <<\n\(path) [alpn h2]\n\n")
    }

    @Test("only the words of success are success")
    func proofs() throws {
        try HAProxyRuntime.require(
            .committed, in: "Committing \(path)..\nSuccess!\n\n", trying: "committing")
        try HAProxyRuntime.require(
            .set, in: "Transaction created for certificate \(path)!\n", trying: "setting")
        let refusal = "inconsistencies between private key and certificate loaded\nCan't commit!\n"
        #expect(throws: Failure.self) {
            try HAProxyRuntime.require(.committed, in: refusal, trying: "committing")
        }
        // Somebody else's transaction was open: on 2.6 this would commit to the wrong file.
        #expect(throws: Failure.self) {
            try HAProxyRuntime.require(.set, in: "Transaction updated for x!\n", trying: "setting")
        }
    }

    @Test("what is loaded is read as 2.6 prints it")
    func loaded() throws {
        let used = """
            Filename: \(path)
            Status: Used
            Serial: 00A1FF
            notBefore: Nov 23 05:49:22 2026 GMT

            """
        #expect(try HAProxyRuntime.Loaded(used)?.serial == "a1ff")
        #expect(try HAProxyRuntime.Loaded(used)?.isUsed == true)
        #expect(try HAProxyRuntime.Loaded("Filename: x\nStatus: Empty\n")?.serial == nil)
        #expect(
            try HAProxyRuntime.Loaded(
                "Can't display the certificate: Not found or the certificate is a bundle!\n") == nil
        )
        #expect(throws: Failure.self) { try HAProxyRuntime.Loaded("Permission denied\n") }
    }

    @Test("show info tells version, process and configuration")
    func info() throws {
        let info = try HAProxyRuntime.Info(
            "Name: HAProxy\nVersion: 2.6.12-1+deb12u4\nPid: 6782\ndescription: jeeves-abc\n\n")
        #expect(info.version == HAProxyVersion(2, 6))
        #expect(info.pid == 6782)
        #expect(info.description == "jeeves-abc")
    }

    @Test("what show info counts is read, and an answer without it is none")
    func figures() {
        let answer = "Name: HAProxy\nMaxconn: 4000\nCurrConns: 3\nCumConns: 100\nCumReq: 250\n\n"
        #expect(
            HAProxyRuntime.figures(answer)
                == HAProxyFigures(
                    connections: 3, connectionsMax: 4000, connectionsTotal: 100,
                    requestsTotal: 250))
        #expect(HAProxyRuntime.figures("Permission denied\n") == nil)
    }

    @Test("what may be a password in a person's configuration is not told")
    func redacted() {
        let text = """
            userlist people
                user anna insecure-password s3cret
                user otto password $6$k6
            listen stats
                stats auth anna:s3cret
                http-check send hdr Authorization "Basic czNjcmV0"
            global
                setenv TOKEN s3cret
                maxconn 10
            """
        let shown = HAProxyConfig.redacted(text)
        #expect(!shown.contains("s3cret") && !shown.contains("$6$") && !shown.contains("czNj"))
        #expect(shown.contains("    user anna insecure-password [redacted]\n"))
        #expect(shown.hasSuffix("\n    maxconn 10"))
    }

    @Test("nothing of our own configuration is taken for a password")
    func nothingOfOurs() throws {
        let text = HAProxyConfig.render(
            HAProxySpec(domain: try DomainName("chat.example.org")), version: HAProxyVersion(2, 6))
        #expect(HAProxyConfig.redacted(text) == text)
    }
}
