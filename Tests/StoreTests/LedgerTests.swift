import Foundation
import Model
import Outside
import Support
import Testing

@testable import Store

@Suite struct LedgerTests {
    let now = Date(timeIntervalSince1970: 1_767_225_600)
    let inputs = Digest(unchecked: String(repeating: "a", count: 64))

    @Test("an intent and its child are on disk before they end, and are found by the next run")
    func durability() async throws {
        try await withFolder { folder in
            let path = folder.store
            let ledger = Ledger(try Store.open(path: path))
            let intent = try ledger.begin(
                "provision", op: "terraform.apply", inputs: inputs, now: now)
            try ledger.attach(ChildID(pid: 7, startTicks: 99), to: intent)

            let next = Ledger(try Store.open(path: path))
            let found = try #require(try next.open().first)
            #expect(found.id == intent.id)
            #expect(found.child == ChildID(pid: 7, startTicks: 99))
            #expect(found.startedAt == now)
            try next.end(found, outcome: "exit 0", now: now + 5)
            #expect(try ledger.open().isEmpty)
            #expect(try ledger.all().map(\.outcome) == ["exit 0"])
            #expect(try ledger.all().first?.child == found.child)
        }
    }

    @Test("attempts count per stage, op and inputs")
    func attempts() async throws {
        try await withStore { store in
            let ledger = Ledger(store)
            func begin(_ op: Op, _ inputs: Digest) throws -> Int {
                try ledger.begin("app", op: op, inputs: inputs, now: now).attempt
            }
            let others = Digest(unchecked: String(repeating: "b", count: 64))
            let attempts = [
                try begin("helm", inputs), try begin("helm", others), try begin("helm", inputs),
                try begin("kubectl", inputs),
            ]
            #expect(attempts == [1, 1, 2, 1])
            #expect(try ledger.open(op: "helm").count == 3)
            #expect(try ledger.open().count == 4)
        }
    }

    @Test("an open intent is found among later ones that have ended, whichever version began them")
    func opened() async throws {
        try await withStore { store in
            let ledger = Ledger(store)
            func begin(_ op: Op) throws -> Intent {
                try ledger.begin("app", op: op, inputs: inputs, now: now)
            }
            // Earlier versions write no mark with theirs.
            let old = Intent(
                id: "", stage: "app", op: "old", inputHash: inputs, attempt: 1, startedAt: now)
            try store.commit([], [.put(.intents, Numbered.key(1), try old.named(1))])
            try ledger.end(begin("helm"), outcome: "exit 0", now: now)
            let left = try begin("kubectl")
            try store.commit([], [.put(.intents, Numbered.key(4), try old.named(4))])
            try ledger.end(begin("helm"), outcome: "exit 0", now: now)
            #expect(try ledger.open().map(\.op) == ["old", "kubectl", "old"])
            for intent in try ledger.open(op: "old") {
                try ledger.end(intent, outcome: "exit 0", now: now)
            }
            for _ in 1...2 { try ledger.end(begin("helm"), outcome: "exit 0", now: now) }
            #expect(try ledger.open().map(\.id) == [left.id])
            try ledger.end(left, outcome: "exit 0", now: now)
            #expect(try ledger.open().isEmpty)
        }
    }

    @Test("ended intents beyond the bound are dropped, open ones never")
    func bound() async throws {
        try await withStore { store in
            let ledger = Ledger(store)
            let kept = try ledger.begin("app", op: "first", inputs: inputs, now: now)
            let ended = Intent(
                id: "", stage: "app", op: "old", inputHash: inputs, attempt: 1, startedAt: now,
                endedAt: now, outcome: "exit 0")
            try store.commit(
                [],
                (2...1_100).map { .put(.intents, Numbered.key(UInt64($0)), try ended.named($0)) })
            _ = try ledger.begin("app", op: "last", inputs: inputs, now: now)
            let all = try ledger.all()
            #expect(all.count == Ledger.endedMax + 2)
            #expect(all.first?.id == kept.id)
            #expect(all[1].id == Numbered.key(101))
            #expect(all.last?.op == "last")
        }
    }
}

extension Intent {
    fileprivate func named(_ number: Int) throws -> [UInt8] {
        try JSON.encode(
            Intent(
                id: Numbered.key(UInt64(number)), stage: stage, op: op, inputHash: inputHash,
                attempt: attempt, startedAt: startedAt, endedAt: endedAt, outcome: outcome))
    }
}
