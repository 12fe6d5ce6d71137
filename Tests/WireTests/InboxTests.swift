import Model
import Synchronization
import Testing

@testable import Wire

@Suite("Inbox", .timeLimit(.minutes(1)))
struct InboxTests {
    @Test("what was put is read in order, then the end, every time")
    func order() async throws {
        let inbox = Inbox<Int>(bytesMax: 1 << 20) {}
        inbox.put(1, bytes: 1)
        inbox.put(2, bytes: 1)
        inbox.unread(0, bytes: 1)
        inbox.end(Failure(.timeout, "gone"))
        inbox.end(nil)
        inbox.put(3, bytes: 1)
        for expected in 0...2 { #expect(try await inbox.next() == expected) }
        for _ in 0..<2 {
            #expect(await failing { try await inbox.next() }?.code == .timeout)
        }
    }

    @Test("a full queue stops the connection until half of it was read")
    func backPressure() async throws {
        let resumed = Mutex(0)
        let inbox = Inbox<Int>(bytesMax: 4 * 1256) { resumed.withLock { $0 += 1 } }
        for number in 0..<4 {
            #expect(!inbox.pauseIfFull())
            inbox.put(number, bytes: 1000)
        }
        #expect(inbox.pauseIfFull())
        _ = try await inbox.next()
        #expect(inbox.pauseIfFull())
        #expect(resumed.withLock { $0 } == 0)
        _ = try await inbox.next()
        #expect(resumed.withLock { $0 } == 1)
        #expect(!inbox.pauseIfFull())
    }

    @Test("a cancelled reader leaves, and the next one gets what comes")
    func cancellation() async throws {
        let inbox = Inbox<Int>(bytesMax: 1 << 20) {}
        let reader = Task { try await inbox.next() }
        reader.cancel()
        await #expect(throws: CancellationError.self) { try await reader.value }
        inbox.put(1, bytes: 1)
        #expect(try await inbox.next() == 1)
    }
}
