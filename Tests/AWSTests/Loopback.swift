import Glibc
import Model

@testable import AWS

/// A socket on a free port of loopback.
private struct LoopbackSocket: ~Copyable {
    let descriptor: Int32
    let port: UInt16

    init(_ kind: __socket_type) throws {
        descriptor = socket(AF_INET, Int32(kind.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let (socket, size) = (descriptor, length)
        let isBound = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(socket, $0, size) == 0 && getsockname(socket, $0, &length) == 0
            }
        }
        port = UInt16(bigEndian: address.sin_port)
        guard isBound else { throw Failure(.failed, "binding a socket of loopback") }
    }

    deinit { close(descriptor) }
}

/// A name server for one question.
final class NameServer: Sendable {
    private let socket: LoopbackSocket
    private let answers: @Sendable ([UInt8]) -> [[UInt8]]

    var port: UInt16 { socket.port }

    init(_ answers: @escaping @Sendable ([UInt8]) -> [[UInt8]]) throws {
        self.answers = answers
        socket = try LoopbackSocket(SOCK_DGRAM)
    }

    /// Answers one question.
    func serve() async {
        let (descriptor, answers) = (socket.descriptor, answers)
        try? await Blocking.run {
            var buffer = [UInt8](repeating: 0, count: 512)
            var peer = sockaddr()
            var length = socklen_t(MemoryLayout<sockaddr>.size)
            let count = recvfrom(descriptor, &buffer, buffer.count, 0, &peer, &length)
            for answer in answers(Array(buffer.prefix(max(0, count)))) {
                sendto(descriptor, answer, answer.count, 0, &peer, length)
            }
        }
    }
}

/// A web server for one request of a few bytes.
final class LoopbackServer: Sendable {
    private let socket: LoopbackSocket

    var port: UInt16 { socket.port }

    /// Listens; without ``serve(_:)`` it never answers.
    init() throws {
        socket = try LoopbackSocket(SOCK_STREAM)
        guard listen(socket.descriptor, 1) == 0 else { throw Failure(.failed, "listening") }
    }

    /// Sends `answer` to the first request and returns that request.
    func serve(_ answer: String) async throws -> String {
        let descriptor = socket.descriptor
        return try await Blocking.run {
            let peer = accept(descriptor, nil, nil)
            defer { close(peer) }
            var text = ""
            var buffer = [UInt8](repeating: 0, count: 4096)
            while !(text.contains("\r\n\r\n") && (text.hasPrefix("GET") || text.hasSuffix("body")))
            {
                let count = recv(peer, &buffer, buffer.count, 0)
                guard count > 0 else { break }
                text += String(decoding: buffer[..<count], as: UTF8.self)
            }
            _ = send(peer, answer, answer.utf8.count, Int32(MSG_NOSIGNAL))
            return text
        }
    }
}
