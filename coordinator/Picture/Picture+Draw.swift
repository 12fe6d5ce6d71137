import FoundationEssentials
import Model
import Outside
import Store

extension Picture {
    init(_ known: Knowledge) {
        cluster = known.status.cluster
        domain = known.status.domain
        at = known.now
        parts =
            EdgeParts(known: known).parts + InsideParts(known: known).parts
            + NodeParts(known: known).parts + RolloutParts(known: known).parts
    }

    /// As of what is stored, by the coordinator that has `links`, or beside it without them.
    static func read(
        _ spec: ClusterSpec, store: Store, links: Set<NodeName>?, now: Date
    ) throws -> (picture: Picture, memory: PictureMemory) {
        let known = Knowledge(
            status: try ClusterStatus.read(
                spec, store: store, connected: links ?? [], now: now),
            sight: try store.get(LayersLook.Result.self, .meta, LayersLook.key)?.sight,
            links: links, held: try HeldContents(store: store).all(),
            namespace: spec.app.namespace, now: now)
        var memory = try store.get(PictureMemory.self, .meta, PictureMemory.key) ?? PictureMemory()
        var picture = Picture(known)
        let history = PartHistory(store: store)
        for index in picture.parts.indices where picture.parts[index].since == nil {
            picture.parts[index].since = try history.since(picture.parts[index])
        }
        return (memory.date(picture), memory)
    }

    /// What the coordinator that runs beside this process knows. Throws `notFound` before
    /// `jeeves init`.
    public static func cached(_ project: Project, world: World) throws -> Picture {
        let spec = try project.spec(world.files)
        try project.requireState(world.files)
        return try read(
            spec, store: Store.open(path: project.store), links: nil, now: world.clock.now()
        ).picture
    }
}

/// Since when each part has been as it is, for parts of which no history tells: what the
/// coordinator saw last, in the store.
struct PictureMemory: Codable, Hashable, Sendable {
    static let key = "picture"

    struct Mark: Codable, Hashable, Sendable {
        let state: Picture.State
        let since: Date
    }

    /// By the part's id; of parts that are gone nothing is kept.
    private(set) var marks: [String: Mark] = [:]

    /// The picture with its times, which are remembered from now on. What a part says itself counts
    /// more than when it was noticed.
    mutating func date(_ picture: Picture) -> Picture {
        var dated = picture
        var marks: [String: Mark] = [:]
        for index in dated.parts.indices {
            let part = dated.parts[index]
            let name = part.id.description
            let known = self.marks[name].flatMap { $0.state == part.state ? $0 : nil }
            let since = part.since ?? known?.since ?? picture.at
            dated.parts[index].since = since
            marks[name] = Mark(state: part.state, since: since)
        }
        self.marks = marks
        return dated
    }
}

/// What whoever watches this coordinator may see.
extension Driver {
    /// How the cluster is now, by the links of this coordinator and its last look. Changes nothing.
    public func picture() async throws -> Picture { try await drawn().picture }

    /// As ``picture()``; since when each part is as it is, is kept.
    @discardableResult
    func remember() async throws -> Picture {
        let (picture, memory) = try await drawn()
        if try run.store.get(PictureMemory.self, .meta, PictureMemory.key) != memory {
            try run.store.put(.meta, PictureMemory.key, memory)
        }
        return picture
    }

    /// As ``picture()``, after the agents had the time to connect and every layer was looked at.
    public func freshPicture() async throws -> Picture {
        _ = try await status()
        return try await remember()
    }

    private func drawn() async throws -> (picture: Picture, memory: PictureMemory) {
        try Picture.read(
            run.cluster, store: run.store, links: await run.downlinks.connected(),
            now: run.world.clock.now())
    }
}
