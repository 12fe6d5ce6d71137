import Model
import Testing

@testable import Store

@Suite struct CopyTests {
    @Test("a copy holds what was committed, also by one that still has the store open")
    func copy() async throws {
        try await withFolder { folder in
            let store = try Store.open(path: folder.store)
            let other = try Store.open(path: folder.store)
            for number in 0..<100 { try other.put(.settings, "\(number)", number) }
            let path = "\(folder.path)/copy.db"
            try store.copy(to: path)
            try other.put(.settings, "late", 1)
            #expect(folder.mode("copy.db") == 0o600)
            let copy = try Store.open(path: path)
            #expect(try copy.list(.settings).count == 100)
            #expect(try copy.revision() == store.revision() - 1)
        }
    }

    @Test("a copy never goes over something that is there")
    func occupied() async throws {
        try await withFolder { folder in
            let store = try Store.open(path: folder.store)
            folder.write("copy.db", Array("mine".utf8))
            #expect(failure { try store.copy(to: "\(folder.path)/copy.db") } != nil)
            #expect(folder.read("copy.db") == Array("mine".utf8))
            #expect(try store.revision() == 0, "and the store is still well")
        }
    }
}
