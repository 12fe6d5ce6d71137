import Model
import Outside
import Store
import Tools

/// Sets up where Terraform keeps its state. A state that exists somewhere else is moved only if a
/// person said so, and never over another one; a state that is found in a new place has to be this
/// cluster's. From a wrong one Terraform would make everything twice, or end what is another's.
struct StateMove: Sendable {
    /// The place whose state is known to be this cluster's.
    static let checkedKey = "terraformPlace"
    private static let limits = Limits(deadline: .seconds(120), outputBytesMax: 32 << 20)

    let run: StageRun
    let wanted: TerraformBackend

    init(_ run: StageRun) {
        self.run = run
        wanted = TerraformBackend(run.cluster)
    }

    /// Writes the backend file; returns how Terraform has to be initialised. Throws `conflict`, and
    /// has written nothing, if the state is elsewhere and may not be moved, or if the one that is
    /// found is not this cluster's.
    func prepare() async throws -> Terraform.Initialization {
        let noted = try run.world.files.readIfThere(
            "\(run.project.terraform)/\(TerraformBackend.noted)")
        let current = try TerraformBackend(noted: noted)
        // A state that has moved to S3 leaves an empty file.
        let local = try run.world.files.info(localState).map { $0.bytes > 0 } ?? false
        let initialization: Terraform.Initialization =
            if current == wanted {
                .plain
            } else if current == .local && !local {
                .anew
            } else {
                .moving
            }
        if initialization == .moving {
            try requireWord(from: current)
            try await requireOurs(in: current)
            try await requireRoom(from: current)
        } else {
            try await requireOurs(in: wanted)
        }
        // Only now: a run that is killed before this looks again.
        if try checked() != wanted.description {
            try run.store.put(.meta, Self.checkedKey, wanted.description)
        }
        try writeBackend()
        return initialization
    }

    private func writeBackend() throws {
        let files = run.world.files
        let path = "\(run.project.terraform)/\(TerraformBackend.file)"
        if let content = try wanted.content() {
            if try files.readIfThere(path) != content {
                try files.replace(path, with: content, mode: 0o600, op: "terraform.backend")
            }
        } else if try files.info(path) != nil {
            try files.remove(path, op: "terraform.backend")
        }
    }

    private func checked() throws -> String {
        try run.store.get(String.self, .meta, Self.checkedKey) ?? TerraformBackend.local.description
    }
}

/// What has to be right before anything is written.
extension StateMove {
    private func requireWord(from current: TerraformBackend) throws {
        guard !run.options.moveState else { return }
        throw Failure(
            .conflict,
            "preparing Terraform: its state is in \(current), and the cluster file wants it in "
                + "\(wanted)",
            fix: "if it shall move there, run `jeeves up --move-state`; else mend "
                + "`terraform.backend` in \(run.project.clusterFile)")
    }

    /// A state is this cluster's if it names one of its machines, or is empty while there are none.
    /// A place that was found right once is not asked again.
    private func requireOurs(in place: TerraformBackend) async throws {
        guard try checked() != place.description else { return }
        let machines = (try? run.infrastructure())?.machines ?? [:]
        let state = try await state(in: place)
        if machines.isEmpty {
            guard let state, !state.isEmpty else { return }
            throw Failure(
                .conflict,
                "preparing Terraform: the state in \(place) holds resources already, and this "
                    + "cluster has no machines yet",
                fix: "name another `terraform.backend.s3.key` in \(run.project.clusterFile); if "
                    + "the state is this cluster's, bring its state folder back by "
                    + "`jeeves restore`")
        }
        guard let state, machines.values.contains(where: { state.names($0.instanceID) }) else {
            throw Failure(
                .conflict,
                "preparing Terraform: the state in \(place) names none of the cluster's machines",
                fix: "mend `terraform.backend` in \(run.project.clusterFile), or bring the state "
                    + "back to that place")
        }
    }

    /// Terraform writes over whatever is there: only nothing, or an older copy, may be.
    private func requireRoom(from current: TerraformBackend) async throws {
        guard let there = try await state(in: wanted), !there.isEmpty else { return }
        let own = try await state(in: current)
        guard let own, own.lineage == there.lineage, own.serial >= there.serial else {
            throw Failure(
                .conflict,
                "moving Terraform's state: \(wanted) holds another one already, or a newer one",
                fix: "mend `terraform.backend` in \(run.project.clusterFile), or move away what "
                    + "is there")
        }
    }
}

/// Looking at a state without touching it.
extension StateMove {
    private var localState: String { "\(run.project.terraform)/terraform.tfstate" }

    /// Nil if there is none. One in S3 is read by way of a working folder that holds nothing but
    /// the backend, so that Terraform's own folder stays as it is.
    private func state(in place: TerraformBackend) async throws -> TerraformState? {
        guard let backend = try place.content() else {
            return try run.world.files.text(localState, bytesMax: Self.limits.outputBytesMax)
                .flatMap { try TerraformState($0) }
        }
        let folder = "\(run.project.state)/terraform-look"
        try run.world.files.makeDirectory(folder, mode: 0o700, op: "terraform.look.folder")
        try run.world.files.replace(
            "\(folder)/\(TerraformBackend.file)", with: backend, mode: 0o600,
            op: "terraform.look.backend")
        let terraform = Terraform(
            folder: folder, environment: run.cloud.childEnvironment,
            secrets: run.cloud.childSecrets)
        let prepared = try await run.world.processes.run(
            terraform.initialize(.looking), limits: Limits(deadline: .seconds(600)),
            op: "terraform.look.init")
        // The provider of what is there is missing, and is not needed: reading proves enough.
        let pulled = try await run.world.processes.run(
            terraform.state(), limits: Self.limits, op: "terraform.look")
        guard pulled.succeeded else {
            throw Failure(
                .failed,
                "looking at the state in \(place): "
                    + (prepared.succeeded ? pulled : prepared).sentence,
                fix: "run `terraform -chdir=\(folder) init -reconfigure` to see all of it")
        }
        return try TerraformState(pulled.output)
    }
}
