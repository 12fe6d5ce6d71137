import Model
import Outside
import Trust

/// The gate: looks at the chat from outside, as a person's browser would.
///
/// It goes through Route 53's answer and the elastic address: resolve, TCP, TLS (name, chain, days
/// left), the redirect of port 80, and what the edge answers; the chat itself once it has routes.
struct Verify: Stage {
    let name = StageName.verify
    /// A route that was just made serves some seconds later.
    static let patience = Duration.seconds(60)
    var talk: Gate.Talk = Gate.live

    func plan(_ run: StageRun) async throws -> [Change] { [] }

    /// Throws `gate` with the first thing that a browser would stumble over.
    func run(_ run: StageRun) async throws -> String {
        let verdict = try await patiently(gate(run), run)
        try run.store.put(.meta, Self.verdictKey, verdict)
        return verdict.summary
    }

    /// The gate at the zone's answer, or at `address` whatever the zone says.
    func gate(_ run: StageRun, at address: String? = nil) throws -> Gate {
        Gate(
            domain: run.cluster.domain,
            trustPEM: try run.project.trustPEM(of: run.cluster, run.world.files),
            wantsChat: try wantsChat(run), world: run.world,
            lookup: { domain in
                if let address, !address.isEmpty { return [address] }
                let zone = try await run.cloud.route53.zone(
                    for: domain, id: run.cluster.dns.zoneID)
                let servers = try await run.cloud.route53.nameServers(of: zone)
                guard let server = servers.first else { return [] }
                return try await run.cloud.lookup(domain, at: server)
            },
            talk: talk)
    }

    static let verdictKey = "gate"

    private func wantsChat(_ run: StageRun) throws -> Bool {
        try run.store.get(Bool.self, .meta, Routes.servingKey) ?? false
    }

    /// Looks again while the chat may still be on its way; the edge alone is judged at once.
    private func patiently(_ gate: Gate, _ run: StageRun) async throws -> Gate.Verdict {
        let clock = run.world.clock
        let end = clock.uptime() + (gate.wantsChat ? Self.patience : .zero)
        while true {
            do { return try await gate.pass() } catch let failure as Failure {
                guard failure.mayPass, clock.uptime() < end else { throw Self.advised(failure) }
                try await clock.sleep(.seconds(2), op: "verify.wait")
            }
        }
    }

    /// What a browser met is the gate's verdict; what kept us from looking stays what it is. What
    /// is met says little about its cause; the layers below it do.
    static func advised(_ failure: Failure) -> Failure {
        Failure(
            failure.mayPass ? .gate : failure.code, failure.message,
            fix: failure.fix.isEmpty
                ? "look at `jeeves status`, mend the layer that is wrong, and run `jeeves up` again"
                : failure.fix)
    }
}
