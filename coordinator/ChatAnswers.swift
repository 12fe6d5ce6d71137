import Model

/// What a browser says first to Rocket.Chat, and how the answers are read. Pure: the gate carries
/// the bytes.
enum ChatAnswers {
    /// A whole HTTP/1.1 answer (RFC 9112).
    struct HTTP: Sendable, Hashable {
        let status: Int
        /// Names in lower case.
        let headers: [String: String]
        let body: String

        /// Nil if it is not one, or its head is not whole.
        init?(_ bytes: [UInt8]) {
            guard let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else { return nil }
            let head = String(decoding: bytes[..<end.lowerBound], as: UTF8.self)
            let lines = head.split(separator: "\r\n")
            let first = lines.first?.split(separator: " ") ?? []
            guard first.count >= 2, first[0].hasPrefix("HTTP/1."), let status = Int(first[1]) else {
                return nil
            }
            self.status = status
            var found: [String: String] = [:]
            for line in lines.dropFirst() {
                let parts = line.split(separator: ":", maxSplits: 1)
                guard parts.count == 2 else { continue }
                found[parts[0].lowercased()] = String(parts[1].drop { $0 == " " })
            }
            headers = found
            let rest = bytes[end.upperBound...]
            let isChunked = found["transfer-encoding"]?.lowercased() == "chunked"
            body = String(decoding: isChunked ? Self.joined(rest) : Array(rest), as: UTF8.self)
        }

        /// The data of the chunks, as far as they are there (RFC 9112 §7.1).
        private static func joined(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
            var (rest, data) = (bytes, [UInt8]())
            while let end = rest.firstRange(of: Array("\r\n".utf8)) {
                let line = String(decoding: rest[..<end.lowerBound], as: UTF8.self)
                guard let size = Int(line.prefix { $0 != ";" }, radix: 16), size > 0 else { break }
                rest = rest[end.upperBound...]
                data += rest.prefix(size)
                guard rest.count > size else { break }
                rest = rest.dropFirst(size).drop { [13, 10].contains($0) }
            }
            return data
        }
    }

    static func get(_ path: String, of domain: DomainName) -> [UInt8] {
        Array("GET \(path) HTTP/1.1\r\nHost: \(domain)\r\nConnection: close\r\n\r\n".utf8)
    }

    /// The version that `/api/info` tells; nil if that is not what answered.
    static func version(_ answer: HTTP) -> String? {
        struct Info: Decodable {
            let version: String
            let success: Bool
        }
        let info = try? JSON.decode(Info.self, from: answer.body.utf8, what: "/api/info")
        guard answer.status == 200, let info, info.success else { return nil }
        return String(info.version.prefix(32))
    }

    /// Whether this is the page that starts the application; the login form is made by its script.
    static func isLoginPage(_ answer: HTTP) -> Bool {
        answer.status == 200 && answer.body.contains("__meteor_runtime_config__")
    }

    // The key and its answer are the example of RFC 6455 §1.3: what is looked for is whether a
    // WebSocket server answers at all, and no cache stands in between.
    private static let (key, accepted) = (
        "dGhlIHNhbXBsZSBub25jZQ==", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    )

    static func upgrade(of domain: DomainName) -> [UInt8] {
        Array(
            """
            GET /websocket HTTP/1.1\r
            Host: \(domain)\r
            Origin: https://\(domain)\r
            Connection: Upgrade\r
            Upgrade: websocket\r
            Sec-WebSocket-Version: 13\r
            Sec-WebSocket-Key: \(key)\r
            \r

            """.utf8)
    }

    static func isUpgraded(_ answer: HTTP) -> Bool {
        answer.status == 101 && answer.headers["sec-websocket-accept"] == accepted
    }

    /// DDP's first message in one masked text frame (RFC 6455 §5.2).
    static func connect(mask: [UInt8]) -> [UInt8] {
        precondition(mask.count == 4, "a mask has four bytes")
        let text = Array(#"{"msg":"connect","version":"1","support":["1"]}"#.utf8)
        let masked = text.enumerated().map { $1 ^ mask[$0 % 4] }
        return [0x81, 0x80 | UInt8(text.count)] + mask + masked
    }

    /// What DDP's server made of it; nil while it has not said. Servers do not mask, so the text is
    /// there as it is.
    static func isConnected(_ bytes: [UInt8]) -> Bool? {
        if bytes.firstRange(of: Array(#""msg":"connected""#.utf8)) != nil { return true }
        return bytes.firstRange(of: Array(#""msg":"failed""#.utf8)) != nil ? false : nil
    }
}
