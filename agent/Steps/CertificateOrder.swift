import Model
import Outside
import Tools

/// Has certbot order a certificate, within the budget. It never judges what is due, nor what
/// certbot left: that is the step's.
struct CertificateOrder: Sendable {
    let id: StepID
    let spec: CertificateSpec
    /// The agent's own folder.
    let state: String
    let layout: EdgeLayout

    private var certbot: Certbot { Certbot(layout: layout) }
    private var budgetFile: String { "\(state)/certificate.json" }
    private var caFile: String { "\(state)/acme-ca.pem" }

    /// Runs certbot, or waits for the one that an earlier agent started. Each start counts.
    /// `forcing` orders even if certbot thinks it too early. Throws what the CA answered, in words;
    /// while the next try is not due, what it answered last.
    func place(forcing: Bool, _ world: World) async throws {
        let command = certbot.issue(
            spec, caFile: spec.caPEM.isEmpty ? nil : caFile, forcing: forcing)
        let unit = try TransientUnit.operation(of: id, command, deadline: .seconds(600))
        var budget = try budget(world)
        if try await !world.units.isRunning(unit) {
            try budget.requireTurn(now: world.clock.now())
            if !spec.caPEM.isEmpty {
                try world.files.replace(
                    caFile, with: Array(spec.caPEM.utf8), mode: 0o644, op: "certificate.ca")
            }
            budget.begin(now: world.clock.now())
            try budget.save(budgetFile, world.files)
        }
        let finished: Finished
        do { finished = try await world.units.run(unit, op: "certificate.certbot") } catch let
            failure as Failure where failure.code == .timeout
        {
            budget.fail(failure, now: world.clock.now(), retryAfter: nil, chance: world.chance)
            try budget.save(budgetFile, world.files)
            throw failure
        }
        try conclude(finished, &budget, world)
    }

    /// Throws why the last try failed, and when the next may be, unless that is now.
    func requireTurn(_ world: World) throws {
        try budget(world).requireTurn(now: world.clock.now())
    }

    private func conclude(
        _ finished: Finished, _ budget: inout OrderBudget, _ world: World
    ) throws {
        if finished.succeeded {
            budget.succeed()
            return try budget.save(budgetFile, world.files)
        }
        let log = (try? world.files.read(certbot.log, bytesMax: CertbotTrouble.logBytesMax)) ?? []
        let trouble = CertbotTrouble(finished, log: String(decoding: log, as: UTF8.self))
        let failure = trouble.failure(for: spec)
        if trouble.isBusy {
            budget.withdraw()
        } else {
            budget.fail(
                failure, now: world.clock.now(), retryAfter: trouble.retryAfter,
                chance: world.chance)
        }
        try budget.save(budgetFile, world.files)
        throw failure
    }

    private func budget(_ world: World) throws -> OrderBudget {
        try OrderBudget.read(
            budgetFile, purpose: "\(spec.domain) \(spec.directory)", world.files)
    }
}
