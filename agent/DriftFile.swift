import Model
import Outside
import Trust

/// Remembers which steps have been right, so that a restart or a reboot does not turn what a person
/// changed since into something to repair. Only steps whose drift is reported are in it.
///
/// A damaged file remembers nothing: steps are then made right once more, and certificates go on.
struct DriftFile: Sendable {
    private struct Entry: Codable, Hashable {
        /// Of the step's spec that it was right with.
        let content: Digest
        /// The start of a coordinator for which it has been right, if that one wanted drift mended.
        let mended: RunID?
        /// Whether its drift was told of.
        var isTold = false
    }

    let files: any Files
    let path: String

    /// Whether what differs now was changed after the step was right, and is not to be mended.
    func isDrift(_ step: StepSpec, of node: NodeSpec) throws -> Bool {
        guard step.drift == .report, let entry = try read()[step.id],
            entry.content == (try Hash.digest(of: step))
        else { return false }
        return node.mendsDrift != true || entry.mended == node.run
    }

    /// Notes that a step is right; true if that ends a drift that was told of.
    func noteRight(_ step: StepSpec, of node: NodeSpec) throws -> Bool {
        var entries = try read()
        let before = entries[step.id]
        entries[step.id] =
            step.drift == .report
            ? Entry(
                content: try Hash.digest(of: step),
                mended: node.mendsDrift == true ? node.run : before?.mended)
            : nil
        if entries[step.id] != before { try write(entries) }
        return before?.isTold == true
    }

    /// Notes that the drift of a step is told of; false if it was before.
    func noteTold(_ id: StepID) throws -> Bool {
        var entries = try read()
        guard entries[id]?.isTold == false else { return false }
        entries[id]?.isTold = true
        try write(entries)
        return true
    }

    private func read() throws -> [StepID: Entry] {
        guard let bytes = try files.readIfThere(path, bytesMax: 64 << 10) else { return [:] }
        return (try? JSON.decode(from: bytes, what: path)) ?? [:]
    }

    private func write(_ entries: [StepID: Entry]) throws {
        try files.replace(path, with: JSON.encode(entries), mode: 0o600, op: "drift.replace")
    }
}
