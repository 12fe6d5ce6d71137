import Glibc
import Model
import Outside

/// Asks one name server directly over UDP, past every cache, what it holds (RFC 1035).
public enum DNS {
    /// Questions before a silent server counts as unavailable.
    static let attemptsMax = 3

    /// The A records that `server` itself holds for `domain`, sorted.
    ///
    /// `server` is a host name or address. Throws `notFound` if it says that there are none,
    /// `unavailable` if it does not answer, or not with authority.
    public static func addresses(
        of domain: DomainName, at server: String, port: UInt16 = 53, chance: any Chance,
        wait: Duration = .seconds(2)
    ) async throws -> [String] {
        let id = chance.bytes(2).reduce(UInt16(0)) { $0 << 8 | UInt16($1) }
        let question = DNSMessage.question(id: id, domain: domain)
        return try await Blocking.run {
            let socket = try UDPSocket(server, port: port, wait: wait)
            for _ in 1...attemptsMax {
                try socket.send(question)
                // Anything that is no answer to this very question is as good as silence.
                if let bytes = try socket.receive(),
                    let answer = DNSMessage.answer(bytes, id: id, domain: domain)
                {
                    return try judge(answer, "asking \(server) for \(domain)")
                }
            }
            throw Failure(
                .unavailable,
                "asking \(server) for \(domain): no answer to \(attemptsMax) questions",
                fix: "check that UDP port \(port) is open from here")
        }
    }

    private static func judge(_ answer: DNSMessage.Answer, _ what: String) throws -> [String] {
        guard answer.responseCode == 0 || answer.responseCode == 3 else {
            throw Failure(
                .unavailable, "\(what): it answers with the error code \(answer.responseCode)")
        }
        guard answer.isAuthoritative else {
            throw Failure(.unavailable, "\(what): it does not answer for this zone")
        }
        guard !answer.isTruncated else {
            throw Failure(.unsupported, "\(what): the answer does not fit into one datagram")
        }
        guard !answer.addresses.isEmpty else {
            throw Failure(.notFound, "\(what): it holds no A record of that name")
        }
        return answer.addresses.sorted()
    }
}

/// Builds one kind of question and reads its answer; trusts no length or offset it is given.
enum DNSMessage {
    struct Answer: Hashable {
        let responseCode: UInt8
        let isAuthoritative: Bool
        let isTruncated: Bool
        let addresses: [String]
    }

    /// An A question of class IN, without recursion.
    static func question(id: UInt16, domain: DomainName) -> [UInt8] {
        let header: [UInt16] = [id, 0, 1, 0, 0, 0]
        let name = domain.rawValue.split(separator: ".").flatMap {
            [UInt8(truncatingIfNeeded: $0.utf8.count)] + $0.utf8
        }
        return (header.flatMap(bytes)) + name + [0] + bytes(1) + bytes(1)
    }

    /// Nil unless `message` is a well-formed answer to that question.
    static func answer(_ message: [UInt8], id: UInt16, domain: DomainName) -> Answer? {
        var reader = Reader(bytes: message)
        guard reader.number() == id, let flags = reader.number(), flags & 0x8000 != 0,
            reader.number() == 1, let count = reader.number(), reader.number() != nil,
            reader.number() != nil, reader.name() == domain.rawValue, reader.number() == 1,
            reader.number() == 1
        else { return nil }
        var addresses: [String] = []
        for _ in 0..<count {
            guard let owner = reader.name(), let type = reader.number(),
                let kind = reader.number(), reader.number() != nil, reader.number() != nil,
                let length = reader.number(), let data = reader.take(Int(length))
            else { return nil }
            if owner == domain.rawValue, type == 1, kind == 1 {
                guard data.count == 4 else { return nil }
                addresses.append(data.map(String.init).joined(separator: "."))
            }
        }
        return Answer(
            responseCode: UInt8(flags & 0xF), isAuthoritative: flags & 0x0400 != 0,
            isTruncated: flags & 0x0200 != 0, addresses: addresses)
    }

    private static func bytes(_ number: UInt16) -> [UInt8] {
        [UInt8(number >> 8), UInt8(number & 0xFF)]
    }

    private struct Reader {
        let bytes: [UInt8]
        var at = 0

        mutating func number() -> UInt16? {
            take(2).map { $0.reduce(0) { $0 << 8 | UInt16($1) } }
        }

        mutating func take(_ count: Int) -> ArraySlice<UInt8>? {
            guard bytes.count - at >= count else { return nil }
            defer { at += count }
            return bytes[at..<(at + count)]
        }

        /// A name in lower case, compression followed (§4.1.4). A pointer must point backwards, so
        /// none can lead in a circle.
        mutating func name() -> String? {
            var labels: [String] = []
            var place = at
            var limit = at
            var end: Int?
            var length = 0
            while place < bytes.count {
                let size = Int(bytes[place])
                if size == 0 {
                    at = end ?? place + 1
                    return labels.joined(separator: ".")
                }
                if size & 0xC0 == 0xC0 {
                    guard place + 1 < bytes.count else { return nil }
                    let target = (size & 0x3F) << 8 | Int(bytes[place + 1])
                    guard target < limit else { return nil }
                    end = end ?? place + 2
                    (place, limit) = (target, target)
                } else {
                    length += size + 1
                    guard size < 64, length <= 255, place + 1 + size <= bytes.count else {
                        return nil
                    }
                    let label = bytes[(place + 1)...(place + size)]
                    labels.append(String(decoding: label, as: UTF8.self).lowercased())
                    place += 1 + size
                }
            }
            return nil
        }
    }
}

/// One connected UDP socket, so that the kernel drops what others send. Blocks the thread.
private struct UDPSocket: ~Copyable {
    /// Without EDNS no answer is longer (RFC 1035 §4.2.1).
    static let bytesMax = 512

    private let descriptor: Int32
    private let name: String

    init(_ host: String, port: UInt16, wait: Duration) throws {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_DGRAM.rawValue)
        hints.ai_flags = AI_NUMERICSERV
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, String(port), &hints, &list)
        guard code == 0, let found = list else {
            throw Failure(
                .unavailable,
                "looking up the name server \(host): \(String(cString: gai_strerror(code)))",
                fix: "check this machine's DNS (/etc/resolv.conf)")
        }
        defer { freeaddrinfo(found) }
        for address in sequence(first: found, next: { $0.pointee.ai_next }).prefix(8) {
            let info = address.pointee
            let opened = socket(info.ai_family, info.ai_socktype | Int32(SOCK_CLOEXEC.rawValue), 0)
            guard opened >= 0 else { continue }
            if connect(opened, info.ai_addr, info.ai_addrlen) == 0 {
                descriptor = opened
                name = host
                let (seconds, attoseconds) = wait.components
                var limit = timeval(
                    tv_sec: Int(seconds), tv_usec: Int(attoseconds / 1_000_000_000_000))
                setsockopt(
                    opened, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
                return
            }
            close(opened)
        }
        throw Failure(
            .unavailable, "reaching the name server \(host): \(String(cString: strerror(errno)))")
    }

    deinit { close(descriptor) }

    func send(_ bytes: [UInt8]) throws {
        guard Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count
        else { throw trouble("sending to") }
    }

    /// Nil if nothing came in time.
    func receive() throws -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: Self.bytesMax)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        guard count >= 0 else {
            if errno == EAGAIN || errno == EINTR { return nil }
            throw trouble("reading from")
        }
        return Array(buffer.prefix(count))
    }

    private func trouble(_ what: String) -> Failure {
        Failure(
            .unavailable, "\(what) the name server \(name): \(String(cString: strerror(errno)))")
    }
}
