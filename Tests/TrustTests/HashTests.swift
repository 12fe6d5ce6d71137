import Testing

@testable import Trust

struct HashTests {
    @Test("the digest is SHA-256 (FIPS 180-4's example)")
    func example() {
        #expect(
            Hash.sha256("abc".utf8).rawValue
                == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    }

    @Test("equal documents have equal digests, whatever the order they were built in")
    func documents() throws {
        let words = (0..<50).map { "key\($0)" }
        let one = Dictionary(uniqueKeysWithValues: words.map { ($0, $0) })
        let other = Dictionary(uniqueKeysWithValues: words.reversed().map { ($0, $0) })
        #expect(try Hash.digest(of: one) == Hash.digest(of: other))
        #expect(try Hash.digest(of: one) != Hash.digest(of: words))
    }
}
