import Foundation
import Model
import Outside

/// The cluster that a demo has left, and the person who changes it.
struct LiveCluster: Sendable {
    /// The longest that a verb which drives is waited for.
    static let upMax = Duration.seconds(1800)
    static let askMax = Duration.seconds(120)
    static let workers = ["worker-1", "worker-2"]

    let person: Operator
    let host: Host
    /// The package `jeeves`.
    let package: String
    /// What most scenarios begin with: two workers, two instances of everything.
    let base: ClusterText

    var look: ClusterLook { ClusterLook(cluster: self) }

    init(person: Operator, host: Host, packages: BuiltPackages) throws {
        self.person = person
        self.host = host
        package = try packages.file("jeeves")
        var base = ClusterText(agent: try packages.file("jeeves-agent"))
        base.workers = Self.workers.count
        base.replicas = 2
        base.stableSeconds = 10
        self.base = base
    }

    /// Makes the cluster what `file` says, whatever an earlier scenario left or had refused.
    func begins(_ file: ClusterText, _ verdicts: inout Verdicts) async -> Bool {
        await verdicts.expect("the cluster is as the scenario begins") {
            try write(file)
            let code = try await jeeves("rollout", "retry")
            return try await serves(after: code)
        }
    }

    func write(_ file: ClusterText) throws { try file.write(in: Operator.project) }

    /// Runs `jeeves` to its end; returns its exit status.
    func jeeves(_ words: String..., in folder: String = Operator.project) async throws -> Int32 {
        try await person.run(["jeeves"] + words, in: folder, deadline: Self.upMax)
    }

    /// Runs `jeeves` to its end and shows what it printed. Whether it exits with `code` and says
    /// all of `parts`; what is not so is said.
    func jeeves(
        _ words: String..., in folder: String = Operator.project, endsWith code: Int32,
        saying parts: [String]
    ) async throws -> Bool {
        let finished = try await person.read(["jeeves"] + words, in: folder, deadline: Self.upMax)
        return finished.shows(code, saying: parts)
    }

    /// `jeeves up` with another cluster file.
    func up(to file: ClusterText) async throws -> Int32 {
        try write(file)
        return try await jeeves("up")
    }

    /// `jeeves up` with another cluster file, while `body` runs beside it; it is ended if `body`
    /// throws.
    func up(to file: ClusterText, beside body: () async throws -> Void) async throws -> Int32 {
        try write(file)
        let up = try beginUp()
        do { try await body() } catch {
            kill(up.pid, SIGTERM)
            _ = try await ending(of: up)
            throw error
        }
        return try await ending(of: up)
    }

    /// Starts `jeeves up` and returns at once.
    func beginUp() throws -> ChildID { try person.start(["jeeves", "up"]) }

    /// The exit status of a verb that was started.
    func ending(of child: ChildID) async throws -> Int32 {
        try await person.status(of: child, deadline: Self.upMax, ["jeeves"])
    }

    /// What a verb prints. Throws `failed` unless it exits 0.
    func printed(_ words: String...) async throws -> String {
        let finished = try await person.read(["jeeves"] + words, deadline: Self.askMax)
        guard finished.succeeded else {
            throw Failure(.failed, "running jeeves \(words[0]): \(finished.sentence)")
        }
        return finished.output
    }

    /// Whether a browser gets the login page.
    func isLive() async throws -> Bool { try await LoginPage(host: host).answers() }

    /// Whether a verb has ended with 0 and the chat serves.
    func serves(after code: Int32) async throws -> Bool {
        guard code == 0 else { return false }
        return try await isLive()
    }

    /// Whether a verb has ended with 0, every machine follows this channel, and the chat serves.
    func serves(after code: Int32, following channel: String) async throws -> Bool {
        guard try await serves(after: code) else { return false }
        return try await look.allFollow(channel)
    }

    /// Waits until a rollout other than `earlier` is in this state.
    func wait(for state: Rollout.State, after earlier: RunID?) async throws {
        try await wait("a rollout is \(state.rawValue)") {
            let rollout = try await look.driving().rollout
            return rollout?.id != earlier && rollout?.state == state
        }
    }

    /// Waits until something is so. Throws `timeout`.
    func wait(
        _ what: String, atMost limit: Duration = .seconds(600), every pause: Duration = .seconds(1),
        until holds: () async throws -> Bool
    ) async throws {
        let end = ContinuousClock.now + limit
        while try await !holds() {
            guard ContinuousClock.now < end else {
                throw Failure(.timeout, "waiting until \(what): not so after \(limit.shortText)")
            }
            try await Task.sleep(for: pause)
        }
    }
}

extension Finished {
    /// Shows what was printed. Whether it ended with `code` and says all of `parts`; what is not so
    /// is said.
    func shows(_ code: Int32, saying parts: [String]) -> Bool {
        let text = output + errors
        say(text)
        let missing = parts.filter { !text.contains($0) }
        for part in missing { say("it does not say: \(part)") }
        guard ending != .exited(code) else { return missing.isEmpty }
        say("it did not end with \(code) but with \(ending)")
        return false
    }
}
