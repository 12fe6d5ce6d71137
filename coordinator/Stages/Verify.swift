import Model
import Outside
import Trust

/// The gate: looks at the chat from outside, as a person's browser would.
///
/// It goes through Route 53's answer and the elastic address: resolve, TCP, TLS (name, chain, days
/// left), the redirect of port 80, and what the edge answers.
struct Verify: Stage {
    let name = StageName.verify

    func plan(_ run: StageRun) async throws -> [Change] { [] }

    func run(_ run: StageRun) async throws -> String {
        let gate = Gate(
            domain: run.cluster.domain, trustPEM: try trust(run), world: run.world,
            lookup: { domain in
                let zone = try await run.cloud.route53.zone(
                    for: domain, id: run.cluster.dns.zoneID)
                let servers = try await run.cloud.route53.nameServers(of: zone)
                guard let server = servers.first else { return [] }
                return try await run.cloud.lookup(domain, at: server)
            })
        let verdict = try await gate.pass()
        try run.store.put(.meta, Self.verdictKey, verdict)
        return verdict.summary
    }

    static let verdictKey = "gate"

    private func trust(_ run: StageRun) throws -> String {
        let path = run.cluster.certificate.acme.trustFile
        guard !path.isEmpty else { return "" }
        let full = path.hasPrefix("/") ? path : "\(run.project.folder)/\(path)"
        return try run.world.files.text(full) ?? ""
    }
}
