import Foundation
import Model
import Support
import Testing

@testable import Store

@Suite struct LeaseTests {
    let now = Date(timeIntervalSince1970: 1_767_225_600)

    @Test(
        "a second coordinator on the same file is refused, told who holds the lease and since when")
    func exclusion() async throws {
        try await withFolder { folder in
            let path = folder.store
            let (left, right) = (try Store.open(path: path), try Store.open(path: path))
            let lease = try left.acquireLease(holder: "ann", now: now, ttl: .seconds(15))
            #expect(lease.term == 1)
            let refused = failure {
                try right.acquireLease(holder: "bob", now: now + 14, ttl: .seconds(15))
            }
            #expect(refused?.code == .locked)
            #expect(refused?.code.exitStatus == 6)
            #expect(refused?.message.contains("ann is it, since 2026-01-01T00:00:00Z") == true)
            try left.release(lease)
            let next = try right.acquireLease(holder: "bob", now: now + 14, ttl: .seconds(15))
            #expect(next.term == 2)
        }
    }

    @Test("who asks while the lease is given back either gets it or is told who holds it")
    func givenBack() async throws {
        try await withFolder { folder in
            let path = folder.store
            let (left, right) = (try Store.open(path: path), try Store.open(path: path))
            for _ in 0..<200 {
                let held = try left.acquireLease(holder: "ann", now: now, ttl: .seconds(15))
                let giving = Task { try left.release(held) }
                var taken: Lease?
                while taken == nil {
                    do {
                        taken = try right.acquireLease(
                            holder: "bob", now: now, ttl: .seconds(15))
                    } catch let failure as Failure where failure.code == .locked {
                        await Task.yield()
                    }
                }
                try await giving.value
                if let taken { try right.release(taken) }
            }
        }
    }

    @Test("once the lease is over another may take it, and what the first still writes is refused")
    func fencing() async throws {
        try await withFolder { folder in
            let path = folder.store
            let (left, right) = (try Store.open(path: path), try Store.open(path: path))
            let stale = try left.acquireLease(holder: "ann", now: now, ttl: .seconds(15))
            try left.commit([stale.fence], [.put(.specs, "worker-1", [49])])
            let lease = try right.acquireLease(holder: "bob", now: now + 15, ttl: .seconds(15))
            #expect(lease.term == 2)
            #expect(
                failure { try left.commit([stale.fence], [.put(.specs, "worker-1", [50])]) }?.code
                    == .conflict)
            #expect(failure { try left.renew(stale, now: now + 16, ttl: .seconds(15)) } != nil)
            #expect(failure { try left.release(stale) } != nil)
            #expect(try left.get(Int.self, .specs, "worker-1") == 1)
            #expect(try right.lease() == lease)
        }
    }

    @Test("of two tenures the earlier writes nothing more through its store, and is told why")
    func tenures() async throws {
        try await withFolder { folder in
            let (left, right) = (
                try Store.open(path: folder.store), try Store.open(path: folder.store)
            )
            let first = left.under(
                try left.acquireLease(holder: "ann", now: now, ttl: .seconds(15)))
            try first.put(.rollouts, "a", 1)
            let intent = try Ledger(first).begin("app", op: "helm", inputs: inputs, now: now)
            let second = right.under(
                try right.acquireLease(holder: "bob", now: now + 15, ttl: .seconds(15)))
            let revision = try right.revision()
            let writes: [() throws -> Void] = [
                { try first.put(.rollouts, "a", 2) }, { try first.delete(.rollouts, "a") },
                { try first.append([self.event]) }, { _ = try first.beginEpoch(run: self.run) },
                { try Ledger(first).end(intent, outcome: "exit 0", now: self.now) },
            ]
            for write in writes {
                let refused = failure(write)
                #expect(refused?.code == .locked)
                #expect(refused?.message.contains("another coordinator has begun") == true)
            }
            #expect(try right.revision() == revision)
            #expect(try first.get(Int.self, .rollouts, "a") == 1, "it may still look")
            try second.put(.rollouts, "a", 3)
            #expect(
                failure { try second.commit([Compare(.rollouts, "a", at: 1)], []) }?.code
                    == .conflict, "what else is refused stays what it is")
        }
    }

    @Test("renewing prolongs the lease and keeps its fence; what is stored is what the holder has")
    func renewal() async throws {
        try await withStore { store in
            let first = try store.acquireLease(holder: "ann", now: now + 0.3, ttl: .seconds(15))
            let second = try store.renew(first, now: now + 10, ttl: .seconds(15))
            #expect(first.until == now + 16)
            #expect(second.until == now + 25)
            #expect(second.fence == first.fence)
            #expect(try store.lease()?.until == second.until)
        }
    }

    @Test("every epoch is higher than all before it, also after reopening")
    func epochs() async throws {
        try await withFolder { folder in
            let path = folder.store
            var epochs: [UInt64] = []
            for _ in 0..<3 { epochs.append(try Store.open(path: path).beginEpoch(run: run)) }
            #expect(epochs == [1, 2, 3])
        }
    }

    private let inputs = Digest(unchecked: String(repeating: "a", count: 64))

    private var event: Event {
        Event(
            at: now, actor: "ann", subject: "stage/dns", cause: "test", outcome: .done, detail: "")
    }

    private var run: RunID { RunID(unchecked: "0123456789abcdef") }
}
