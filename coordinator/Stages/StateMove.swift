import Model
import Outside
import Tools

/// Sets up where Terraform keeps its state. A state that exists somewhere else is moved only if a
/// person said so: from a wrong place Terraform would make everything twice.
struct StateMove: Sendable {
    let run: StageRun
    let wanted: TerraformBackend

    init(_ run: StageRun) {
        self.run = run
        wanted = TerraformBackend(run.cluster)
    }

    /// Looks at a state that was found in a new place. Throws `conflict` if there are machines and
    /// it names none of them; then the next run looks again.
    func requireKnown(_ terraform: Terraform) async throws {
        let machines = (try? run.infrastructure())?.machines ?? [:]
        guard !machines.isEmpty else { return }
        let state = try await run.world.processes.output(
            of: terraform.state(),
            limits: Limits(deadline: .seconds(120), outputBytesMax: 32 << 20),
            op: "terraform.state")
        guard machines.values.contains(where: { state.contains("\"\($0.instanceID)\"") }) else {
            try run.world.files.remove(
                "\(run.project.terraform)/\(TerraformBackend.noted)", op: "terraform.backend")
            throw Failure(
                .conflict,
                "preparing Terraform: the state in \(wanted) names none of the cluster's machines",
                fix: "mend `terraform.backend` in \(run.project.clusterFile), or bring the state "
                    + "back to that place")
        }
    }

    /// Writes the backend file; returns how Terraform has to be initialised. Throws `conflict` if
    /// the state is elsewhere and may not be moved.
    func prepare() throws -> Terraform.Initialization {
        let files = run.world.files
        let folder = run.project.terraform
        let noted = try files.readIfThere("\(folder)/\(TerraformBackend.noted)")
        let current = try TerraformBackend(noted: noted)
        // A state that has moved to S3 leaves an empty file.
        let local = try files.info("\(folder)/terraform.tfstate").map { $0.bytes > 0 } ?? false
        let initialization: Terraform.Initialization =
            if current == wanted {
                .plain
            } else if current == .local && !local {
                .anew
            } else {
                .moving
            }
        if initialization == .moving, !run.options.moveState {
            throw Failure(
                .conflict,
                "preparing Terraform: its state is in \(current), and the cluster file wants it in "
                    + "\(wanted)",
                fix: "if it shall move there, run `jeeves up --move-state`; else mend "
                    + "`terraform.backend` in \(run.project.clusterFile)")
        }
        let path = "\(folder)/\(TerraformBackend.file)"
        if let content = try wanted.content() {
            if try files.readIfThere(path) != content {
                try files.replace(path, with: content, mode: 0o600, op: "terraform.backend")
            }
        } else if try files.info(path) != nil {
            try files.remove(path, op: "terraform.backend")
        }
        return initialization
    }
}
