import FoundationEssentials
import Testing

@testable import Tools

@Suite struct CAARecordTests {
    private func record(_ tag: String, _ value: String, flags: UInt8 = 0) throws -> CAARecord {
        try #require(CAARecord([flags, UInt8(tag.utf8.count)] + Array((tag + value).utf8)))
    }

    private func refusal(_ records: [CAARecord], account: String? = nil) -> String? {
        CAARecord.refusal(in: records, issuers: ["ca.test"], method: "http-01", account: account)?
            .reason
    }

    @Test("the CA may issue if it is named, or if nobody is")
    func allowed() throws {
        #expect(refusal([]) == nil)
        #expect(try refusal([record("iodef", "mailto:x@example.test")]) == nil)
        #expect(
            try refusal([record("ISSUE", " CA.test ; validationmethods=dns-01,http-01")]) == nil)
        #expect(try refusal([record("issue", "other.test"), record("issue", "ca.test")]) == nil)
    }

    @Test("it may not if only others are named, or nobody may, or not by this challenge")
    func refused() throws {
        #expect(try refusal([record("issue", "other.test")]) == "allows only other.test")
        #expect(try refusal([record("issue", ";")]) == "allows no CA at all")
        #expect(
            try refusal([record("issue", "ca.test; validationmethods=dns-01")])
                == "does not allow ca.test to validate by http-01")
        #expect(
            try refusal([record("new", "", flags: 128)]) == "holds the critical property \"new\"")
    }

    @Test("a record for one account lets in that account only, and one not made yet is not judged")
    func account() throws {
        let (own, other) = ("https://ca.test/acct/1", "https://ca.test/acct/2")
        let record = try record("issue", "ca.test; AccountURI = \(own); validationmethods=http-01")
        #expect(refusal([record], account: own) == nil)
        #expect(refusal([record]) == nil)
        let found = CAARecord.refusal(
            in: [record], issuers: ["ca.test"], method: "http-01", account: other)
        #expect(
            found?.reason
                == "allows ca.test only for the account \(own), and this node's is \(other)")
        #expect(found?.wanted == "ca.test; accounturi=\(other)")
        #expect(refusal([record, try self.record("issue", "ca.test")], account: other) == nil)
    }

    @Test("a record that breaks off is none")
    func broken() {
        for data: [UInt8] in [[], [0], [0, 0], [0, 9, 105]] { #expect(CAARecord(data) == nil) }
    }

    @Test("a server's date is read, and nothing else is")
    func date() {
        let date = HTTPDate.parse("Sun, 06 Nov 1994 08:49:37 GMT")
        #expect(date == Date(timeIntervalSince1970: 784_111_777))
        #expect(HTTPDate.parse("Sunday, 06-Nov-94 08:49:37 GMT") == nil)
    }
}
