import FoundationEssentials
import Model
import Outside
import Store

/// Content that failed on a cluster that served, or that a person undid: no rollout tries it again
/// until a person says so.
public struct Held: Codable, Hashable, Sendable {
    /// Whose content it is; nil for the whole cluster file.
    public let stage: StageName?
    public let content: Digest
    public let rollout: RunID
    public let at: Date
    /// What became of it, in one line.
    public let reason: String

    private var subject: String { stage.map { "stage \($0.rawValue)" } ?? "the cluster file" }

    /// Throws `conflict`, with the ways on.
    func refuse() throws -> Never {
        throw Failure(
            .conflict,
            "rolling out: what \(subject) would do was tried in rollout \(rollout) at "
                + "\(at.formatted(.iso8601)): \(reason)",
            fix: "change the cluster file, or go back with `jeeves rollout undo`, or try it again "
                + "with `jeeves rollout retry`")
    }
}

/// All content that is held, in the store.
struct HeldContents: Sendable {
    /// The newest that are remembered.
    static let countMax = 100
    private static let key = "held"

    let store: Store

    func all() throws -> [Held] { try store.get([Held].self, .meta, Self.key) ?? [] }

    /// Adds to what is held, with the event that tells why.
    func add(_ held: [Held], _ event: Event) throws {
        let new = Set(held.map(\.content))
        let kept = try (all().filter { !new.contains($0.content) } + held).suffix(Self.countMax)
        try store.append(
            [event], with: [.put(.meta, Self.key, JSON.encode(Array(kept)))], when: [])
    }

    /// Lets everything be tried again; returns what was held.
    func clear(_ event: ([Held]) -> Event) throws -> [Held] {
        let held = try all()
        guard !held.isEmpty else { return [] }
        try store.append([event(held)], with: [.delete(.meta, Self.key)], when: [])
        return held
    }
}

extension StageRun {
    /// Codes of failures that content is never to blame for.
    private static let innocent: Set<Failure.Code> = [
        .conflict, .locked, .unauthorized, .unavailable, .notFound, .stale,
    ]

    /// Remembers content that failed, and returns its failure with the ways on; with `other` where
    /// nothing is to be remembered: what never served has nothing to go back to, and is safe to try
    /// again.
    func holding(
        _ stage: StageName, _ content: Digest?, _ failure: Failure,
        else other: String = "run `jeeves up` again"
    ) throws -> Failure {
        func advised(_ advice: String) -> Failure {
            let fixes = [failure.fix, advice].filter { !$0.isEmpty }
            return Failure(failure.code, failure.message, fix: fixes.joined(separator: "; "))
        }
        guard let content, !Task.isCancelled, !Self.innocent.contains(failure.code),
            try Rollouts(store).lastCheckpoint() != nil
        else { return advised(other) }
        let held = Held(
            stage: stage, content: content, rollout: driving.run, at: world.clock.now(),
            reason: failure.message.prefix { !$0.isNewline }.description)
        try HeldContents(store: store).add(
            [held], event("stage/\(stage.rawValue)", .failed, "held: \(failure.message)"))
        return advised("`jeeves rollout retry` tries it again, `jeeves rollout undo` goes back")
    }

    /// What each stage makes of the cluster file now, by the stage's name.
    func contents(of recipe: [any Stage]) throws -> [String: Digest] {
        let found = try recipe.compactMap { stage in
            try stage.content(self).map { (stage.name.rawValue, $0) }
        }
        return Dictionary(uniqueKeysWithValues: found)
    }

    /// Sentences about files that are not what they were when `checkpoint` was reached.
    func moved(since checkpoint: Rollout, in recipe: [any Stage]) throws -> [String] {
        let now = try contents(of: recipe)
        return (checkpoint.goal?.contents ?? [:]).sorted { $0.key < $1.key }.compactMap {
            guard let content = now[$0.key], content != $0.value else { return nil }
            return "\($0.key) is made of files that have changed since; it gets what they hold now"
        }
    }

    /// What is wanted now and held: nil if `recipe` may be walked.
    func held(in recipe: [any Stage]) throws -> Held? {
        let all = try HeldContents(store: store).all()
        guard !all.isEmpty else { return nil }
        let wanted = try contents(of: recipe)
        let whole = try Plan.digest(of: cluster)
        return all.last {
            $0.content == ($0.stage.map { wanted[$0.rawValue] } ?? whole)
        }
    }
}
