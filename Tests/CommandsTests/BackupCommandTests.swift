import ArgumentParser
import FoundationEssentials
import Model
import Outside
import Support
import Testing

@testable import Commands
@testable import Coordinator

/// The verbs that move a cluster, as they are typed and as they answer.
@Suite struct BackupCommandTests {
    @Test("a backup says how much it wrote, and what is not in it on one safe line each")
    func backup() {
        let text = BackupCommand.text(
            .init(
                path: "/b/chat.backup", bytes: 4096, files: ["jeeves.db", "jeeves.yaml"],
                leftOut: ["/etc/\u{1b}[31mca.pem: it lies outside of /srv/chat"]))
        #expect(
            text == "wrote /b/chat.backup: 2 files, 4096 bytes\n"
                + "not in it: /etc/\\u001b[31mca.pem: it lies outside of /srv/chat")
    }

    @Test("a restored cluster says what comes next")
    func restore() {
        let text = RestoreCommand.text(
            .init(
                cluster: ClusterID(unchecked: "chat"), at: FakeWorld.start,
                clusterFile: "/srv/chat/jeeves.yaml", files: ["jeeves.db"]))
        #expect(text.hasPrefix("restored cluster chat as it was at 2026-01-01T00:00:00Z: 1 files"))
        #expect(text.contains("`coordinator.addresses` in /srv/chat/jeeves.yaml"))
        #expect(text.hasSuffix("`jeeves plan`"))
    }

    @Test("a raised epoch names nodes, those that were not heard, and what comes next")
    func raise() {
        let worker = EpochRaise.Node(
            name: NodeName(unchecked: "worker-1"), epoch: 12, generation: 7, spec: .newer)
        let stranger = EpochRaise.Node(
            name: NodeName(unchecked: "worker-3"), epoch: 12, generation: 1, spec: .missing)
        let text = EpochCommand.Raise.text(
            EpochRaise(
                from: 5, to: 12, nodes: [worker, stranger],
                silent: [NodeName(unchecked: "worker-2")], wasRefused: true))
        #expect(
            text.split(separator: "\n").map(String.init) == [
                "NODE      EPOCH  GENERATION  SPEC",
                "worker-1  12     7           newer than this state",
                "worker-3  12     1           not in this state",
                "not heard: worker-2; if they refuse later, type `jeeves epoch raise` again",
                "raised the epoch from 5 to 12; next: `jeeves plan`",
            ])
        let idle = EpochRaise(from: 5, to: 5, nodes: [], silent: [], wasRefused: false)
        #expect(
            EpochCommand.Raise.text(idle)
                == "nothing to do: no agent has seen a later epoch than 5")
        let refused = EpochRaise(from: 5, to: 5, nodes: [], silent: [], wasRefused: true)
        #expect(EpochCommand.Raise.text(refused).hasPrefix("this state folder may drive again"))
    }

    @Test("a passphrase file that others can read is refused, and one that is private is read")
    func passphraseFile() throws {
        let files = World.live().files
        let path = "/tmp/passphrase-\(World.live().chance.runID())"
        defer { try? files.remove(path, op: "test") }
        let option = try PassphraseOption.parse(["--passphrase-file", path])
        let text = Array("correct horse battery\n".utf8)
        try files.replace(path, with: text, mode: 0o644, op: "test")
        let failure = #expect(throws: Failure.self) { try option.read(isNew: true) }
        #expect(failure?.code == .unauthorized)
        try files.replace(path, with: text, mode: 0o600, op: "test")
        #expect(try option.read(isNew: true).reveal() == "correct horse battery")
    }

    @Test("what became of old keys stands in a table, and what they hold cannot play with it")
    func oldKeys() {
        let table = Initialize.table([
            .init(key: "domain", place: "terraform.tfvars:1", became: "domain: chat.example.org"),
            .init(key: "a\u{1b}b", place: ".env:12", became: "not known"),
        ])
        let lines = table.split(separator: "\n")
        #expect(lines.first == "OLD KEY   WHERE               WHAT BECAME OF IT")
        #expect(lines.last?.hasPrefix("a\\u001bb") == true)
    }

    @Test(
        "wrong use exits with 64",
        arguments: [
            ["backup"], ["restore"], ["epoch", "raise", "--above", "-1"],
            ["epoch", "raise", "--above", "9007199254740992"], ["backup", "--passphrase", "x"],
        ])
    func usage(_ arguments: [String]) {
        let error = #expect(throws: (any Error).self) {
            try JeevesCommand.parseAsRoot(arguments)
        }
        #expect(error.map { JeevesCommand.exitCode(for: $0).rawValue } == 64)
    }
}
