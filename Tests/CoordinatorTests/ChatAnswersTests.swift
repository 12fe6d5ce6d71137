import Model
import Testing

@testable import Coordinator

@Suite struct ChatAnswersTests {
    private let domain = DomainName(unchecked: "chat.example.org")

    private func http(_ text: String) -> ChatAnswers.HTTP? { .init(Array(text.utf8)) }

    @Test("an answer is read whole or not at all")
    func answers() {
        let answer = http("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\nbody")
        #expect(answer?.status == 200)
        #expect(answer?.headers == ["content-type": "text/html"])
        #expect(answer?.body == "body")
        #expect(http("HTTP/1.1 200 OK\r\nContent-Type: te") == nil)
        #expect(http("SSH-2.0-OpenSSH\r\n\r\n") == nil)
        #expect(http("") == nil)
    }

    @Test("chunks are joined, and a broken or cut chunk ends the body")
    func chunks() {
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        #expect(http(head + "5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\r\n")?.body == "hello world")
        #expect(http(head + "5\r\nhel")?.body == "hel")
        #expect(http(head + "ffffffffffffffffffff\r\nx")?.body == "")
        #expect(http(head + "-5\r\nx")?.body == "")
        #expect(http(head + "7fffffffffffffff\r\nx")?.body == "x")
    }

    @Test("only Rocket.Chat's own answer tells its version")
    func version() throws {
        func version(_ status: Int, _ body: String) throws -> String? {
            ChatAnswers.version(try #require(http("HTTP/1.1 \(status) X\r\n\r\n\(body)")))
        }
        #expect(try version(200, #"{"version":"8.6","success":true}"#) == "8.6")
        #expect(try version(200, #"{"version":"8.6","success":false}"#) == nil)
        #expect(try version(503, #"{"version":"8.6","success":true}"#) == nil)
        #expect(try version(200, "<html>") == nil)
    }

    @Test("an upgrade counts only with the answer to our key")
    func upgrade() throws {
        let request = String(decoding: ChatAnswers.upgrade(of: domain), as: UTF8.self)
        #expect(request.hasPrefix("GET /websocket HTTP/1.1\r\nHost: chat.example.org\r\n"))
        #expect(request.hasSuffix("\r\n\r\n"))
        func isUpgraded(_ text: String) throws -> Bool {
            ChatAnswers.isUpgraded(try #require(http(text)))
        }
        let accept = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        #expect(try isUpgraded("HTTP/1.1 101 Switching Protocols\r\n\(accept)\r\n\r\n"))
        #expect(try !isUpgraded("HTTP/1.1 101 Switching Protocols\r\n\r\n"))
        #expect(try !isUpgraded("HTTP/1.1 200 OK\r\n\(accept)\r\n\r\n"))
    }

    @Test("DDP's first message is one masked text frame")
    func connect() {
        let mask: [UInt8] = [1, 2, 3, 4]
        let frame = ChatAnswers.connect(mask: mask)
        #expect(frame[0] == 0x81)
        #expect(frame[1] & 0x80 != 0)
        #expect(Int(frame[1] & 0x7f) == frame.count - 6)
        let text = frame.dropFirst(6).enumerated().map { $1 ^ mask[$0 % 4] }
        #expect(
            String(decoding: text, as: UTF8.self)
                == #"{"msg":"connect","version":"1","support":["1"]}"#)
    }

    @Test("the server's word decides whether DDP connected")
    func connected() {
        func verdict(_ text: String) -> Bool? { ChatAnswers.isConnected(Array(text.utf8)) }
        #expect(verdict(#"?{"server_id":"0"}"#) == nil)
        #expect(verdict(#"?{"server_id":"0"}?{"msg":"connected","session":"s"}"#) == true)
        #expect(verdict(#"?{"msg":"failed","version":"1"}"#) == false)
    }
}
