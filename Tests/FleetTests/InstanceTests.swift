import Model
import Outside
import Support
import Testing

@testable import Agent
@testable import Coordinator

/// How an EC2 instance becomes a node: by what STS says of its role.
@Suite(.timeLimit(.minutes(2))) struct InstanceTests {
    private static let key = "ASIAEXAMPLE"
    private static let infrastructure = Infrastructure(
        account: Fleet.account, roleName: Fleet.role,
        machines: [
            NodeName(unchecked: "worker-1"): .init(
                role: .worker, instanceID: LoopbackSTS.Caller().instance,
                privateAddress: "10.42.0.20", publicAddress: "")
        ])

    /// A machine whose role has the access key that STS is asked about.
    private func instance(
        _ name: String, of fleet: Fleet, until expiration: String = "2026-01-01T06:00:00Z"
    ) throws -> Machine {
        let machine = try Machine(name, of: fleet, usesToken: false)
        let service = Endpoint.tcp(host: "169.254.169.254", port: 80)
        let folder = "/latest/meta-data/iam/security-credentials/"
        let credentials = """
            {"AccessKeyId":"\(Self.key)","SecretAccessKey":"secret","Token":"session",
             "Expiration":"\(expiration)"}
            """
        for (method, target, text) in [
            ("PUT", "/latest/api/token", "metadata-token"), ("GET", folder, "chat-node\n"),
            ("GET", "\(folder)chat-node", credentials),
        ] {
            machine.fake.network.on(method, service, target) { _ in
                HTTPResponse(status: 200, body: Array(text.utf8))
            }
        }
        return machine
    }

    @Test("the instance that Terraform made enrols by its role, with no secret given to it")
    func ours() async throws {
        try await LoopbackSTS.with([Self.key: .init()]) { sts in
            try await Fleet.with { fleet in
                let machine = try instance("worker-1", of: fleet)
                try await fleet.drive(environment: sts.environment) { driver in
                    try driver.run.store.put(
                        .meta, StageRun.infrastructureKey, Self.infrastructure)
                    try await driver.wish(["/etc/a"], on: machine.node)
                    try await machine.running { _ in
                        try await eventually("it is converged") {
                            try driver.isConverged(machine.node)
                        }
                    }
                }
            }
        }
    }

    /// The instance that Terraform made, enrolled, then off for 500 days as was the coordinator.
    private func withSleeper(
        _ body: @Sendable @escaping (Fleet, Machine, Driver) async throws -> Void
    ) async throws {
        try await LoopbackSTS.with([Self.key: .init()]) { sts in
            try await Fleet.with { fleet in
                let machine = try instance("worker-1", of: fleet, until: "2027-12-31T06:00:00Z")
                try await fleet.drive(environment: sts.environment) { driver in
                    try driver.run.store.put(
                        .meta, StageRun.infrastructureKey, Self.infrastructure)
                    try await machine.running { _ in
                        try await eventually("it is connected") {
                            await driver.run.downlinks.reported() == [machine.node]
                        }
                    }
                }
                fleet.fake.clock.advance(by: .seconds(500 * 86400))
                machine.fake.clock.advance(by: .seconds(500 * 86400))
                try await fleet.drive(environment: sts.environment) { driver in
                    try await body(fleet, machine, driver)
                }
            }
        }
    }

    @Test("an instance that was off for 500 days proves its role again, with a new key")
    func longAway() async throws {
        try await withSleeper { _, machine, driver in
            let before = try #require(try machine.credentials())
            try await driver.wish(["/etc/late"], on: machine.node)
            try await machine.running { agent in
                try await eventually("it is converged") {
                    machine.clock.skipRedial()
                    return try driver.isConverged(machine.node)
                }
                #expect(agent.diary.says("enrolled"))
            }
            #expect(try machine.credentials()?.keyPEM != before.keyPEM)
        }
    }

    @Test("an instance that was revoked stays out, however long it was off, until it is allowed")
    func revokedAway() async throws {
        try await withSleeper { _, machine, driver in
            try driver.revoke(machine.node)
            try await machine.running { agent in
                try await eventually("it is told why not") {
                    agent.diary.says("enrolling worker-1: it has been revoked")
                }
                #expect(await driver.run.downlinks.connected().isEmpty)
                try driver.allow(machine.node)
                try await eventually("it is back") {
                    machine.clock.skipRedial()
                    return await driver.run.downlinks.connected() == [machine.node]
                }
            }
        }
    }

    @Test(
        "another instance, account or role is refused and told who it is",
        arguments: [
            LoopbackSTS.Caller(instance: "i-0aaaaaaaaaaaaaaaa"),
            LoopbackSTS.Caller(account: "999999999999"), LoopbackSTS.Caller(role: "admin"),
        ])
    func another(caller: LoopbackSTS.Caller) async throws {
        let sentence =
            "STS says it is \(caller.instance) with role \(caller.role) of \(caller.account)"
        try await refused("worker-1", [Self.key: caller], sentence)
    }

    @Test("our instance under a name that Terraform gave to none is refused")
    func anotherName() async throws {
        try await refused(
            "worker-2", [Self.key: .init()], "enrolling worker-2: this cluster has no such node")
    }

    @Test("credentials that AWS does not know are refused")
    func unknownKey() async throws {
        try await refused("worker-1", [:], "checking a node's proof with AWS")
    }

    private func refused(
        _ name: String, _ callers: [String: LoopbackSTS.Caller], _ sentence: String
    ) async throws {
        try await LoopbackSTS.with(callers) { sts in
            try await Fleet.with { fleet in
                let machine = try instance(name, of: fleet)
                try await fleet.drive(environment: sts.environment) { driver in
                    try driver.run.store.put(
                        .meta, StageRun.infrastructureKey, Self.infrastructure)
                    try await machine.running { agent in
                        try await eventually("it is told why not") { agent.diary.says(sentence) }
                    }
                    #expect(try machine.credentials() == nil)
                    #expect(await driver.run.downlinks.connected().isEmpty)
                }
            }
        }
    }
}
