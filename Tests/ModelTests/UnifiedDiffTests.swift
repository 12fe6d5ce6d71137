import Testing

@testable import Model

@Suite struct UnifiedDiffTests {
    /// What GNU diff 3.8 prints for these two after the names.
    @Test("hunks are those of diff -u")
    func hunks() {
        let old = "abcdefghijklmn".map { "\($0)\n" }.joined()
        let new = "abcDefghijklmno".map { "\($0)\n" }.joined()
        let wanted = """
            @@ -1,7 +1,7 @@
             a
             b
             c
            -d
            +D
             e
             f
             g
            @@ -12,3 +12,4 @@
             l
             m
             n
            +o
            """
        #expect(UnifiedDiff.text(from: old, to: new) == wanted)
    }

    @Test("changes that share their context are one hunk")
    func shared() {
        let old = "abcdefgh".map { "\($0)\n" }.joined()
        let diff = UnifiedDiff.text(from: old, to: "Bbcdefgx\n".map { "\($0)\n" }.joined())
        #expect(diff.split(separator: "\n").count { $0.hasPrefix("@@") } == 1)
    }

    @Test("a text from nothing and to nothing begins at line 0 of the other")
    func empty() {
        #expect(UnifiedDiff.text(from: "", to: "a\nb\n") == "@@ -0,0 +1,2 @@\n+a\n+b")
        #expect(UnifiedDiff.text(from: "a\nb\n", to: "") == "@@ -1,2 +0,0 @@\n-a\n-b")
        #expect(UnifiedDiff.text(from: "a\n", to: "a\n").isEmpty)
    }

    @Test("what nobody would read is counted instead")
    func bounds() {
        let long = (0..<1000).map { "\($0)\n" }.joined()
        let lines = UnifiedDiff.text(from: "", to: long).split(separator: "\n")
        #expect(lines.count == UnifiedDiff.linesMax + 1)
        #expect(lines.last == "… 601 more lines")
        let endless = String(repeating: "x\n", count: UnifiedDiff.inputLinesMax + 1)
        #expect(
            UnifiedDiff.text(from: "", to: endless) == "0 lines become 5001, too many to compare")
    }
}
