import FoundationEssentials
import Model
import Outside
import Tools
import Trust

/// Has certbot order a certificate: within the budget, after the preflights, and after a failure
/// only when a rehearsal has gone well. It never judges what is due: that is the step's.
struct CertificateOrder: Sendable {
    let id: StepID
    let spec: CertificateSpec
    /// The agent's own folder.
    let state: String
    let layout: EdgeLayout

    private var certbot: Certbot { Certbot(layout: layout) }
    private var budgetFile: String { "\(state)/certificate.json" }
    private var caFile: String { "\(state)/acme-ca.pem" }
    private var caFileIfAny: String? { spec.caPEM.isEmpty ? nil : caFile }

    private var purpose: OrderBudget.Purpose {
        OrderBudget.Purpose(domain: spec.domain, directory: spec.directory)
    }

    /// Runs certbot, or waits for the one that an earlier agent started. Each start counts.
    /// `forcing` orders even if certbot thinks it too early; `judging` returns what certbot left,
    /// and throws unless that is what was wanted. Throws what the CA answered, in words; while the
    /// next try is not due, what it answered last; and what a preflight found, which costs nothing.
    func place<Value>(
        forcing: Bool, _ world: World, judging: () async throws -> Value
    ) async throws -> Value {
        let unit = try unit(certbot.issue(spec, caFile: caFileIfAny, forcing: forcing))
        var budget = try OrderBudget.read(budgetFile, for: purpose, world.files)
        if try await !world.units.isRunning(unit) {
            let limits = OrderLimits(directory: spec.directory, lifetime: lifetime(world))
            try budget.requireTurn(for: purpose, limits: limits, now: world.clock.now())
            try await preflight(world).run(after: budget.trouble(for: purpose), world)
            if let caFile = caFileIfAny {
                try world.files.replace(
                    caFile, with: Array(spec.caPEM.utf8), mode: 0o644, op: "certificate.ca")
            }
            try await rehearse(&budget, world)
            budget.begin(purpose, now: world.clock.now())
            try budget.save(budgetFile, world.files)
        }
        if let trouble = try await trouble(running: unit, &budget, world) {
            try note(trouble, &budget, world)
        }
        return try await conclude(&budget, world, judging)
    }

    /// Throws why a person may not have one ordered now, and when the next turn is.
    func requireTurn(_ world: World) throws {
        try OrderBudget.read(budgetFile, for: purpose, world.files).requireTurn(
            for: purpose,
            limits: OrderLimits(directory: spec.directory, lifetime: lifetime(world)),
            wished: true, now: world.clock.now())
    }

    /// How many more may be ordered now, whatever the wait after a failure.
    func left(_ world: World) throws -> Int {
        try OrderBudget.read(budgetFile, for: purpose, world.files).left(
            for: purpose,
            limits: OrderLimits(directory: spec.directory, lifetime: lifetime(world)),
            now: world.clock.now())
    }

    private func preflight(_ world: World) -> OrderPreflight {
        OrderPreflight(
            spec: spec, layout: layout,
            patience: OrderLimits.waitMax(lifetime: lifetime(world)) / 2)
    }

    private func unit(_ command: Command) throws -> TransientUnit {
        try TransientUnit.operation(of: id, command, deadline: .seconds(600))
    }

    /// Of what certbot has now, be it still valid or not; nil if it has none.
    private func lifetime(_ world: World) -> Duration? {
        guard
            let facts = try? Lineage.read(of: spec.domain, spec.keyType, certbot, world.files)?
                .facts
        else {
            return nil
        }
        return .seconds(facts.notAfter.timeIntervalSince(facts.notBefore))
    }
}

extension CertificateOrder {
    /// After a failure, orders where that costs nothing and changes nothing. Throws what would fail
    /// again; trouble of the rehearsal's own CA says nothing about ours.
    private func rehearse(_ budget: inout OrderBudget, _ world: World) async throws {
        guard budget.trouble(for: purpose) != nil, let directory = spec.rehearsalDirectory else {
            return
        }
        let stage = OrderBudget.Purpose(domain: spec.domain, directory: directory)
        let unit = try unit(certbot.rehearse(spec, at: directory, caFile: caFileIfAny))
        if try await !world.units.isRunning(unit) {
            let limits = OrderLimits(directory: directory, lifetime: lifetime(world))
            try budget.requireTurn(for: stage, limits: limits, now: world.clock.now())
            budget.begin(stage, now: world.clock.now())
            try budget.save(budgetFile, world.files)
        }
        let trouble = try await trouble(running: unit, &budget, world)
        if let trouble, !trouble.isOfTheCA { try note(trouble, &budget, world) }
        budget.rehearsed()
    }

    /// Nil if certbot says that it succeeded.
    private func trouble(
        running unit: TransientUnit, _ budget: inout OrderBudget, _ world: World
    ) async throws -> CertbotTrouble? {
        let finished: Finished
        do { finished = try await world.units.run(unit, op: "certificate.certbot") } catch let
            failure as Failure where failure.code == .timeout
        {
            try fail(failure, nil, &budget, world)
            throw failure
        }
        if finished.succeeded { return nil }
        let log = (try? world.files.read(certbot.log, bytesMax: CertbotTrouble.logBytesMax)) ?? []
        return CertbotTrouble(finished, log: String(decoding: log, as: UTF8.self))
    }

    private func note(
        _ trouble: CertbotTrouble, _ budget: inout OrderBudget, _ world: World
    ) throws {
        let failure = trouble.failure(for: spec)
        if trouble.isBusy {
            budget.withdraw()
            try budget.save(budgetFile, world.files)
        } else {
            try fail(failure, trouble, &budget, world)
        }
        throw failure
    }

    /// The CA has given a certificate, which counts there whatever it is worth to us.
    private func conclude<Value>(
        _ budget: inout OrderBudget, _ world: World, _ judging: () async throws -> Value
    ) async throws -> Value {
        budget.issued()
        let value: Value
        do { value = try await judging() } catch let failure as Failure {
            try fail(failure, nil, &budget, world)
            throw failure
        }
        budget.succeed()
        try budget.save(budgetFile, world.files)
        return value
    }

    private func fail(
        _ failure: Failure, _ trouble: CertbotTrouble?, _ budget: inout OrderBudget, _ world: World
    ) throws {
        budget.fail(
            purpose, failure, kind: trouble?.kind, now: world.clock.now(),
            retryAfter: trouble?.retryAfter,
            waitMax: OrderLimits.waitMax(lifetime: lifetime(world)), chance: world.chance)
        try budget.save(budgetFile, world.files)
    }
}
