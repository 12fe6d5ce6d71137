import Model
import Synchronization

/// Counts the bytes that pass.
public final class ByteCount: Sendable {
    private let bytes = Atomic<Int>(0)

    public init() {}

    public var total: Int { bytes.load(ordering: .relaxed) }

    func add(_ count: Int) { bytes.wrappingAdd(count, ordering: .relaxed) }
}

/// Copies bytes both ways until both directions have ended, then closes both streams. A slow side
/// slows the other down: at most one chunk is on its way in each direction beside TCP's own.
///
/// Throws `unavailable` if either side broke, `CancellationError` if the task was cancelled; both
/// streams are closed then as well. `count` counts what passes either way.
public func splice(
    _ left: RawStream, _ right: RawStream, counting count: ByteCount = ByteCount()
) async throws {
    func closeBoth() async {
        await left.close()
        await right.close()
    }
    do {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await copy(from: left, to: right, count) }
            group.addTask { try await copy(from: right, to: left, count) }
            do {
                while try await group.next() != nil {}
            } catch {
                // The other direction may be inside a write that only closing ends.
                await closeBoth()
                throw error
            }
        }
    } catch {
        await closeBoth()
        throw error
    }
    await closeBoth()
}

private func copy(from source: RawStream, to sink: RawStream, _ count: ByteCount) async throws {
    while let bytes = try await source.readBuffer() {
        count.add(bytes.readableBytes)
        try await sink.write(bytes)
    }
    try await sink.finish()
}
