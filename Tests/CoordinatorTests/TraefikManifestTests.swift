import Model
import Testing

@testable import Coordinator

@Suite struct TraefikManifestTests {
    private func render(
        _ edits: [(String, String)], kubernetes: Version? = Version(1, 34, 0)
    ) throws -> String {
        try TraefikManifest(
            exampleCluster(edits), trusted: ["10.42.0.10", "10.1.4.1", "10.1.4.0"],
            kubernetes: kubernetes
        ).render()
    }

    @Test(
        "the manifest is the golden one for each version",
        arguments: [
            ("traefik-3.0.yaml", 20, [("version: 3.5.0", "version: 3.0.4")]),
            ("traefik-3.5.yaml", 34, []),
            ("traefik-acme.yaml", 34, [("acme: false", "acme: true")]),
        ])
    func goldens(file: String, minor: Int, edits: [(String, String)]) throws {
        #expect(try render(edits, kubernetes: Version(1, minor, 0)) == golden(file))
    }

    @Test("without a cluster to ask, all but the budget is there")
    func unasked() throws {
        let (whole, unasked) = (try render([]), try render([], kubernetes: nil))
        #expect(whole.hasPrefix(unasked + "---\n"))
        #expect(!unasked.contains("PodDisruptionBudget"))
    }

    @Test("forwarded headers are believed of the listed addresses only, whatever the version")
    func trust() throws {
        let text = try render([])
        #expect(!text.contains("insecure"))
        let lines = text.split(separator: "\n").filter { $0.contains("trustedIPs") }
        let only = #"trustedIPs: ["10.1.4.0/32", "10.1.4.1/32", "10.42.0.10/32"]"#
        #expect(lines.count == 2)
        for line in lines { #expect(line.hasSuffix(only)) }
    }

    @Test("a changed configuration starts new pods, the same one does not")
    func checksum() throws {
        func checksum(_ trusted: [String]) throws -> Substring? {
            try TraefikManifest(exampleCluster(), trusted: trusted, kubernetes: nil).render()
                .split(separator: "\n").first { $0.contains("checksum/configuration") }
        }
        #expect(try checksum(["10.42.0.10", "10.1.4.1"]) == checksum(["10.1.4.1", "10.42.0.10"]))
        #expect(try checksum(["10.42.0.10"]) != checksum(["10.42.0.11"]))
    }

    @Test("it may watch exactly the kinds that are made for it")
    func kinds() throws {
        let made = try golden("../../../coordinator/Manifests/traefik-crds.yaml")
            .split(separator: "\n").filter { $0.hasPrefix("  name: ") }
            .map { $0.dropFirst("  name: ".count) }
        #expect(made.map(String.init) == TraefikManifest.kinds.map { "\($0).traefik.io" })
    }

    @Test("a version that is none, or none of Traefik 3, is refused by validate")
    func versions() {
        for wrong in ["3.5", "2.11.0", "3.5.0\\nkind: Pod", "latest"] {
            #expect(throws: Failure.self) {
                try exampleCluster([("version: 3.5.0", "version: \"\(wrong)\"")])
            }
        }
    }
}
