import AWS
import Logging
import Model
import Outside
import Store
import Trust

/// What a stage works with: the wish, the world, and where to report.
struct StageRun: Sendable {
    var cluster: ClusterSpec
    let project: Project
    let world: World
    let store: Store
    let ledger: Ledger
    let driving: Driving
    let downlinks: Downlinks
    let access: KubernetesAccess
    let cloud: Cloud
    let package: AgentPackage
    let pin: Digest
    let options: RolloutOptions
    let log: Logger
    /// One line of progress for a person.
    let say: @Sendable (String) -> Void
    /// Where it is shown what parts of a stage do; nil if nobody looks on.
    var show: (@Sendable (Activity) -> Void)?
    /// Who runs this coordinator: the actor of its events.
    var actor = "coordinator"
    /// Why it acts, if not for the rollout.
    var errand: String?

    /// What Terraform made. Throws `notFound` before the first provision.
    func infrastructure() throws -> Infrastructure { try Self.infrastructure(in: store) }

    /// As above.
    static func infrastructure(in store: Store) throws -> Infrastructure {
        guard let found = try store.get(Infrastructure.self, .meta, infrastructureKey) else {
            throw Failure(
                .notFound, "looking up the cluster's machines: nothing is provisioned yet",
                fix: "run `jeeves up`")
        }
        return found
    }

    static let infrastructureKey = "infrastructure"

    /// The names of the machines that Terraform made; none before the first provision.
    func machines() throws -> Set<NodeName> { try Self.machines(in: store) }

    /// As above.
    static func machines(in store: Store) throws -> Set<NodeName> {
        let found = try store.get(Infrastructure.self, .meta, infrastructureKey)
        return Set((found?.machines ?? [:]).keys)
    }

    /// Shows what a part of a stage does now; what that says as lines is said if nobody looks on.
    func tell(_ activity: Activity) {
        if let show { show(activity) } else { activity.lines.forEach(say) }
    }

    /// Runs a child that changes something outside. Its intent is on disk before it starts and its
    /// result after it ended; a survivor of an earlier run is awaited first. What it prints goes to
    /// a file, so that it survives us; at its deadline it is asked to end, and never killed.
    ///
    /// Does not begin in a task that is cancelled; once begun it is finished, cancelled or not. One
    /// that `isReading` only is no event.
    func effect(
        _ command: Command, stage: StageName, limits: Limits, op: Op, isReading: Bool = false,
        line: @escaping @Sendable (String) async -> Void = { _ in }
    ) async throws -> Finished {
        try await settle(op, deadline: limits.deadline)
        try Task.checkCancellation()
        var (command, limits) = (command, limits)
        limits.overstay = .left
        let folder = "\(project.state)/output"
        try world.files.makeDirectory(folder, mode: 0o700, op: "\(op).folder")
        command.outputFile = "\(folder)/\(op)"
        let intent = try ledger.begin(
            stage.rawValue, op: op, inputs: Hash.digest(of: command.arguments),
            now: world.clock.now())
        if !isReading { try note("effect/\(op)", .started, "attempt \(intent.attempt)") }
        return try await finishing(op) { [command, limits] in
            do {
                let finished = try await world.processes.run(
                    command, limits: limits, op: op,
                    started: { child in try ledger.attach(child, to: intent) }, line: line)
                try ledger.end(intent, outcome: finished.sentence, now: world.clock.now())
                if !isReading {
                    try note(
                        "effect/\(op)", finished.succeeded ? .done : .failed, finished.sentence)
                }
                return finished
            } catch let failure as Failure {
                try noteEnd(of: intent, failure)
                throw failure
            }
        }
    }

    /// Of one that still runs the intent stays open: the next run waits for it.
    private func noteEnd(of intent: Intent, _ failure: Failure) throws {
        guard let open = try ledger.open(op: intent.op).first(where: { $0.id == intent.id }) else {
            return
        }
        if open.child.map(world.processes.isAlive) != true {
            try ledger.end(intent, outcome: failure.message, now: world.clock.now())
        }
        try note("effect/\(intent.op)", .failed, failure.message)
    }

    /// Carries `work` to its end even if the caller is cancelled meanwhile, and tells a person so:
    /// a child that is stopped in the middle leaves half of a change behind.
    private func finishing<Result: Sendable>(
        _ op: Op, _ work: @Sendable @escaping () async throws -> Result
    ) async throws -> Result {
        let child = Task(operation: work)
        return try await withTaskCancellationHandler {
            try await child.value
        } onCancel: {
            let name = "\(op)".replacing(".", with: " ")
            say("finishing \(name); a second Ctrl-C asks it to end")
        }
    }

    /// Waits for what an earlier run left running. A coordinator that was killed leaves its child
    /// behind: two at once would do things twice, and what it made cannot be judged before its end.
    func settle(_ op: Op, deadline: Duration) async throws {
        for intent in try ledger.open(op: op) {
            if let child = intent.child, world.processes.isAlive(child) {
                say("waiting for the \(op) of an earlier run (pid \(child.pid))")
                _ = try await world.clock.poll(
                    every: .seconds(1), atMost: deadline,
                    waitingFor: "pid \(child.pid), which an earlier run started",
                    fix: "look at `ps \(child.pid)`; if it hangs, `kill \(child.pid)`; then run "
                        + "`jeeves up`",
                    op: "\(op).wait"
                ) { world.processes.isAlive(child) ? nil : true }
            }
            try ledger.end(
                intent, outcome: "its coordinator did not see its end", now: world.clock.now())
        }
    }
}

extension StageRun {
    /// The first of `nodes` that is connected; agents of an embedded coordinator dial in first.
    /// Throws `timeout` after 45 seconds.
    func awaitAny(of nodes: [NodeName]) async throws -> NodeName {
        let names = nodes.map(\.rawValue).joined(separator: ", ")
        return try await world.clock.poll(
            every: .milliseconds(200), atMost: .seconds(45), waitingFor: "\(names) to connect",
            fix: "look at `jeeves status --cached`, and on the node at "
                + "`journalctl -u jeeves-agent`",
            op: "agents.wait"
        ) {
            let connected = await downlinks.connected()
            return nodes.first { connected.contains($0) }
        }
    }
}

/// What a person allowed on the command line.
public struct RolloutOptions: Sendable, Hashable {
    /// Nodes that Terraform replaces, and that may go although they are down; it deletes no
    /// controller that is not among them. An only controller it replaces if it has to.
    public var replace: Set<NodeName>
    /// Overwrite an existing DNS record that holds another value.
    public var takeDNS: Bool
    /// Move Terraform's state to where the cluster file wants it.
    public var moveState: Bool
    /// Do nothing unless it is what this plan says; nil does what the cluster file says.
    public var approved: Plan.Approved?

    public init(
        replace: Set<NodeName> = [], takeDNS: Bool = false, moveState: Bool = false,
        approved: Plan.Approved? = nil
    ) {
        self.replace = replace
        self.takeDNS = takeDNS
        self.moveState = moveState
        self.approved = approved
    }
}
