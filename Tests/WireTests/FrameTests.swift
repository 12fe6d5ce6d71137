import Model
import Testing

@testable import Wire

@Suite("Frame")
struct FrameTests {
    /// What comes of `bytes` when they arrive at once.
    private func decode(_ bytes: [UInt8]) throws -> Message? {
        var decoder = FrameDecoder()
        decoder.append(bytes)
        return try decoder.next()
    }

    private func expect(_ wanted: Message?, _ decoder: inout FrameDecoder) throws {
        let message = try decoder.next()
        #expect(message == wanted)
    }

    @Test("every kind of message arrives as it was sent, whole or byte by byte")
    func roundTrip() throws {
        #expect(Set(Samples.all.map(\.kind)) == Set(MessageKind.allCases))
        var decoder = FrameDecoder()
        for message in Samples.all {
            let frame = try Frame.encode(message)
            for byte in frame.dropLast() {
                decoder.append([byte])
                try expect(nil, &decoder)
            }
            decoder.append([frame[frame.count - 1]])
            try expect(message, &decoder)
            #expect(!decoder.isInsideFrame)
        }
        decoder.append(try Samples.all.flatMap(Frame.encode))
        for message in Samples.all { try expect(message, &decoder) }
        try expect(nil, &decoder)
    }

    @Test("a frame beyond its kind's limit is refused by its header alone")
    func oversize() throws {
        for kind in MessageKind.allCases {
            let length = UInt32(kind.bytesMax + 2)
            let header = Samples.frame(length: length, kind: kind.rawValue, body: "")
            #expect(failing { try decode(header) }?.code == .invalid, "\(kind)")
        }
    }

    @Test(
        "a length that no frame has is refused before its kind is there",
        arguments: [0, (4 << 20) + 2, UInt32(Int32.max), 1 << 31, UInt32.max] as [UInt32])
    func badLength(length: UInt32) throws {
        let start = Array(Samples.frame(length: length, kind: 0, body: "").prefix(4))
        #expect(failing { try decode(start) }?.code == .invalid)
    }

    @Test("an unknown kind is unsupported, a misplaced one invalid, a mislabelled one invalid")
    func kinds() throws {
        for kind in UInt8.min...UInt8.max where MessageKind(rawValue: kind) == nil {
            let failure = failing { try decode(Samples.frame(kind: kind, body: "{}")) }
            #expect(failure?.code == .unsupported)
            #expect(failure?.fix.isEmpty == false)
        }
        let misplaced = failing {
            var picky = FrameDecoder(accepting: [.ping])
            picky.append(Samples.frame(length: 9, kind: MessageKind.spec.rawValue, body: ""))
            return try picky.next()
        }
        #expect(misplaced?.code == .invalid)
        let ping = Samples.frame(kind: MessageKind.pong.rawValue, body: #"{"ping":{"_0":1}}"#)
        #expect(failing { try decode(ping) }?.code == .invalid)
    }

    @Test("deep nesting is refused before it is decoded, brackets in strings do not count")
    func depth() throws {
        let levels = String(repeating: "[", count: 500_000)
        let deep = Samples.frame(kind: MessageKind.status.rawValue, body: levels)
        #expect(failing { try decode(deep) }?.message.contains("nested deeper than 64") == true)

        let quoted = Message.refusal(
            Failure(.failed, String(repeating: #"[{\""#, count: 500)))
        #expect(try decode(Frame.encode(quoted)) == quoted)
    }

    @Test("a message larger than its kind allows is not sent")
    func oversizedSend() throws {
        let long = String(repeating: "x", count: 17 << 10)
        #expect(failing { try Frame.encode(.refusal(Failure(.failed, long))) }?.code == .invalid)
    }

    @Test("what a peer wrote into an error is bounded and without control characters")
    func errorText() throws {
        let key = #"{"\#u{1b}[31m"# + String(repeating: "k", count: 4000) + #"":{}}"#
        let frame = Samples.frame(kind: MessageKind.refusal.rawValue, body: key)
        let failure = try #require(failing { try decode(frame) })
        #expect(failure.message.count < 500)
        #expect(!failure.message.unicodeScalars.contains("\u{1b}"))
    }

    @Test("no truncation of any message is taken for a message")
    func truncation() throws {
        for message in Samples.all {
            let frame = try Frame.encode(message)
            for count in 0..<frame.count {
                #expect(try decode(Array(frame.prefix(count))) == nil)
                // The same bytes under an honest length: an incomplete document.
                guard count > Frame.headerBytes else { continue }
                let body = frame[Frame.headerBytes..<count]
                #expect(failing { try Frame.decode(message.kind, body) } != nil)
            }
        }
    }

    @Test("random mutations never trap: a message, a wait or a failure", arguments: 0..<8)
    func mutations(seed: UInt64) throws {
        var chance = SeededChance(seed: seed)
        let frames = try Samples.all.map(Frame.encode)
        for _ in 0..<1_000 {
            var bytes = frames[Int.random(in: 0..<frames.count, using: &chance)]
            for _ in 0..<Int.random(in: 1...6, using: &chance) {
                let place = Int.random(in: 0..<bytes.count, using: &chance)
                switch Int.random(in: 0..<4, using: &chance) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &chance)
                case 1: bytes.remove(at: place)
                case 2:
                    bytes.insert(bytes[Int.random(in: 0..<bytes.count, using: &chance)], at: place)
                default: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &chance)
                }
                if bytes.isEmpty { bytes = [0] }
            }
            var decoder = FrameDecoder()
            decoder.append(bytes)
            // Whatever is taken for a message must be one of ours that can be sent again.
            do {
                while let message = try decoder.next() { _ = try Frame.encode(message) }
            } catch {
                #expect(error is Failure)
            }
        }
    }

    @Test("a request of a newer coordinator is told from a broken one, and costs no link")
    func unknownRequest() throws {
        func read(_ body: String) throws -> Request {
            try JSON.decode(
                Request.self, from: #"{"id":7,"body":\#(body)}"#.utf8, what: "a request")
        }
        let request = try read(#"{"brewCoffee":{"_0":{"cups":2}}}"#)
        #expect(request == Request(id: 7, body: .unknown(kind: "brewCoffee")))
        let long = String(repeating: "x", count: 500)
        #expect(try read(#"{"\#(long)":{}}"#).body == .unknown(kind: String(long.prefix(64))))
        #expect(try read(#"{"kubeconfig":{}}"#).body == .kubeconfig)
        for broken in [#"{"logs":{"lines":1}}"#, "{}", #"{"a":{},"b":{}}"#, "[]"] {
            #expect(throws: Failure.self) { try read(broken) }
        }
    }
}

/// The failure that `work` throws, or nil.
func failing<Value>(_ work: () throws -> Value) -> Failure? {
    do {
        _ = try work()
        return nil
    } catch { return error as? Failure ?? Failure(.failed, "not a Failure: \(error)") }
}

/// The failure that `work` throws, or nil.
func failing<Value>(
    isolation: isolated (any Actor)? = #isolation, _ work: () async throws -> Value
) async -> Failure? {
    do {
        _ = try await work()
        return nil
    } catch { return error as? Failure ?? Failure(.failed, "not a Failure: \(error)") }
}
