/// Decides whether a spec may replace the one a node already has, so that replays, reorders, a
/// restored backup and a second copy of the state folder are all harmless.
public struct Fence: Codable, Hashable, Sendable {
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
        func refuse(_ reason: String) -> Failure {
            Failure(
                .conflict, "accepting generation \(spec.generation): \(reason)",
                fix: "stop the older coordinator, or run `jeeves up` with the newest state folder")
        }
        if spec.epoch < epoch {
            throw refuse("epoch \(spec.epoch) is older than \(epoch), which this node obeys")
        }
        if spec.epoch == epoch, spec.run != run {
            throw refuse("epoch \(epoch) belongs to run \(run), but run \(spec.run) sent it")
        }
        if spec.generation < generation {
            throw refuse("this node already has generation \(generation)")
        }
        if spec.generation == generation, spec.digest != digest {
            throw refuse("another spec with this generation is already here")
        }
    }
}
