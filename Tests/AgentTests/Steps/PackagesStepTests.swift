import Model
import Outside
import Support
import Testing
import Tools

@testable import Agent

@Suite struct PackagesStepTests {
    let step = PackagesStep(
        id: StepID(unchecked: "packages"),
        spec: PackagesSpec(names: ["certbot", "haproxy"], masked: ["certbot.timer"]))

    /// A Debian 12 on which apt installs what it is asked for.
    func node(installed: [String] = [], system: String = "debian\nVERSION_ID=\"12\"") -> FakeWorld {
        let fake = FakeWorld()
        fake.files["/etc/os-release"] = "ID=\(system)\n"
        fake.files[Apt.statusFile] = Self.status(installed)
        fake.units.on("apt-get", "update") { _ in Finished(ending: .exited(0)) }
        fake.units.on("dpkg") { _ in Finished(ending: .exited(0)) }
        fake.units.on("apt-get", "install") { command in
            let names = command.arguments.drop { $0 != "--" }.dropFirst()
            fake.files[Apt.statusFile]? += Self.status(Array(names))
            return Finished(ending: .exited(0))
        }
        return fake
    }

    static func status(_ names: [String], _ state: String = "install ok installed") -> String {
        names.map { "Package: \($0)\nStatus: \(state)\nVersion: 1\n\n" }.joined()
    }

    @Test("nothing is written where the packages are there and the timer is masked")
    func alreadyRight() async throws {
        let fake = node(installed: ["certbot", "haproxy"])
        try await fake.world.units.mask("certbot.timer", op: "setup")
        fake.forgetOps()
        try await converge(step, fake.world)
        #expect(fake.ops.isEmpty)
    }

    @Test("the timer is masked before its package comes, and only what is missing is installed")
    func differs() async throws {
        let fake = node(installed: ["haproxy"])
        try await converge(step, fake.world)
        #expect(fake.ops == ["packages.mask", "packages.update", "packages.install"])
        #expect(fake.units.ran.last?.command.arguments.suffix(2) == ["--", "certbot"])
        #expect(fake.units.ran.allSatisfy { $0.name.hasPrefix("jeeves-op-packages-") })
    }

    @Test("a crash after any effect is repaired by the next pass")
    func crashes() async throws {
        try await crashMatrix(
            setup: { node() }, run: { try await converge(step, $0) },
            verify: { fake in
                let condition = try await step.check(fake.world)
                #expect(condition == .right)
            })
    }

    @Test("an interrupted dpkg is finished first")
    func interrupted() async throws {
        let fake = node()
        fake.files[Apt.statusFile]? += Self.status(["libc6"], "install ok half-configured")
        try await converge(step, fake.world)
        #expect(fake.ops.contains("packages.configure"))
    }

    @Test("an install that an earlier agent started is awaited, though dpkg looks interrupted")
    func found() async throws {
        let fake = node()
        fake.files[Apt.statusFile]? += Self.status(["certbot"], "install ok unpacked")
        let install = try TransientUnit.operation(
            of: step.id, Apt.install(step.spec.names), deadline: .seconds(1))
        fake.units.install(install.name)
        try await converge(step, fake.world)
        #expect(fake.ops == ["packages.mask", "packages.install"])
    }

    @Test("a held lock is busy and not broken")
    func locked() async throws {
        let fake = node()
        fake.units.on("apt-get", "update") { _ in
            Finished(
                ending: .exited(100),
                output: "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 7\n")
        }
        let told = await #expect(throws: Failure.self) { try await step.apply(fake.world) }
        #expect(told?.code == .unavailable)
        #expect(told?.message == "reading the package lists: another package manager is at work")
        #expect(told?.fix.hasPrefix("wait, it is tried again by itself") == true)
    }

    @Test("another system is refused before anything is touched")
    func otherSystem() async throws {
        let fake = node(system: "fedora\nVERSION_ID=42")
        await #expect(throws: Failure.self) { try await step.check(fake.world) }
        await #expect(throws: Failure.self) { try await step.apply(fake.world) }
        #expect(fake.ops.isEmpty)
    }
}
