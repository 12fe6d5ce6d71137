import Model
import NIOPosix

/// systemd's units over D-Bus. Each call has its own connection on one thread of a small pool,
/// because a connection may not change threads and a wait must not hold up other calls.
struct LiveUnits: Units {
    private static let threads = 2
    private static let pool: NIOThreadPool = {
        let pool = NIOThreadPool(numberOfThreads: threads)
        pool.start()
        return pool
    }()

    let files: LiveFiles
    let clock: LiveClocks
    var outputFolder = "/run/jeeves"
    var connect: @Sendable () throws -> SystemdBus = { try SystemdBus() }

    func state(_ unit: String) async throws -> UnitState {
        try await onBus { bus in
            let path = try bus.unit(unit)
            // Timers and sockets have no such properties.
            let isService = unit.hasSuffix(".service")
            return UnitState(
                load: try bus.text("LoadState", of: path),
                active: try bus.text("ActiveState", of: path),
                result: isService ? try bus.text("Result", of: path, "Service") : "success",
                exitCode: isService ? try bus.number("ExecMainStatus", of: path) : 0,
                since: try bus.time("StateChangeTimestamp", of: path))
        }
    }

    func job(_ verb: UnitVerb, _ unit: String, deadline: Duration, op: Op) async throws {
        let member =
            switch verb {
            case .start: "StartUnit"
            case .stop: "StopUnit"
            case .reload: "ReloadUnit"
            case .restart: "RestartUnit"
            }
        let result = try await onBus { bus in
            try bus.job(member, of: unit, deadline: deadline) { message in
                try message.append(.string(unit))
                try message.append(.string("replace"))
            }
        }
        guard result == "done" || result == "skipped" else {
            throw Failure(
                .failed, "\(verb) of \(unit): the job ended as \(result)",
                fix: "look at `systemctl status \(unit)`")
        }
    }

    func mask(_ unit: String, op: Op) async throws {
        let before = try await state(unit)
        if before.load != "masked" {
            try await onBus { bus in
                // For good, and never over a file that a person put there.
                try bus.call("MaskUnitFiles", [.strings([unit]), .flag(false), .flag(false)])
                try bus.call("Reload")
            }
        }
        guard before.active == "active" || before.active == "activating" else { return }
        try await job(.stop, unit, deadline: .seconds(60), op: op)
    }

    func run(_ unit: TransientUnit, op: Op) async throws -> Finished {
        let running = TransientRun(unit, files: files, outputFolder: outputFolder)
        try running.refuseSecrets()
        let path = try unit.command.executablePath()
        if try await end(of: unit.name).active == "inactive" {
            try running.emptyOutput()
            try await start(unit, running.properties(path: path))
        }
        let end = try await awaitEnd(of: unit)
        let outcome = Result { try running.finished(end) }
        await collect(unit.name)
        return try outcome.get()
    }

    private func start(_ unit: TransientUnit, _ properties: [(String, BusValue)]) async throws {
        do {
            // The job's result says no more than the unit's state does, which is read next.
            _ = try await onBus { bus in
                try bus.job(
                    "StartTransientUnit", of: unit.name, deadline: .seconds(60)
                ) { message in
                    try message.append(.string(unit.name))
                    try message.append(.string("fail"))
                    try message.append(properties: properties)
                    try message.appendEmptyArray(of: "(sa(sv))")
                }
            }
        } catch let failure as Failure where failure.code == .conflict {
            // Another start of ours was quicker: its run is awaited like one found.
        }
    }

    private func awaitEnd(of unit: TransientUnit) async throws -> UnitEnd {
        // systemd stops it at its deadline; the rest is for that stop.
        try await clock.poll(
            every: .milliseconds(500), atMost: unit.deadline + .seconds(120),
            waitingFor: "the end of \(unit.name)", op: "units.await"
        ) {
            let end = try await end(of: unit.name)
            return end.isOver ? end : nil
        }
    }

    private func end(of name: String) async throws -> UnitEnd {
        try await onBus { bus in
            let path = try bus.unit(name)
            return UnitEnd(
                active: try bus.text("ActiveState", of: path),
                sub: try bus.text("SubState", of: path),
                result: try bus.text("Result", of: path, "Service"),
                code: try bus.number("ExecMainCode", of: path),
                status: try bus.number("ExecMainStatus", of: path))
        }
    }

    /// Lets systemd forget a unit whose result was read. If that fails, the next run of the same
    /// name reads this result once more, and its step checks the node anyway.
    private func collect(_ name: String) async {
        try? await onBus { bus in
            _ = try? bus.job("StopUnit", of: name, deadline: .seconds(60)) { message in
                try message.append(.string(name))
                try message.append(.string("replace"))
            }
            try? bus.call("ResetFailedUnit", [.string(name)])
        }
    }

    private func onBus<Value: Sendable>(
        _ work: @escaping @Sendable (SystemdBus) throws -> Value
    ) async throws -> Value {
        try await Self.pool.runIfActive { [connect] in try work(connect()) }
    }
}
