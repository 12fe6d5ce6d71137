import FoundationEssentials
import Model
import Outside
import Support
import Testing
import Trust

@testable import Agent

@Suite("A power cut in a swap", .serialized, .enabled(if: Programs.areThere, Programs.hint))
struct ReplayTests {
    @Test(
        "after any of the calls that change the disk, HAProxy starts with the old or the new pair")
    func everyPrefix() async throws {
        try await EdgeNode.with { node in
            let step = try #require(node.certificate as? CertificateStep)
            try await node.serveMinted()
            try await expectOldOrNew(node) { try await step.remove($0) }
            try await expectOldOrNew(node) { try await step.apply($0) }
            try await node.mint(generation: 2)
            try await expectOldOrNew(node) { try await step.apply($0) }
            // Put back, and swapped in the next pass.
            try await node.mint(generation: 3)
            let old = try await node.served()
            let blind = step.seeing(only: old)
            node.clock.hurry("certificate.prove")
            try await expectOldOrNew(node) { world in
                await #expect(throws: Failure.self) { try await blind.apply(world) }
                try await step.apply(world)
            }
        }
    }

    @Test("the recorder would notice a rename before the new bytes are safe")
    func unsafe() {
        let swap: [DiskTape.Entry] = [
            .create("/.new"), .write("/.new", [1, 2]), .rename("/.new", "/pem"), .sync("/"),
        ]
        func left(_ count: Int, _ rest: DiskTape.Rest) -> [UInt8]? {
            DiskTape.play(swap.prefix(count), on: ["/pem": [0]], leaving: rest)["/pem"]
        }
        #expect(left(2, .none) == [0])
        #expect(left(3, .all) == [1, 2])
        #expect(left(3, .half) == [1])
        #expect(left(3, .none) == [])
    }

    /// Plays every beginning of what `change` does to the disk where it began, with all and with
    /// none of what was not yet safe, and looks at it with HAProxy's eyes.
    private func expectOldOrNew(
        _ node: EdgeNode, _ change: (World) async throws -> Void
    ) async throws {
        let tape = DiskTape()
        let before = try content(node)
        try await change(node.reborn(files: tape.files).world)
        let after = try content(node)
        #expect(read(before, node) != read(after, node))
        var seen: Set<DiskTape.Content> = []
        for count in 0...tape.entries.count {
            for rest in DiskTape.Rest.allCases {
                let left = DiskTape.play(
                    tape.entries.prefix(count), on: before, leaving: rest)
                let found = read(left, node)
                let call = count == 0 ? "no call" : "\(tape.entries[count - 1])".prefix(80)
                #expect(
                    found == read(before, node) || found == read(after, node),
                    "\(call), \(rest) left")
                guard seen.insert(left).inserted else { continue }
                try put(left, node)
                let starts = try await node.wouldStart()
                #expect(starts, "\(call), \(rest) left")
            }
        }
        #expect(
            DiskTape.play(tape.entries, on: before, leaving: .none) == after,
            "the tape is not what happened")
        try put(after, node)
    }

    /// What HAProxy reads when it starts: each line of the list with the file that it names.
    private func read(_ content: DiskTape.Content, _ node: EdgeNode) -> [String: [UInt8]?] {
        let list = String(decoding: content[node.layout.certificateList] ?? [], as: UTF8.self)
        let lines = list.split(separator: "\n").map { line in
            (String(line), content[String(line.prefix { $0 != " " })])
        }
        return Dictionary(lines) { $1 }
    }

    private func content(_ node: EdgeNode) throws -> DiskTape.Content {
        let (files, folder) = (node.edge.world.files, node.layout.certificateFolder)
        return try Dictionary(
            uniqueKeysWithValues: files.list(folder).map {
                ("\(folder)/\($0)", try files.read("\(folder)/\($0)", bytesMax: .max))
            })
    }

    private func put(_ content: DiskTape.Content, _ node: EdgeNode) throws {
        let (files, folder) = (node.edge.world.files, node.layout.certificateFolder)
        for name in try files.list(folder) {
            try files.remove("\(folder)/\(name)", op: "test.clear")
        }
        for (path, bytes) in content {
            try files.replace(path, with: bytes, mode: 0o600, op: "test.put")
        }
    }
}
