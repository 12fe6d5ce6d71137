/// Decides whether a spec may replace the one a node already has, so that replays, reorders, a
/// restored backup and a second copy of the state folder are all harmless.
public struct Fence: Codable, Hashable, Sendable {
    /// No count ever gets here; what claims to be beyond it was never ours.
    public static let countMax: UInt64 = 1 << 53

    public let epoch: UInt64
    public let run: RunID
    public let generation: UInt64
    public let digest: Digest

    public init(of spec: NodeSpec) {
        epoch = spec.epoch
        run = spec.run
        generation = spec.generation
        digest = spec.digest
    }

    /// Throws `conflict` if `spec` has a lower epoch, the same epoch from another run, a lower
    /// generation, or the same generation with another digest.
    public func admit(_ spec: NodeSpec) throws {
        let what = "accepting generation \(spec.generation)"
        try admit(epoch: spec.epoch, run: spec.run, for: what)
        if spec.generation < generation {
            throw refuse(what, "this node already has generation \(generation)")
        }
        if spec.generation == generation, spec.digest != digest {
            throw refuse(what, "another spec with this generation is already here")
        }
    }

    /// Whether this start of a coordinator may ask anything of the node. Throws `conflict` if it
    /// has a lower epoch, or the same epoch from another run.
    public func admit(epoch asked: UInt64, run asking: RunID, for what: String) throws {
        if asked < epoch {
            throw refuse(what, "epoch \(asked) is older than \(epoch), which this node obeys")
        }
        if asked == epoch, asking != run {
            throw refuse(what, "epoch \(epoch) belongs to run \(run), but run \(asking) sent it")
        }
    }

    private func refuse(_ what: String, _ reason: String) -> Failure {
        Failure(
            .conflict, "\(what): \(reason)",
            fix:
                "stop the older coordinator, or run `jeeves up` with the newest state folder; if "
                + "that one is lost, run `jeeves epoch raise`")
    }
}
