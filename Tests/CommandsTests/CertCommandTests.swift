import ArgumentParser
import FoundationEssentials
import Model
import Support
import Testing

@testable import Commands
@testable import Coordinator

@Suite struct CertCommandTests {
    private let now = FakeWorld.start
    private let day = 86_400.0

    private func node(_ name: String, _ steps: [StepStatus]?) -> ClusterStatus.Node {
        let node = NodeName(unchecked: name)
        return ClusterStatus.Node(
            name: node, role: .controller, instanceID: "i-1", address: "10.0.0.1",
            publicAddress: "203.0.113.10", connected: true, revoked: false,
            status: steps.map {
                NodeStatus(
                    node: node, generation: 1, steps: $0,
                    facts: Facts(
                        system: "debian 12", kernel: "6", bootID: "b", address: "",
                        instanceID: ""),
                    agentVersion: "1", reportedAt: now)
            }, age: "3.0s")
    }

    private func step(until days: Double, since: Double?, isKnown: Bool = true) -> StepStatus {
        let served = ServedCertificate(
            serial: "04ab", notAfter: now.addingTimeInterval(days * day),
            renewsFrom: now.addingTimeInterval((days - 30) * day),
            notBefore: since.map { now.addingTimeInterval($0 * day) })
        return StepStatus(
            id: StepID(unchecked: "certificate"), state: .converged, detail: served.description,
            certificate: isKnown
                ? PublicCertificate(
                    serial: "04ab",
                    fingerprint: Digest(unchecked: String(repeating: "a", count: 64)),
                    keyType: .ecdsa, names: ["chat.example.org"],
                    issuer: "CN=E7,O=Let's Encrypt,C=US",
                    notBefore: served.notBefore ?? now, notAfter: served.notAfter) : nil)
    }

    private var status: ClusterStatus {
        status(of: [
            node("controller-1", [step(until: 60, since: -30)]),
            node("controller-2", [step(until: 9, since: -81)]),
            node("controller-3", [step(until: -4, since: nil, isKnown: false)]),
            node("controller-4", nil),
        ])
    }

    private func status(of nodes: [ClusterStatus.Node]) -> ClusterStatus {
        ClusterStatus(
            cluster: ClusterID(unchecked: "chat"),
            domain: DomainName(unchecked: "chat.example.org"), layers: [], lookedAt: nil,
            nodes: nodes, gate: nil, rollout: nil)
    }

    /// Words of the line that begins with `name`.
    private func line(_ name: String, of table: String) -> String {
        let found = table.split(separator: "\n").first { $0.hasPrefix(name) } ?? ""
        return found.split(separator: " ").joined(separator: " ")
    }

    @Test("list says names, key, issuer, end in words, share and state, and guesses nothing")
    func list() {
        let table = CertCommand.List.table(status.certificates(now: now), now: now)
        let end = now.addingTimeInterval(60 * day).formatted(.iso8601)
        #expect(
            line("controller-1", of: table)
                == "controller-1 chat.example.org ecdsa CN=E7,O=Let's Encrypt,C=US "
                + "\(end), in 60 days 66 % right")
        #expect(line("controller-2", of: table).hasSuffix(", in 9 days 10 % right, critical"))
        let old = line("controller-3", of: table)
        #expect(old.hasPrefix("controller-3 - - - "))
        #expect(old.hasSuffix(", 4 days ago unknown right, expired"))
        #expect(line("controller-4", of: table) == "", "it is not the edge")
        let silent = status(of: [node("controller-1", nil)]).certificates(now: now)
        #expect(
            line("controller-1", of: CertCommand.List.table(silent, now: now))
                == "controller-1 - - - - - no report yet")
    }

    @Test("status shows the alert of a certificate in trouble beside its state")
    func alert() {
        let table = StatusCommand.table(status, now: now)
        #expect(line("controller-1", of: table).contains(" certificate right 3.0s"))
        #expect(line("controller-2", of: table).contains(" certificate right, critical 3.0s"))
    }

    /// A node that holds one certificate, at whose address nobody answers.
    private var unreached: CertificateComparison {
        let certificate = PublicCertificate(
            serial: "04ab", fingerprint: Digest(unchecked: String(repeating: "a", count: 64)),
            keyType: .ecdsa, names: ["chat.example.org"], issuer: "CN=E7", notBefore: now,
            notAfter: now.addingTimeInterval(60 * day))
        return CertificateComparison(
            node: NodeName(unchecked: "controller-1"), address: "203.0.113.10", keyType: .ecdsa,
            domain: DomainName(unchecked: "chat.example.org"),
            shown: .failure(Failure(.unavailable, "looking: Connection refused")),
            held: .success([
                HeldCertificate(
                    keyType: .ecdsa, disk: certificate, memory: .serial("4ab", isUsed: true))
            ]))
    }

    @Test("what does not agree ends verify with 3, the first trouble and what to type")
    func verdict() throws {
        let found = [unreached, unreached]
        let table = CertCommand.Verify.table(found)
        #expect(line("controller-1", of: table).contains("ecdsa wire - - WRONG playing a client"))
        #expect(table.contains("haproxy"))
        let verdict = try #require(CertCommand.Verify.verdict(found))
        #expect(verdict.message.hasSuffix("(and 1 more, see above)"))
        #expect(!verdict.fix.isEmpty)
        let ending = Ending.report(verdict) as? ExitCode
        #expect(ending?.rawValue == 3)
        #expect(CertCommand.Verify.verdict([]) == nil)
    }
}
