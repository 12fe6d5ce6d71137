import Model
import Outside
import Rotation
import Support
import Synchronization
import Testing

/// What people notice of a year's renewals and more; `bench swap --rotations 1000` is the long
/// form.
@Suite("Rotations under load") struct RotationTests {
    @Test(
        "nobody notices twenty-five rotations, and nothing stays open", arguments: Debian.allCases)
    func rotations(_ debian: Debian) async throws {
        try await LoopbackEdge.with(debian) { edge in
            let site = try await RotationSite.make(edge, generations: 27)
            try await LoopbackChat.with(port: edge.backendPort) {
                try await site.begin()
                // The clients warm up too: they have threads and sockets of their own.
                _ = try await load(edge) { try await site.change(to: 2, by: .swap) }
                let before = try await site.descriptors()
                let tally = try await load(edge) {
                    for generation in 3...27 { try await site.change(to: generation, by: .swap) }
                }
                #expect(tally.losses == 0, "\(tally)")
                #expect(tally.asked > 100, "there was no load: \(tally)")
                #expect(try await site.left(since: before) == 0)
                #expect(try await site.workers() == 1)
            }
        }
    }

    /// A load that begins before `body` and ends after it.
    private func load(
        _ edge: LoopbackEdge, _ body: () async throws -> Void
    ) async throws -> RotationLoad.Tally {
        let isOver = Over()
        let load = RotationLoad(port: edge.layout.httpsPort, name: edge.domain) {
            !isOver.flag.load(ordering: .relaxed)
        }
        async let tally = load.run()
        do { try await body() } catch {
            isOver.flag.store(true, ordering: .relaxed)
            throw error
        }
        isOver.flag.store(true, ordering: .relaxed)
        return try await tally
    }
}

/// Told to clients that run beside us.
private final class Over: Sendable {
    let flag = Atomic(false)
}
