import Model
import Outside
import Tools

/// Debian packages are installed, and the units whose work Jeeves owns are masked.
///
/// Never upgrades or removes a package, and never answers a prompt by overwriting a file.
struct PackagesStep: Step {
    let id: StepID
    let spec: PackagesSpec

    /// The systems that the packages' behaviour is known for, as os-release(5) names them.
    static let systems = ["debian 12", "ubuntu 22.04", "ubuntu 24.04"]

    /// Throws `unsupported` on another system.
    func check(_ world: World) async throws -> Condition {
        try requireKnownSystem(world)
        let installed = try database(world).installed
        var differences = spec.names.filter { !installed.contains($0) }
            .map { Difference("package \($0)", found: "not installed", wanted: "installed") }
        for unit in try await unmasked(world) {
            differences.append(Difference(unit, found: "not masked", wanted: "masked"))
        }
        return differences.isEmpty ? .right : .differs(differences)
    }

    /// Throws `unavailable` while another package manager is at work.
    func apply(_ world: World) async throws {
        try requireKnownSystem(world)
        // Before the install, so that a timer of the package never fires.
        for unit in try await unmasked(world) {
            try await world.units.mask(unit, op: "packages.mask")
        }
        let missing = try missing(world)
        guard !missing.isEmpty else { return }
        let install = try operation(Apt.install(missing))
        // If an earlier agent's install still runs, dpkg only looks interrupted.
        if try await !world.units.isRunning(install) {
            if try isInterrupted(world) {
                try await run(
                    operation(Apt.configure()), "finishing an interrupted dpkg",
                    op: "packages.configure", world)
            }
            try await run(
                operation(Apt.update()), "reading the package lists", op: "packages.update", world)
        }
        try await run(
            install, "installing \(missing.joined(separator: ", "))", op: "packages.install", world)
    }

    func remove(_ world: World) async throws {
        throw Failure(
            .unsupported, "removing packages: Jeeves only ever installs them",
            fix: "run `apt-get remove` on the node if they are in the way")
    }

    func detail(_ world: World) async -> String {
        spec.names.isEmpty ? "" : "\(spec.names.count) packages"
    }

    private func missing(_ world: World) throws -> [String] {
        let installed = try database(world).installed
        return spec.names.filter { !installed.contains($0) }
    }

    private func unmasked(_ world: World) async throws -> [String] {
        var found: [String] = []
        for unit in spec.masked where try await world.units.state(unit).load != "masked" {
            found.append(unit)
        }
        return found
    }

    private func requireKnownSystem(_ world: World) throws {
        let system = Facts.system(try world.files.text("/etc/os-release") ?? "")
        guard Self.systems.contains(system) else {
            let known = Self.systems.joined(separator: ", ")
            throw Failure(
                .unsupported,
                "looking at the system: it is \(system.isEmpty ? "unknown" : system), not \(known)",
                fix: "make the machine from an image of one of these")
        }
    }

    private func database(_ world: World) throws -> DpkgDatabase {
        try DpkgDatabase(world.files.read(Apt.statusFile, bytesMax: DpkgDatabase.bytesMax))
    }

    private func isInterrupted(_ world: World) throws -> Bool {
        let journal = (try? world.files.list(Apt.journalFolder)) ?? []
        return try journal.contains { $0.allSatisfy(\.isNumber) }
            || !database(world).unfinished.isEmpty
    }

    private func operation(_ command: Command) throws -> TransientUnit {
        try .operation(of: id, command, deadline: .seconds(1200))
    }

    private func run(
        _ unit: TransientUnit, _ tried: String, op: Op, _ world: World
    ) async throws {
        let finished = try await world.units.run(unit, op: op)
        guard finished.succeeded else { throw Apt.failure(finished, trying: tried) }
    }
}
