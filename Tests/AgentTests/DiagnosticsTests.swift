import Model
import Outside
import Support
import Testing
import Tools
import Wire

@testable import Agent

@Suite struct DiagnosticsTests {
    private let fake = FakeWorld()
    private var diagnostics: Diagnostics { Diagnostics(world: fake.world) }

    @Test("the system's part runs these programs and no others, and says what failed in its place")
    func system() async throws {
        fake.processes.on("uptime", prints: "up 3 days\n")
        fake.processes.on("free") { _ in throw Failure(.notFound, "running free: not there") }
        fake.processes.on("df", prints: "/dev/root 99%\n")
        fake.processes.on("systemctl") { _ in
            Finished(ending: .exited(1), errors: "Failed to connect to bus\n")
        }
        let text = try await diagnostics.report(on: .system)
        #expect(text.contains("==> uptime\nup 3 days\n"))
        #expect(text.contains("==> free --human\n(asking: running free: not there)\n"))
        #expect(text.contains("==> df --human-readable --local\n/dev/root 99%\n"))
        #expect(text.contains("Failed to connect to bus\n\n(exit 1: Failed to connect to bus)"))
        #expect(
            fake.processes.argvs == [
                ["uptime"], ["free", "--human"], ["df", "--human-readable", "--local"],
                ["systemctl", "list-units", "--failed", "--no-pager", "--plain"],
            ])
        #expect(fake.processes.limits.allSatisfy { $0.outputBytesMax <= 256 << 10 })
    }

    @Test("HAProxy is asked three things that change nothing")
    func haproxy() async throws {
        let socket = Endpoint.unix(path: EdgeLayout().runtimeSocket)
        fake.network.onExchange(socket, changes: { _ in false }, answer: { "answer to \($0)" })
        let text = try await diagnostics.report(on: .haproxy)
        #expect(fake.network.exchanges == ["show info\n", "show stat\n", "show servers state\n"])
        #expect(text.contains("==> show stat\nanswer to show stat\n"))
        #expect(fake.ops.isEmpty)
    }

    @Test("MicroK8s is asked for its status, nodes, pods and events, never for its credentials")
    func microk8s() async throws {
        fake.processes.on("microk8s", prints: "listed\n")
        _ = try await diagnostics.report(on: .microk8s)
        let all = ["--all-namespaces", "--output=wide"]
        #expect(
            fake.processes.argvs.map { Array($0.dropFirst()) } == [
                ["status", "--wait-ready", "--timeout", "10", "--format", "yaml"],
                ["kubectl", "get", "nodes"] + all, ["kubectl", "get", "pods"] + all,
                ["kubectl", "get", "events"] + all,
            ])
    }

    @Test("versions are those of the programs and of the snap")
    func versions() async throws {
        fake.processes.on("haproxy", "-v", prints: "HAProxy version 2.8.5\n")
        fake.processes.on("certbot", "--version", prints: "certbot 2.9.0\n")
        fake.network.on("GET", Snapd.socket, "/v2/snaps/microk8s") { _ in
            let answer = """
                {"type":"sync","result":{"status":"active","version":"v1.34.1",\
                "revision":"8400","tracking-channel":"1.34/stable"}}
                """
            return HTTPResponse(status: 200, body: Array(answer.utf8))
        }
        let text = try await diagnostics.report(on: .versions)
        #expect(text.contains("HAProxy version 2.8.5"))
        #expect(text.contains("certbot 2.9.0"))
        #expect(text.contains("v1.34.1 (revision 8400), 1.34/stable, active"))
    }

    @Test("a part of a newer coordinator is refused, and does not break the link")
    func unknown() async throws {
        let newer = #"{"id":1,"body":{"diagnostics":{"_0":"weather"}}}"#
        let request = try JSON.decode(Request.self, from: newer.utf8, what: "a request")
        #expect(request.body == .diagnostics(.unknown))
        let failure = await #expect(throws: Failure.self) {
            try await diagnostics.report(on: .unknown)
        }
        #expect(failure?.code == .unsupported)
        #expect(failure?.fix.contains("jeeves-agent") == true)
    }
}
