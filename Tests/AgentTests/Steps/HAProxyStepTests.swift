import Model
import Outside
import Support
import Testing
import Tools

@testable import Agent

@Suite struct HAProxyStepTests {
    let step = HAProxyStep(spec: HAProxySpec(domain: DomainName(unchecked: "chat.example.test")))
    let path = EdgeLayout().configFile

    /// A node on which the package was just installed, with its own configuration.
    func node() -> (FakeWorld, FakeEdge) {
        let fake = FakeWorld()
        let edge = FakeEdge(fake)
        fake.files[path] = "global\n    daemon\n"
        edge.start()
        return (fake, edge)
    }

    @Test("the package's configuration is kept aside and ours is loaded")
    func differs() async throws {
        let (fake, _) = node()
        #expect(try await step.check(fake.world) == .missing)
        try await converge(step, fake.world)
        #expect(fake.files[path + ".before-jeeves"] == "global\n    daemon\n")
        #expect(fake.files.paths.filter { $0.hasPrefix("/etc/haproxy/.") }.isEmpty)
        #expect(fake.files.mode(of: EdgeLayout().certificateFolder) == 0o700)
    }

    @Test("nothing is written where it runs already")
    func alreadyRight() async throws {
        let (fake, _) = node()
        try await converge(step, fake.world)
        fake.forgetOps()
        try await converge(step, fake.world)
        #expect(fake.ops.isEmpty)
    }

    @Test("a domain that looks like the beginning of a password is none in our own file")
    func secretiveDomain() async throws {
        let (fake, _) = node()
        let step = HAProxyStep(spec: HAProxySpec(domain: DomainName(unchecked: "chat.corp-auth")))
        try await converge(step, fake.world)
        fake.forgetOps()
        try await converge(step, fake.world)
        #expect(fake.ops.isEmpty)
    }

    @Test("a crash after any effect is repaired by the next pass")
    func crashes() async throws {
        try await crashMatrix(
            setup: { node().0 }, run: { try await converge(step, $0) },
            verify: { fake in
                let condition = try await step.check(fake.world)
                #expect(condition == .right)
            })
    }

    @Test("a new spec reloads and never stops")
    func newSpec() async throws {
        let (fake, edge) = node()
        try await converge(step, fake.world)
        fake.forgetOps()
        let pid = edge.pid
        let newer = HAProxyStep(
            spec: HAProxySpec(domain: step.spec.domain, requestsPerTenSecondsMax: 100))
        try await converge(newer, fake.world)
        #expect(fake.ops.last == "haproxy.reload")
        #expect(edge.pid == pid + 1)
    }

    @Test("what would change is shown line by line, also what a person changed, but no password")
    func diff() async throws {
        let (fake, _) = node()
        try await converge(step, fake.world)
        #expect(try await step.diff(fake.world).isEmpty)
        let newer = HAProxyStep(
            spec: HAProxySpec(domain: step.spec.domain, connectionsMax: 1234))
        let diff = try await newer.diff(fake.world)
        #expect(diff.contains("\n+    maxconn 1234\n"))
        #expect(diff.contains("\n-    maxconn \(step.spec.connectionsMax)\n"))
        fake.files[path] = try #require(fake.files[path]).replacing(
            "    retries 2\n", with: "    retries 7\n    stats auth anna:s3cret\n")
        fake.forgetOps()
        let edited = try await step.diff(fake.world)
        #expect(edited.contains("\n-    retries 7\n-    stats auth [redacted]\n+    retries 2\n"))
        #expect(fake.ops.isEmpty, "it only reads")
    }

    @Test("old workers are counted in the status, and three of them hold up a change, not a start")
    func oldWorkers() async throws {
        let (fake, edge) = node()
        try await converge(step, fake.world)
        let newer = HAProxyStep(spec: HAProxySpec(domain: step.spec.domain, connectionsMax: 9))
        edge.keepOldWorkers(3)
        #expect(await step.detail(fake.world).hasSuffix(", 3 old workers end since \(Self.since)"))
        let before = fake.files[path]
        fake.forgetOps()
        do {
            try await newer.apply(fake.world)
            Issue.record("it was reloaded once more")
        } catch let failure as Failure {
            #expect(failure.code == .unavailable)
            #expect(failure.message.contains("3 old workers end since \(Self.since)"))
            #expect(failure.fix.contains("edge.drainSeconds"))
        }
        #expect(fake.files[path] == before)
        #expect(fake.ops == ["haproxy.version"])
        edge.keepOldWorkers(2)
        try await converge(newer, fake.world)
    }

    @Test("an edge that serves and is too busy to answer us is not reloaded beside old workers")
    func busy() async throws {
        let (fake, edge) = node()
        try await converge(step, fake.world)
        edge.keepOldWorkers(3)
        fake.fail("haproxy.info", with: Failure(.timeout, "talking: no answer in 5s"), times: 9)
        fake.forgetOps()
        let refusal = await #expect(throws: Failure.self) { try await step.apply(fake.world) }
        #expect(refusal?.message.contains("3 old workers end since") == true)
        #expect(fake.ops == ["haproxy.version"])
    }

    /// The second youngest of the old workers took over then.
    private static let since = "2025-12-31T23:57:50Z"

    @Test("the descriptors that a process may have are read as Linux prints them")
    func descriptors() {
        let limits = """
            Limit                     Soft Limit           Hard Limit           Units
            Max processes             31398                31398                processes
            Max open files            1024                 524288               files
            """
        #expect(Descriptors.hardLimit(in: limits) == 524_288)
        #expect(Descriptors.hardLimit(in: "") == nil)
    }

    @Test("a configuration edited by hand is reported and left, with the line that is wrong")
    func edited() async throws {
        let (fake, edge) = node()
        try await converge(step, fake.world)
        let edited = try #require(fake.files[path]).replacing("retries 2", with: "retrys 2")
        fake.files[path] = edited
        edge.refuseConfig("parsing [\(path):21] : unknown keyword 'retrys' in 'defaults' section")
        fake.forgetOps()
        #expect(try await step.check(fake.world) != .right)
        do {
            try await step.apply(fake.world)
            Issue.record("it was overwritten")
        } catch let failure as Failure {
            #expect(failure.code == .conflict)
            #expect(failure.message.contains("line 21: unknown keyword 'retrys'"))
            #expect(failure.fix.contains("mv \(path)"))
        }
        #expect(fake.files[path] == edited)
        #expect(fake.ops == ["haproxy.version", "haproxy.check"])
    }

    @Test("a configuration that a person wrote is never overwritten")
    func foreign() async throws {
        let (fake, _) = node()
        fake.files[path] = "# mine\n"
        fake.processes.on("dpkg", "--verify", prints: "??5?????? c \(path)\n")
        await #expect(throws: Failure.self) { try await step.apply(fake.world) }
        #expect(fake.files[path] == "# mine\n")
    }

    @Test("a symbolic link in its place is left alone")
    func link() async throws {
        let (fake, _) = node()
        fake.files[path] = nil
        fake.files.link(path, to: "/root/haproxy.cfg")
        await #expect(throws: Failure.self) { try await step.apply(fake.world) }
        #expect(try fake.files.linkTarget(path) == "/root/haproxy.cfg")
    }

    @Test("what HAProxy refuses is never put in place")
    func refused() async throws {
        let (fake, edge) = node()
        edge.refuseConfig("parsing [/etc/haproxy/.haproxy.cfg.jeeves:9] : no such group")
        do {
            try await step.apply(fake.world)
            Issue.record("it was put in place")
        } catch let failure as Failure {
            #expect(failure.message.contains("line 9: no such group"))
        }
        #expect(fake.files[path] == "global\n    daemon\n")
    }

    @Test("the old configuration comes back if the new one passes its test and does not run")
    func neverRuns() async throws {
        let (fake, _) = node()
        try await converge(step, fake.world)
        let before = fake.files[path]
        fake.fail("haproxy.reload", with: Failure(.failed, "reload of haproxy.service: failed"))
        let newer = HAProxyStep(spec: HAProxySpec(domain: step.spec.domain, connectionsMax: 9))
        await #expect(throws: Failure.self) { try await newer.apply(fake.world) }
        #expect(fake.files[path] == before)
        #expect(try await step.check(fake.world) == .right)
    }

    @Test("removal brings back what was there before")
    func removal() async throws {
        let (fake, _) = node()
        try await converge(step, fake.world)
        try await step.remove(fake.world)
        #expect(try await step.check(fake.world) == .missing)
        #expect(fake.files[path] == "global\n    daemon\n")
    }
}
