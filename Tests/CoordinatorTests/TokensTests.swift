import FoundationEssentials
import Model
import Store
import Support
import Testing

@testable import Coordinator

@Suite struct TokensTests {
    private let now = FakeWorld.start
    private let node = NodeName(unchecked: "worker-1")
    private let keyA = Digest(unchecked: String(repeating: "a", count: 64))
    private let keyB = Digest(unchecked: String(repeating: "b", count: 64))

    private func withTokens(_ body: (Tokens, Secret) throws -> Void) async throws {
        try await withStore { store in
            let tokens = Tokens(store)
            let token = try tokens.make(
                for: node, lifetime: .seconds(600), now: now, chance: SeededChance(7))
            try body(tokens, token)
        }
    }

    @Test("a token admits its node once, and the same key again after a crash half-way")
    func singleUse() async throws {
        try await withTokens { tokens, token in
            try tokens.redeem(token, node: node, key: keyA, now: now)
            try tokens.redeem(token, node: node, key: keyA, now: now)
            let failure = #expect(throws: Failure.self) {
                try tokens.redeem(token, node: node, key: keyB, now: now)
            }
            #expect(failure?.code == .unauthorized)
            #expect(failure?.message.contains("used already") == true)
        }
    }

    @Test("a token for another node, after its deadline, unknown or malformed is refused")
    func refused() async throws {
        try await withTokens { tokens, token in
            let other = NodeName(unchecked: "worker-2")
            #expect(throws: Failure.self) {
                try tokens.redeem(token, node: other, key: keyA, now: now)
            }
            #expect(throws: Failure.self) {
                try tokens.redeem(token, node: node, key: keyA, now: now.addingTimeInterval(601))
            }
            for text in ["", "short", token.reveal() + "\r\n", String(repeating: "a", count: 52)] {
                #expect(throws: Failure.self) {
                    try tokens.redeem(Secret(text), node: node, key: keyA, now: now)
                }
            }
            try tokens.redeem(token, node: node, key: keyA, now: now)
        }
    }
}
