import COpenSSL
import Glibc
import Model

/// A TCP connection that never waits past one deadline, however slowly the peer answers.
struct TimedSocket {
    let descriptor: Int32
    private let end: ContinuousClock.Instant
    private let tried: String
    private let deadline: Duration

    /// Connects to a numeric address. Throws `invalid` if `host` is not one, `unavailable` if
    /// nobody listens there, `timeout` after `deadline`.
    init(host: String, port: UInt16, deadline: Duration, tried: String) throws {
        self.tried = tried
        self.deadline = deadline
        end = .now + deadline
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_NUMERICHOST
        var found: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, "\(port)", &hints, &found) == 0, let address = found else {
            throw Failure(.invalid, "\(tried): \(host) is not an IP address")
        }
        defer { freeaddrinfo(found) }
        let kind = SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue
        descriptor = socket(address.pointee.ai_family, Int32(kind), 0)
        guard descriptor >= 0 else { throw Self.failure(.failed, tried, errno) }
        guard connect(descriptor, address.pointee.ai_addr, address.pointee.ai_addrlen) != 0 else {
            return
        }
        do {
            guard errno == EINPROGRESS else { throw Self.failure(.unavailable, tried, errno) }
            try wait(for: POLLOUT)
            var problem = Int32(0)
            var size = socklen_t(MemoryLayout<Int32>.size)
            getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &problem, &size)
            guard problem == 0 else { throw Self.failure(.unavailable, tried, problem) }
        } catch {
            close()
            throw error
        }
    }

    /// Repeats one call of OpenSSL until it is done or refused, and returns what it returned.
    /// Throws `timeout` when the deadline passes first.
    func drive(_ ssl: OpaquePointer, _ call: () -> Int32) throws -> Int32 {
        while true {
            // What is left in the queue by another call would be taken for this one's error.
            ERR_clear_error()
            let result = call()
            if result > 0 { return result }
            switch SSL_get_error(ssl, result) {
            case SSL_ERROR_WANT_READ: try wait(for: POLLIN)
            case SSL_ERROR_WANT_WRITE: try wait(for: POLLOUT)
            default: return result
            }
        }
    }

    func close() { _ = Glibc.close(descriptor) }

    private func wait(for event: Int32) throws {
        while true {
            let left = ContinuousClock.now.duration(to: end)
            guard left > .zero else {
                throw Failure(.timeout, "\(tried): no answer within \(deadline)")
            }
            var item = pollfd(fd: descriptor, events: Int16(event), revents: 0)
            if poll(&item, 1, Int32(clamping: Int64(left / .milliseconds(1)) + 1)) > 0 { return }
        }
    }

    private static func failure(_ code: Failure.Code, _ tried: String, _ number: Int32) -> Failure {
        Failure(code, "\(tried): \(String(cString: strerror(number)))")
    }
}
