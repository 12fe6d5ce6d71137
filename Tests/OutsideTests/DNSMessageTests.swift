import Testing

@testable import Outside

@Suite struct DNSMessageTests {
    /// An answer to a question about `x.`: an alias, then a CAA record of 7 bytes.
    private let message: [UInt8] =
        [0, 1, 0x81, 0x80, 0, 1, 0, 2, 0, 0, 0, 0]
        + [1, 120, 0, 1, 1, 0, 1]
        + [0xC0, 12, 0, 5, 0, 1, 0, 0, 0, 60, 0, 3, 1, 121, 0]
        + [1, 121, 0, 1, 1, 0, 1, 0, 0, 0, 60, 0, 7, 0, 5, 105, 115, 115, 117, 101]

    @Test("records of the type are read past aliases and pointers")
    func records() {
        #expect(DNSMessage.records(.caa, in: message) == [[0, 5, 105, 115, 115, 117, 101]])
        #expect(DNSMessage.records(.a, in: message) == [])
    }

    @Test("a message that breaks off anywhere is none")
    func short() {
        for length in 0..<message.count {
            #expect(DNSMessage.records(.caa, in: message.prefix(length)) == nil)
        }
    }

    @Test("addresses are equal however they are spelled")
    func addresses() {
        #expect(IPAddress("2001:db8::1") == IPAddress("2001:0DB8:0:0::1"))
        #expect(IPAddress([192, 0, 2, 1] as [UInt8]) == IPAddress("192.0.2.1"))
        #expect(IPAddress("192.0.2.1")?.description == "192.0.2.1")
        #expect(IPAddress("192.0.2") == nil)
        #expect(IPAddress("10.1.2.3")?.isLocal == true)
        #expect(IPAddress("203.0.113.9")?.isLocal == false)
    }
}
