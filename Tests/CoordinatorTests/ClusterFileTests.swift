import Model
import Testing

@testable import Coordinator

@Suite struct ClusterFileTests {
    private func example() throws -> String {
        Example.render(
            Founding.Values(
                cluster: try ClusterID("chat"), domain: try DomainName("chat.example.org"),
                email: "ops@example.org", region: "eu-central-1"))
    }

    private func problems(_ edit: (String) -> String) throws -> [String] {
        ClusterFile.read(edit(try example()), path: "jeeves.yaml").problems
    }

    @Test("the commented example is a right cluster file")
    func exampleIsRight() throws {
        let spec = try ClusterFile.decode(try example(), path: "jeeves.yaml")
        #expect(spec.domain.rawValue == "chat.example.org")
        #expect(spec.app.mongodb.external?.uriFile == "mongodb.uri")
    }

    @Test("the example names every key of the types, and the defaults it shows are the real ones")
    func exampleIsComplete() throws {
        let text = try example()
        func check(_ section: any Section.Type) {
            for key in section.keys {
                #expect(text.contains("\(key):"), "\(key) is missing from the example")
                if let inner = section.section(key) { check(inner) }
            }
        }
        check(ClusterSpec.self)
        let shortest = """
            cluster: chat
            domain: chat.example.org
            aws: {region: eu-central-1}
            coordinator: {addresses: ["203.0.113.7:7443"]}
            certificate: {email: ops@example.org}
            app: {mongodb: {external: {uriFile: mongodb.uri}}}
            """
        #expect(
            try ClusterFile.decode(shortest, path: "x") == ClusterFile.decode(text, path: "y"))
    }

    @Test("docs/cluster-file.md lists each key once, in the example's order, with its real default")
    func documentIsComplete() throws {
        let rows = try DocumentedKey.all()
        let keys = Self.paths(of: ClusterSpec.self)
        let listed = rows.map(\.path)
        #expect(Set(keys).subtracting(listed).isEmpty, "keys that the document lacks")
        #expect(Set(listed).subtracting(keys).isEmpty, "keys that are in the document only")
        #expect(listed == keys, "the order, or a key twice")
        let values = Self.values(in: try example())
        for row in rows where !["required", "none"].contains(row.standard) {
            #expect(values[row.path] == row.standard, "the default of \(row.path)")
        }
        let required = [
            "cluster", "domain", "aws.region", "terraform.backend.s3.bucket",
            "coordinator.addresses", "certificate.email", "app.mongodb.external.uriFile",
        ]
        #expect(rows.filter { $0.standard == "required" }.map(\.path) == required)
    }

    /// Every key that holds a plain value, from the top of the file: `app.chart.name`.
    private static func paths(of section: any Section.Type, below parent: String = "") -> [String] {
        section.keys.flatMap { key in
            section.section(key).map { paths(of: $0, below: "\(parent)\(key).") }
                ?? ["\(parent)\(key)"]
        }
    }

    /// What the example shows for each path, also where it is commented out; two spaces a level.
    private static func values(in example: String) -> [String: String] {
        var values: [String: String] = [:]
        var parents: [Substring] = []
        for line in example.split(separator: "\n") {
            let bare = line.replacing("# ", with: "", maxReplacements: 1)
            let parts = bare.split(separator: ":", maxSplits: 1)
            guard let key = parts.first?.drop(while: { $0 == " " }) else { continue }
            parents = parents.prefix((bare.count - bare.drop { $0 == " " }.count) / 2) + [key]
            values[parents.joined(separator: ".")] =
                parts.count == 2 ? String(parts[1].trimmingPrefix(" ")) : ""
        }
        return values
    }

    @Test("an unknown key is named with its place and the key that was probably meant")
    func unknownKey() throws {
        let found = try problems { $0.replacing("  instanceType:", with: "  instanceTyp:") }
        #expect(found.first?.contains("did you mean `instanceType`?") == true)
        #expect(found.first?.hasPrefix("jeeves.yaml:") == true)
    }

    @Test("a wrong type is named with line and column")
    func wrongType() throws {
        let found = try problems { $0.replacing("ttl: 60", with: "ttl: soon") }
        let line = try example().split(separator: "\n", omittingEmptySubsequences: false)
            .firstIndex { $0.contains("ttl: 60") }
        #expect(found.first?.hasPrefix("jeeves.yaml:\((line ?? 0) + 1):8: ") == true, "\(found)")
        #expect(found.first?.hasSuffix("dns.ttl is not a whole number") == true, "\(found)")
    }

    @Test(
        "what cannot work is said before anything is tried",
        arguments: [
            ("domain: chat.example.org", "domain: -rf.example.org", "domain name"),
            ("email: ops@example.org", "email: nobody", "e-mail"),
            ("staging: false", "staging: true", "name a PEM file of those roots"),
            ("cidr: 10.42.0.0/16", "cidr: 10.42.0.1/16", "bits set"),
            ("cidr: 10.42.0.0/16", "cidr: 10.1.0.0/16", "overlaps"),
            ("version: 8.6.1", "version: 7.5.0", "needs the stream hub"),
            ("streamHub: false", "streamHub: true", "no stream hub"),
            ("replicas: 1", "replicas: 3", "licence"),
            ("region: eu-central-1", "region: Frankfurt", "not an AWS region"),
            ("packagePort: 7480", "packagePort: 0", "could not fetch the agent"),
            ("[\"203.0.113.7:7443\"]", "[\"203.0.113.7\"]", "not host:port"),
            ("listen: 0.0.0.0:7443", "listen: 7443", "coordinator.listen: \"7443\" is not host"),
            ("address: 127.0.0.1:7481", "address: 127.0.0.1", "is not address:port"),
            ("address: 127.0.0.1:7481", "address: 0.0.0.0:7481", "reached from other machines"),
            ("address: 127.0.0.1:7481", "address: 127.evil:7481", "reached from other machines"),
            ("address: 127.0.0.1:7481", "address: 127.0.0.1:7480", "write another port"),
            ("uriFile: mongodb.uri", "urifile: x", "uriFile"),
            ("keyTypes: [ecdsa]", "keyTypes: []", "there would be no certificate"),
            ("keyTypes: [ecdsa]", "keyTypes: [rsa, rsa]", "a type stands there twice"),
            ("keyTypes: [ecdsa]", "keyTypes: [rsaa]", "did you mean `ecdsa` or `rsa`?"),
            ("TenSecondsMax: 600", "TenSecondsMax: 0", "0 is outside 1 to 1000000"),
            ("PerSourceMax: 400", "PerSourceMax: -1", "edge.connectionsPerSourceMax: -1 is out"),
            ("connectionsMax: 4000", "connectionsMax: 200001", "200001 is outside 1 to 200000"),
            ("drainSeconds: 900", "drainSeconds: 59", "59 is outside 60 to 86400"),
            ("haproxy: repair", "haproxy: ask", "drift.haproxy: \"ask\" is neither `repair` nor"),
            ("packages: repair", "package: report", "did you mean `packages`?"),
            ("  microk8s: repair", "  certificate: report", "drift.certificate: unknown key"),
        ])
    func impossible(right: String, wrong: String, said: String) throws {
        let found = try problems { $0.replacing(right, with: wrong) }
        #expect(found.contains { $0.contains(said) }, "\(found)")
        #expect(found.allSatisfy(Self.hasPlace), "\(found)")
    }

    /// Whether a problem begins with `FILE:LINE:COLUMN: `.
    private static func hasPlace(_ problem: String) -> Bool {
        let parts = problem.split(separator: ":", maxSplits: 3)
        return parts.count == 4 && parts[0] == "jeeves.yaml"
            && parts[1...2].allSatisfy { part in
                Int(part).map { $0 > 0 } ?? false
            } && parts[3].hasPrefix(" ")
    }

    @Test("a fault within a list or a name is told at its own line and column")
    func places() throws {
        let found = try problems {
            $0.replacing("[\"203.0.113.7:7443\"]", with: "\n    - 203.0.113.7:7443\n    - nowhere")
        }
        let line = try example().split(separator: "\n", omittingEmptySubsequences: false)
            .firstIndex { $0.contains("addresses:") }
        let place = "jeeves.yaml:\((line ?? 0) + 3):7: coordinator.addresses.1: "
        #expect(found.count == 1 && found.first?.hasPrefix(place) == true, "\(found)")
        let text = "cluster: chat\ndomain: -rf.example.org\n"
        #expect(
            ClusterFile.read(text, path: "jeeves.yaml").problems.first?.hasPrefix(
                "jeeves.yaml:2:9: domain: ") == true)
    }

    @Test(
        "the status page may be off, anywhere on this machine, and elsewhere if that is meant",
        arguments: [
            "address: \"\"", "address: localhost:7481", "address: \"[::1]:7481\"",
            "address: 0.0.0.0:7481\n    exposed: true",
        ])
    func statusPage(address: String) throws {
        let found = try problems {
            let open =
                address.contains("exposed") ? $0.replacing("    exposed: false\n", with: "") : $0
            return open.replacing("address: 127.0.0.1:7481", with: address)
        }
        #expect(found.isEmpty)
    }

    @Test("bundled MongoDB with 8.x is refused")
    func bundledWith8() throws {
        let found = try problems { $0.replacing(bundledEdit.0, with: bundledEdit.1) }
        #expect(found.contains { $0.contains("does not support") }, "\(found)")
    }

    @Test("empty, broken, aliased and huge files are refused in one sentence")
    func broken() {
        for text in [
            "", "a: [", "a: &x 1\nb: *x", String(repeating: "# x\n", count: 400_000),
        ] {
            let (spec, problems) = ClusterFile.read(text, path: "jeeves.yaml")
            #expect(spec == nil)
            #expect(problems.count == 1)
            #expect(problems.first?.contains("\n") == false)
            #expect(problems.allSatisfy(Self.hasPlace), "\(problems)")
        }
    }

    @Test(
        "what is no YAML, and a name of a wrong form, are told in one plain sentence",
        arguments: [
            ("a: [1", "jeeves.yaml:2:1: did not find expected ',' or ']'"),
            ("a: 1\na: 2\n", "jeeves.yaml:1:1: written twice: a"),
            (
                "\na: x\nb: &x 1\n",
                "jeeves.yaml:3:4: anchors and aliases (&, *) are not supported: write it out"
            ),
            (
                "a: [1, &x {b: 2}, *x]\n",
                "jeeves.yaml:1:8: anchors and aliases (&, *) are not supported: write it out"
            ),
            ("a: *x\n", "jeeves.yaml:1:4: found undefined alias"),
        ])
    func syntax(text: String, said: String) throws {
        #expect(ClusterFile.read(text, path: "jeeves.yaml").problems == [said])
        let found = try problems { $0.replacing("domain: chat.", with: "domain: -rf.") }
        #expect(found.count == 1)
        #expect(found.first?.hasSuffix("at most 253 bytes") == true, "\(found)")
    }

    @Test(
        "a star or an ampersand is an alias or an anchor only where YAML says so",
        arguments: [
            ("# Seconds.", "# note: *x*, and why: &y"),
            ("ttl: 60", "ttl: 60 # note: *x*"),
            ("licenseFile: \"\"", "licenseFile: \"of\n    *all*\""),
            ("licenseFile: \"\"", "licenseFile: '*'"),
            ("licenseFile: \"\"", "licenseFile: >-\n    &all\n    *x"),
        ])
    func stars(right: String, starred: String) throws {
        #expect(try example().contains(right))
        #expect(try problems { $0.replacing(right, with: starred) } == [])
    }

    @Test("values of the example that nobody has written over are told, and are no problem")
    func placeholders() throws {
        let text = try example()
        let found = try ClusterFile.placeholders(in: text, path: "jeeves.yaml")
        #expect(found.allSatisfy(Self.hasPlace), "\(found)")
        #expect(
            found.compactMap { $0.split(separator: ": ", maxSplits: 1).last.map(String.init) } == [
                "domain: chat.example.org is kept for examples (write the name under which people "
                    + "shall reach the chat)",
                "coordinator.addresses.0: 203.0.113.7 is kept for examples (write where the nodes "
                    + "can reach this machine)",
                "certificate.email: example.org is kept for examples (write the address that the "
                    + "CA may write to)",
            ])
        let own = text.replacing("example.org", with: "myexample.org")
            .replacing("203.0.113.7", with: "198.51.100.7")
        #expect(try ClusterFile.placeholders(in: own, path: "jeeves.yaml") == [])
    }

    @Test("the nearest key is found within two edits, and no further")
    func nearest() {
        #expect(ClusterFile.nearest(to: "domian", in: ["domain", "dns"]) == "domain")
        #expect(ClusterFile.nearest(to: "kubernetes", in: ["domain", "dns"]) == nil)
    }
}
