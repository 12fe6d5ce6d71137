import Foundation
import Logging
import Model
import Outside
import Support
import Synchronization
import Tools
import Trust

@testable import Agent

/// One cluster's controller: the agent's own parts in a fake world, and the trouble that comes to
/// it. It has no coordinator, nor does it miss one.
struct SimulatedNode: Sendable {
    /// What happens to one node in its year.
    struct Troubles: Sendable {
        /// Its port 80 cannot be reached from the CA.
        var closed: [Range<Date>] = []
        /// Its clock is off by so much.
        var clockFaults: [(span: Range<Date>, error: Duration)] = []
        /// A person asks for a renewal.
        var wishes: [Date] = []
        /// The agent asks the CA when to renew and hears something new.
        var news: [Date] = []
        /// How many of its passes are cut off by a kill.
        var kills = 0.0

        /// When the next of it begins or ends.
        func turn(after date: Date) -> Date {
            let spans = closed + clockFaults.map(\.span)
            let turns = spans.flatMap { [$0.lowerBound, $0.upperBound] } + wishes + news
            return turns.filter { $0 > date }.min() ?? .distantFuture
        }

        func clockError(at date: Date) -> Duration {
            clockFaults.first { $0.span.contains(date) }?.error ?? .zero
        }
    }

    /// Longest time without a pass. The agent makes one every five minutes; those that cannot find
    /// anything new are left out here.
    static let idleMax = Duration.days(40)
    private static let interval = Duration.minutes(5)
    /// While the CA is down or the clock is wrong, most passes find just that.
    private static let vainInterval = Duration.minutes(30)

    let domain: DomainName
    let lifetime: Duration
    let fake: FakeWorld
    let haproxy = SimulatedHAProxy()
    let ca: SimulatedCA
    let troubles: Troubles
    /// When the cluster's certificate is wanted first.
    let created: Date
    private let start: Date
    private let chance: SeededChance

    init(
        _ domain: String, lifetime: Duration, ca: SimulatedCA, start: Date, created: Date,
        troubles: Troubles, seed: UInt64
    ) throws {
        self.domain = DomainName(unchecked: domain)
        self.lifetime = lifetime
        self.ca = ca
        self.start = start
        self.created = created
        self.troubles = troubles
        fake = FakeWorld(now: start, seed: seed)
        chance = SeededChance(seed ^ 0xA6E7)
        try setUp()
    }

    private func setUp() throws {
        let layout = EdgeLayout()
        fake.files.directory("/var/lib/jeeves", mode: 0o700)
        fake.files.directory(layout.certificateFolder, mode: 0o700)
        fake.files[layout.certificateList] = ""
        fake.units.install(HAProxyStep.unit)
        fake.processes.on("haproxy", "-c") { _ in Finished(ending: .exited(0)) }
        let certbot = try SimulatedCertbot(
            domain: domain, ca: ca, lifetime: lifetime, files: fake.files, chance)
        fake.units.on("certbot") { [self] command in
            guard isClockTrusted else {
                return Finished(
                    ending: .exited(1), errors: "SSLError: CERTIFICATE_VERIFY_FAILED\n")
            }
            fake.clock.advance(by: chance.duration(.seconds(5)...(.seconds(30))))
            return try certbot.run(
                command, isReachable: !troubles.closed.contains { $0.contains(now) }, at: now)
        }
        fake.network.onExchange(
            .unix(path: layout.runtimeSocket), changes: { !$0.hasPrefix("show ") }
        ) { [self] in try haproxy.answer($0, at: now) }
        ca.serve(on: self)
        fake.network.on("PUT", .tcp(host: "169.254.169.254", port: 80), "/") { _ in
            throw Failure(.unavailable, "asking for instance metadata: there is none here")
        }
        try SpecFile(files: fake.files, path: StateFolder().spec).accept(spec, as: settings)
    }

    /// Whether the CA's own certificate is valid by this node's clock.
    var isClockTrusted: Bool {
        let error = troubles.clockError(at: now)
        return error < .days(45) && error > .days(-45)
    }

    private var settings: Settings {
        Settings(
            cluster: ClusterID(unchecked: "chat"), node: NodeName(unchecked: "controller-1"),
            pin: Hash.sha256([]), coordinators: ["127.0.0.1:7443"], region: "", tokenFile: nil)
    }

    /// What the coordinator left behind: one step.
    private var spec: NodeSpec {
        NodeSpec(
            cluster: settings.cluster, node: settings.node, epoch: 1,
            run: RunID(unchecked: "aaaaaaaaaaaaaaaa"), generation: 1, digest: Hash.sha256([]),
            steps: [StepSpec(id: step.id, body: .certificate(step.spec))])
    }

    /// The agent asks the CA when to renew. It is made anew each time: it may remember nothing that
    /// is not on disk.
    private func ask() async {
        let silent = Logger(label: "node", factory: { _ in SwiftLogNoOpLogHandler() })
        let state = StateFolder()
        let reconciler = Reconciler(
            settings: settings, state: state, world: fake.world,
            facts: Facts(system: "", kernel: "", bootID: "", address: "", instanceID: ""),
            events: EventSpool(files: fake.files, state: state), version: "1", log: silent,
            makeStep: { _ in step })
        _ = await RenewalInquiry(reconciler: reconciler, world: fake.world, log: silent).turn()
    }

    /// The true time, whatever its clock says.
    var now: Date { start + fake.clock.uptime() }

    private var step: CertificateStep {
        CertificateStep(
            id: StepID(unchecked: "certificate"),
            spec: CertificateSpec(
                domain: domain, email: "ops@\(domain)", directory: ca.directory,
                trustPEM: ca.mint.rootPEM),
            state: "/var/lib/jeeves", look: { [haproxy] _, _, _ in try haproxy.handshake() })
    }

    /// Lets time pass until `date`, makes one pass of the agent, and says when the next one is due.
    func pass(at date: Date) async -> Date {
        if date > now { fake.clock.advance(by: date - now) }
        let error = troubles.clockError(at: now)
        fake.clock.setWall(now + error)
        if troubles.wishes.contains(date) { try? step.wishRenewal(fake.world) }
        if chance.fraction() < troubles.kills { fake.crash(after: 1 + chance.index(12)) }
        let served = haproxy.served.count
        await ask()
        let outcome = await converge(step)
        if haproxy.served.count != served { await ask() }
        let detail = await step.detail(fake.world)
        let wasKilled = fake.crashedAfter != nil
        fake.restart()
        fake.forgetOps()
        let wanted =
            wasKilled ? now + .seconds(10) : wish(after: outcome, detail, clockError: error)
        return min(
            max(wanted, now + .seconds(10)), now + Self.idleMax, troubles.turn(after: now))
    }

    /// What the reconciler does with one step.
    private func converge(_ step: CertificateStep) async -> Failure? {
        do {
            if try await step.check(fake.world) != .right {
                try await step.apply(fake.world)
                let condition = try await step.check(fake.world)
                guard condition == .right else {
                    throw Failure(.failed, "it still differs: \(condition)")
                }
            }
            return nil
        } catch { return Failure(error, trying: "making the certificate right") }
    }

    /// The first pass that can find something new, from the agent's own words.
    private func wish(
        after failure: Failure?, _ detail: String, clockError: Duration
    ) -> Date {
        let said =
            failure.map { Self.nextTry($0.message) } ?? ServedCertificate(detail)?.renewsFrom
        guard let said else {
            let isVain = clockError != .zero || ca.outages.contains { $0.contains(now) }
            return now + (isVain ? Self.vainInterval : Self.interval)
        }
        return max(said - clockError, now) + chance.jitter(Self.interval)
    }

    private static func nextTry(_ message: String) -> Date? {
        guard let start = message.ranges(of: "next try at ").last?.upperBound else { return nil }
        return try? Date(String(message[start...].prefix(20)), strategy: .iso8601)
    }
}
