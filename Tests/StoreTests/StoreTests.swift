import GRDB
import Glibc
import Model
import Support
import Testing

@testable import Store

@Suite struct StoreTests {
    @Test("what a commit wrote is there after the file is opened again, and its revision grows")
    func reopening() async throws {
        try await withFolder { folder in
            let path = folder.store
            let first = try Store.open(path: path).put(.specs, "worker-1", ["a": 1])
            let store = try Store.open(path: path)
            let document = try #require(try store.get(.specs, "worker-1"))
            #expect(document.value == Array(#"{"a":1}"#.utf8))
            #expect(document.revision == first)
            #expect(try store.put(.specs, "worker-2", ["b": 2]) == first + 1)
            #expect(try store.get([String: Int].self, .specs, "worker-2") == ["b": 2])
        }
    }

    @Test("of a commit that fails in the middle nothing is there, before and after reopening")
    func atomicity() async throws {
        try await withFolder { folder in
            let path = folder.store
            let store = try Store.open(path: path)
            try store.put(.meta, "a", 1)
            let tooLarge = [UInt8](repeating: 0, count: Store.valueBytesMax + 1)
            #expect(
                failure {
                    try store.commit([], [.put(.meta, "a", []), .put(.meta, "b", tooLarge)])
                }?
                .code == .invalid)
            #expect(
                failure {
                    try store.commit(
                        [Compare(.meta, "a", at: 99)], [.put(.meta, "b", Array("1".utf8))])
                }?.code == .conflict)
            for store in [store, try Store.open(path: path)] {
                #expect(try store.get(Int.self, .meta, "a") == 1)
                #expect(try store.get(.meta, "b") == nil)
                #expect(try store.revision() == 1)
            }
        }
    }

    @Test("a transaction that a killed process left open is not seen by the next one")
    func uncommitted() async throws {
        try await withFolder { folder in
            let path = folder.store
            try Store.open(path: path).put(.meta, "a", 1)
            // What a kill leaves: copies of the files, taken while a transaction is open.
            let queue = try DatabaseQueue(path: path)
            try await queue.writeWithoutTransaction { db in
                try db.execute(sql: "BEGIN IMMEDIATE; UPDATE documents SET value = '2'")
                folder.write("left.db", folder.read("jeeves.db"))
                folder.write("left.db-wal", folder.read("jeeves.db-wal"))
                try db.execute(sql: "ROLLBACK")
            }
            #expect(try Store.open(path: "\(folder.path)/left.db").get(Int.self, .meta, "a") == 1)
        }
    }

    @Test("a conflict names the document that moved, what was expected and what is there")
    func conflicts() async throws {
        try await withStore { store in
            let old = try store.put(.specs, "worker-1", 1)
            let new = try store.put(.specs, "worker-1", 2)
            let moved = failure {
                try store.commit([Compare(.specs, "worker-1", at: old)], [.delete(.specs, "x")])
            }
            #expect(moved?.code == .conflict)
            #expect(
                moved?.message
                    == "saving specs/worker-1: somebody else wrote it meanwhile: expected at "
                    + "\(old), found at \(new)")
            let present = failure { try store.commit([Compare(.specs, "worker-1", at: nil)], []) }
            #expect(present?.message.contains("expected absent, found at \(new)") == true)
            try store.delete(.specs, "worker-1")
            try store.commit(
                [Compare(.specs, "worker-1", at: nil)], [.put(.specs, "worker-1", [48])])
            #expect(try store.get(Int.self, .specs, "worker-1") == 0)
        }
    }

    @Test("a list holds the keys under its prefix in their order, and no deleted one")
    func listing() async throws {
        try await withStore { store in
            for key in ["b-1", "a-2", "a-1", "a_3", "a-%", "ab"] {
                try store.put(.tokens, key, key)
            }
            try store.delete(.tokens, "a-2")
            #expect(try store.list(.tokens, prefix: "a-").map(\.key) == ["a-%", "a-1"])
            #expect(try store.list(String.self, .tokens, prefix: "a_") == ["a_3"])
            #expect(try store.keys(.tokens, prefix: "a-") == ["a-%", "a-1"])
            #expect(try store.list(.tokens).count == 5)
            #expect(try store.list(.settings).isEmpty)
        }
    }

    @Test("the file and its log are readable by their owner only, whatever was there before")
    func privacy() async throws {
        try await withFolder { folder in
            let path = folder.store
            folder.write("jeeves.db", [])
            #expect(chmod(path, 0o666) == 0)
            let store = try Store.open(path: path)
            try store.put(.meta, "a", 1)
            #expect(folder.names.contains("jeeves.db-wal"))
            for name in folder.names { #expect(folder.mode(name) == 0o600, "\(name)") }
        }
    }

    @Test("opening the file once more leaves the locks of the store that is open")
    func locks() async throws {
        try await withFolder { folder in
            let store = try Store.open(path: folder.store)
            try store.put(.meta, "a", 1)
            #expect(folder.isLocked("jeeves.db"))
            #expect(try Store.open(path: folder.store).get(Int.self, .meta, "a") == 1)
            // Without it another process that ends would take away the log that this one writes.
            #expect(folder.isLocked("jeeves.db"))
            try store.put(.meta, "a", 2)
        }
    }

    @Test("a link in place of the file is refused, and what it points at stays as it is")
    func links() async throws {
        try await withFolder { folder in
            folder.write("victim", [120])
            #expect(symlink("\(folder.path)/victim", folder.store) == 0)
            #expect(failure { try Store.open(path: folder.store) }?.code == .conflict)
            #expect(folder.read("victim") == [120])
        }
    }

    @Test("a damaged file is refused with what to do, and is not touched", arguments: [0, 4096])
    func damage(offset: Int) async throws {
        try await withFolder { folder in
            let path = folder.store
            do {
                let store = try Store.open(path: path)
                for number in 0..<200 {
                    try store.put(.settings, "key-\(number)", String(repeating: "x", count: 200))
                }
            }
            try await DatabaseQueue(path: path).writeWithoutTransaction {
                try $0.execute(sql: "PRAGMA wal_checkpoint(TRUNCATE)")
            }
            var bytes = folder.read("jeeves.db")
            bytes.replaceSubrange(offset..<(offset + 64), with: Array(repeating: 0xA5, count: 64))
            folder.write("jeeves.db", bytes)
            let refused = failure { try Store.open(path: path) }
            #expect(refused?.code == .failed)
            #expect(refused?.message.contains("it is damaged") == true, "\(refused?.message ?? "")")
            #expect(refused?.fix.contains("backup") == true)
            #expect(folder.read("jeeves.db") == bytes)
        }
    }

    @Test("a file that a newer Jeeves wrote is refused")
    func newerSchema() async throws {
        try await withFolder { folder in
            let path = folder.store
            _ = try Store.open(path: path)
            try await DatabaseQueue(path: path).write {
                try $0.execute(sql: "INSERT INTO grdb_migrations VALUES ('from the future')")
            }
            #expect(failure { try Store.open(path: path) }?.code == .unsupported)
        }
    }
}

@Suite struct WatchTests {
    @Test("a watcher sees what it missed, then what comes, deletions among it")
    func changes() async throws {
        try await withStore { store in
            try store.put(.meta, "seen", 0)
            let seen = try store.revision()
            try store.put(.meta, "a", 1)
            try store.put(.meta, "gone", 1)
            try store.delete(.meta, "gone")
            let stream = try store.watch(from: seen)
            try store.put(.meta, "a", 2)
            var changes = stream.makeAsyncIterator()
            var found: [String] = []
            for _ in 0..<3 {
                let change = try #require(await changes.next())
                let value = change.value.map { String(decoding: $0, as: UTF8.self) } ?? "deleted"
                found.append("\(change.revision) \(change.key) \(value)")
            }
            #expect(found == ["2 a 1", "4 gone deleted", "5 a 2"])
        }
    }

    @Test("a watcher hears once, and in order, of what another process commits")
    func others() async throws {
        try await withFolder { folder in
            let store = try Store.open(path: folder.store)
            let other = try Store.open(path: folder.store)
            let stream = try store.watch(from: 0)
            try other.put(.meta, "a", 1)
            store.catchUp()
            store.catchUp()
            try other.put(.meta, "b", 2)
            try store.put(.meta, "c", 3)
            let late = try store.watch(from: 2)
            try other.put(.meta, "d", 4)
            try store.put(.meta, "e", 5)
            func keys(_ stream: AsyncStream<Store.Change>, _ count: Int) async -> [String] {
                var found: [String] = []
                for await change in stream.prefix(count) { found.append(change.key) }
                return found
            }
            #expect(await keys(stream, 5) == ["a", "b", "c", "d", "e"])
            #expect(await keys(late, 3) == ["c", "d", "e"])
        }
    }

    @Test("a watcher that falls behind finds its stream ended and loses nothing by watching again")
    func overflow() async throws {
        try await withStore { store in
            let stream = try store.watch(from: 0)
            for round in 0..<3 {
                let writes = (0..<500).map { Write.put(.settings, "\(round)-\($0)", [48]) }
                try store.commit([], writes)
            }
            var last: Revision = 0
            var count = 0
            for await change in stream {
                last = change.revision
                count += 1
            }
            #expect(count == Feed.backlogMax)
            var again = try store.watch(from: last).makeAsyncIterator()
            #expect(await again.next()?.revision == last + 1)
        }
    }

    @Test("a watcher that is cancelled while somebody commits holds up neither")
    func cancelled() async throws {
        try await withStore { store in
            for round in 0..<1_000 {
                let stream = try store.watch(from: store.revision())
                let watcher = Task { for await _ in stream {} }
                let writer = Task { _ = try store.put(.meta, "round", round) }
                await Task.yield()
                watcher.cancel()
                try await writer.value
                await watcher.value
            }
            #expect(try store.get(Int.self, .meta, "round") == 999)
        }
    }
}
