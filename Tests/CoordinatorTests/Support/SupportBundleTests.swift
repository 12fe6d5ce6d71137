import FoundationEssentials
import Model
import Outside
import Store
import Support
import Synchronization
import Testing
import Trust

@testable import Coordinator

@Suite struct SupportBundleTests {
    private let fake = FakeWorld()
    private let path = "/p/bundle.tar.gz"
    private let failure = Failure(.locked, "another one drives")

    /// A state folder with one node that has reported, and the programs of this machine.
    private func withBundle(
        _ body: (SupportBundle) async throws -> Void
    ) async throws {
        try await withStore { store in
            fake.files["/p/jeeves.yaml"] = "not: a cluster file\n"
            fake.playTar()
            for program in ["terraform", "helm", "kubectl"] {
                fake.processes.on(program, prints: "{\n\"version\": \"1\"\n}\n")
            }
            var reports = NodeReports(store: store)
            try reports.keep(Reports.make(), now: FakeWorld.start)
            try await body(
                SupportBundle(
                    project: Project(folder: "/p"), store: store, world: fake.world,
                    environment: [:], since: FakeWorld.start))
        }
    }

    private func witness(
        _ answer: @escaping @Sendable (Question, NodeName) async throws -> String
    ) -> Witness {
        Witness(
            status: { [failure] in throw failure }, examination: { [failure] in throw failure },
            plan: { [failure] in throw failure }, answer: answer)
    }

    private func names(in folder: String) -> [String] { (try? fake.files.list(folder)) ?? [] }

    @Test("what cannot be asked is named with its reason, and the bundle is made all the same")
    func away() async throws {
        try await withBundle { bundle in
            let asked = Mutex(0)
            let made = try await bundle.make(
                at: path,
                witness { _, node in
                    asked.withLock { $0 += 1 }
                    throw Failure(.unavailable, "asking \(node): it is not connected")
                })
            #expect(asked.withLock { $0 } == 1, "who is away is asked once")
            #expect(made.silent == [NodeName(unchecked: "worker-1")])
            #expect(
                made.files.map(\.path) == [
                    "README.txt", "cluster.yaml", "events.jsonl", "rollouts.json",
                    "timeline.json", "versions.txt",
                ])
            #expect(made.omissions.contains("doctor.json: asking: another one drives"))
            let text = try #require(fake.files[path])
            #expect(made.bytes == text.utf8.count)
            #expect(made.sha256 == Hash.sha256(text.utf8))
            #expect(
                made.files.contains(
                    .init(path: "cluster.yaml", bytes: "not: a cluster file\n".utf8.count)))
            #expect(text.contains("  plan.json: asking: another one drives\n"))
            #expect(text.contains("  nodes/worker-1: it does not answer; nothing more was asked"))
            #expect(text.contains("jeeves-agent 1 on worker-1\n"))
            #expect(text.contains("terraform -chdir=/ version -json: {\"version\": \"1\"}\n"))
        }
    }

    @Test("a node that is slow over one sheet is asked for the others, and one that hangs is not")
    func slow() async throws {
        let late = Failure(.timeout, "asking worker-1: running journalctl: stopped after 20s")
        try await withBundle { bundle in
            let made = try await bundle.make(
                at: path,
                witness { question, _ in
                    if case .logs = question { throw late }
                    return "what it says\n"
                })
            #expect(made.silent.isEmpty)
            #expect(made.files.count { $0.path.hasPrefix("nodes/worker-1/") } == 4)
            #expect(made.omissions.count { $0.contains("stopped after 20s") } == 4)
        }
        try await withBundle { bundle in
            let asked = Mutex(0)
            let made = try await bundle.make(
                at: "\(path).2",
                witness { _, _ in
                    asked.withLock { $0 += 1 }
                    throw late
                })
            #expect(asked.withLock { $0 } == 2, "one sheet, and whether it is there at all")
            #expect(made.silent == [NodeName(unchecked: "worker-1")])
        }
    }

    @Test("an agent that is too old for diagnostics still gives its logs")
    func older() async throws {
        try await withBundle { bundle in
            let made = try await bundle.make(
                at: path,
                witness { question, _ in
                    if case .logs = question { return "a line\n" }
                    throw Failure(
                        .unsupported, "answering: this agent knows no request diagnostics")
                })
            #expect(made.silent.isEmpty)
            let files = made.files.map(\.path).filter { $0.hasPrefix("nodes/") }
            #expect(
                files
                    == ["agent", "haproxy", "certbot", "microk8s"].map {
                        "nodes/worker-1/\($0).log"
                    })
            let missing = made.omissions.filter { $0.contains("knows no request diagnostics") }
            #expect(missing.count == 4)
        }
    }

    @Test("the bundle is its owner's only, packed by tar alone, and the way to it is gone")
    func archive() async throws {
        try await withBundle { bundle in
            let name = bundle.name
            _ = try await bundle.make(at: path, witness { _, _ in "a line\n" })
            #expect(name == "jeeves-support-cluster-20260101T000000Z")
            #expect(fake.files.mode(of: path) == 0o600)
            #expect(!names(in: "/p/.jeeves").contains { $0.hasPrefix("support-") })
            let argv = try #require(fake.processes.argvs.last)
            #expect(argv.first == "tar")
            #expect(
                argv.suffix(5) == ["--owner=0", "--group=0", "--numeric-owner", "--", name])
        }
    }

    @Test("nothing is overwritten, and nobody is asked for nothing")
    func taken() async throws {
        try await withBundle { bundle in
            fake.files[path] = "somebody's"
            await Sentence(.conflict, "is there already", fix: "--out").check {
                try await bundle.make(
                    at: path,
                    witness { _, _ in
                        Issue.record("a node was asked")
                        return ""
                    })
            }
            #expect(fake.files[path] == "somebody's")
        }
    }

    @Test("a tar that fails leaves neither a bundle nor the folder that it should have packed")
    func brokenTar() async throws {
        try await withBundle { bundle in
            fake.processes.on("tar") { _ in
                Finished(ending: .exited(2), errors: "tar: No space left on device\n")
            }
            let failure = await #expect(throws: Failure.self) {
                try await bundle.make(at: path, witness { _, _ in "a line\n" })
            }
            #expect(failure?.message.contains("No space left on device") == true)
            #expect(fake.files[path] == nil)
            #expect(!names(in: "/p/.jeeves").contains { $0.hasPrefix("support-") })
        }
    }

    @Test("a part that is too large is cut in its middle")
    func large() async throws {
        var contents = BundleContents(redactor: Redactor([]))
        try await contents.add("x", "x") {
            "begin" + String(repeating: "x", count: BundleContents.partBytesMax) + "end"
        }
        let text = try #require(contents.parts.first?.text)
        #expect(text.utf8.count < BundleContents.partBytesMax + 64)
        #expect(text.hasPrefix("begin") && text.hasSuffix("end"))
        #expect(text.contains("\n[8 bytes left out]\n"))
    }
}
