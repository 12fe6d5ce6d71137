import Model
import Outside
import Support
import Testing

struct FakeWorldTests {
    @Test("effects are listed in order, reads and sleeps are not")
    func ops() async throws {
        let fake = FakeWorld()
        fake.processes.on("haproxy", "-c", prints: "ok")
        fake.units.install("haproxy.service")
        let world = fake.world
        try world.files.makeDirectory("/etc/haproxy", mode: 0o755, op: "folder")
        try world.files.replace("/etc/haproxy/haproxy.cfg", with: [65], mode: 0o644, op: "config")
        #expect(try world.files.text("/etc/haproxy/haproxy.cfg") == "A")
        let checked = try await world.processes.output(
            of: Command("/usr/sbin/haproxy", ["-c", "-f", "x"]),
            limits: Limits(deadline: .seconds(1)), op: "check")
        #expect(checked == "ok")
        try await world.clock.sleep(.seconds(60), op: "wait")
        try await world.units.job(.reload, "haproxy.service", deadline: .seconds(1), op: "reload")
        #expect(fake.ops == ["folder", "config", "check", "reload"])
        #expect(fake.clock.uptime() == .seconds(60))
    }

    @Test("after a crash the effect has happened, and nothing more does until the restart")
    func crash() throws {
        let fake = FakeWorld()
        let files = fake.world.files
        fake.crash(after: 2)
        try files.replace("/etc/a", with: [1], mode: 0o600, op: "a")
        #expect(throws: Crash.self) { try files.replace("/etc/b", with: [2], mode: 0o600, op: "b") }
        #expect(throws: Crash.self) { try files.replace("/etc/c", with: [3], mode: 0o600, op: "c") }
        #expect(throws: Crash.self) { try files.info("/etc/a") }
        #expect(fake.files.paths == ["/etc/a", "/etc/b"])
        fake.restart()
        try files.replace("/etc/c", with: [3], mode: 0o600, op: "c")
        #expect(fake.ops == ["a", "b", "c"])
    }

    @Test("a failure that was set hits exactly that effect, which then does not happen")
    func failures() throws {
        let fake = FakeWorld()
        let full = Failure(.failed, "replacing /etc/b: No space left on device")
        fake.fail("b", with: full)
        let files = fake.world.files
        try files.replace("/etc/a", with: [1], mode: 0o600, op: "a")
        #expect(throws: full) { try files.replace("/etc/b", with: [2], mode: 0o600, op: "b") }
        #expect(fake.files["/etc/b"] == nil)
        try files.replace("/etc/b", with: [2], mode: 0o600, op: "b")
    }

    @Test("what was not set up fails by name")
    func surprises() async throws {
        let fake = FakeWorld()
        let failure = await #expect(throws: Failure.self) {
            try await fake.world.processes.run(
                Command("snap", ["install", "microk8s"]), limits: Limits(deadline: .seconds(1)),
                op: "snap.install")
        }
        #expect(failure?.message.contains(#"["snap", "install", "microk8s"]"#) == true)
        #expect(fake.surprises.count == 1)
        #expect(fake.ops.isEmpty)
    }

    @Test("fake files keep the contract of files: links are followed by reads, refused by writes")
    func files() throws {
        let fake = FakeWorld()
        let files = fake.world.files
        fake.files["/etc/letsencrypt/archive/a/cert1.pem"] = "one"
        fake.files.link("/etc/letsencrypt/live/a/cert.pem", to: "../../archive/a/cert1.pem")
        fake.files.link("/var/live", to: "/etc/letsencrypt/live")
        #expect(try files.text("/var/live/a/cert.pem") == "one")
        #expect(try files.info("/var/live/a/cert.pem")?.kind == .link)
        #expect(try files.list("/etc/letsencrypt") == ["archive", "live"])
        let failure = #expect(throws: Failure.self) {
            try files.replace("/var/live/a/cert.pem", with: [], mode: 0o600, op: "a")
        }
        #expect(failure?.code == .conflict)
        #expect(throws: Failure.self) {
            try files.replace("/no/such/folder", with: [], mode: 0o600, op: "b")
        }
        #expect(throws: Failure.self) { try files.remove("/etc/letsencrypt", op: "c") }
    }

    @Test("the crash matrix finds code that does not converge after one crash, and names it")
    func matrix() async throws {
        /// Says that it is done before it is.
        @Sendable func careless(_ world: World) async throws {
            guard try world.files.text("/run/done") == nil else { return }
            try world.files.replace("/run/done", with: [1], mode: 0o600, op: "done")
            try world.files.replace("/run/work", with: [2], mode: 0o600, op: "work")
        }
        @Sendable func careful(_ world: World) async throws {
            guard try world.files.text("/run/done") == nil else { return }
            try world.files.replace("/run/work", with: [2], mode: 0o600, op: "work")
            try world.files.replace("/run/done", with: [1], mode: 0o600, op: "done")
        }
        @Sendable func verify(_ fake: FakeWorld) throws {
            guard fake.files["/run/work"] != nil else { throw Failure(.failed, "no work done") }
        }
        try await crashMatrix(setup: { FakeWorld() }, run: careful, verify: verify)
        let failure = await #expect(throws: Failure.self) {
            try await crashMatrix(setup: { FakeWorld() }, run: careless, verify: verify)
        }
        #expect(failure?.message == "rerun after a crash at effect 1, done: no work done")
    }
}
