import Model
import Testing

@Suite struct StepBodyTests {
    @Test("a kind from the future decodes to unknown and keeps its name")
    func unknownKind() throws {
        let body = try JSON.decode(
            StepBody.self, from: #"{"kind":"teleport","spec":{"x":1}}"#.utf8, what: "a step")
        #expect(body == .unknown(kind: "teleport"))
        #expect(body.kind == "teleport")
    }

    @Test("every known kind survives encoding")
    func roundTrip() throws {
        let domain = try DomainName("chat.example.org")
        let bodies: [StepBody] = [
            .packages(PackagesSpec(names: ["haproxy"], masked: ["certbot.timer"])),
            .haproxy(HAProxySpec(domain: domain)),
            .certificate(
                CertificateSpec(domain: domain, email: "ops@example.org", directory: "https://ca")),
            .microk8s(MicroK8sSpec(role: .worker, channel: "1.34/stable", addons: ["dns"])),
            .join(JoinSpec(controller: "10.1.2.3", others: ["10.1.2.4"], role: .controller)),
        ]
        for body in bodies {
            let bytes = try JSON.encode(body)
            #expect(try JSON.decode(StepBody.self, from: bytes, what: "a step") == body)
        }
    }

    @Test("a spec of an older coordinator has what was meant then")
    func older() throws {
        let certificate = try JSON.decode(
            CertificateSpec.self,
            from: #"{"caPEM":"","directory":"https://ca","domain":"a.b","email":"c","trustPEM":""}"#
                .utf8, what: "a spec")
        let join = try JSON.decode(
            JoinSpec.self, from: #"{"controller":"10.1.2.3"}"#.utf8, what: "a spec")
        #expect(join == JoinSpec(controller: "10.1.2.3"))
        #expect(certificate.keyType == .ecdsa)
        #expect(certificate.keyTypes == [.ecdsa])
        let edge = try JSON.decode(
            HAProxySpec.self,
            from: """
                {"domain":"a.b","backendPort":30080,"requestsPerTenSecondsMax":1,\
                "connectionsPerSourceMax":2,"connectionsMax":3}
                """.utf8, what: "a spec")
        #expect(edge.drain == .seconds(900))
    }

    @Test("equal values have equal bytes, so a digest over them means something")
    func stableBytes() throws {
        let spec = PackagesSpec(names: ["a", "b"])
        #expect(try JSON.encode(spec) == JSON.encode(spec))
        #expect(
            try String(decoding: JSON.encode(spec), as: UTF8.self)
                == #"{"masked":[],"names":["a","b"]}"#)
    }
}
