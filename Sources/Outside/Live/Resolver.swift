import CGlibc
import Glibc
import Model
import NIOCore
import NIOPosix
import Synchronization

/// The system's resolver, which blocks: it gets threads of its own, and callers a deadline.
enum Resolver {
    private static let threads = 2
    /// Lookups that run or wait; a dead DNS server holds each for half a minute.
    private static let waitingMax = 32
    private static let waiting = Atomic<Int>(0)
    private static let pool: NIOThreadPool = {
        let pool = NIOThreadPool(numberOfThreads: threads)
        pool.start()
        return pool
    }()

    static func addresses(of host: String, deadline: Duration) async throws -> [String] {
        try await answer("resolving \(host)", deadline) { try look(up: host) }
    }

    static func records(
        _ type: RecordType, of name: String, deadline: Duration
    ) async throws -> [[UInt8]] {
        let tried = "asking the DNS for the \(type) records of \(name)"
        return try await answer(tried, deadline) { try query(type, of: name, trying: tried) }
    }

    private static func answer<Answer: Sendable>(
        _ tried: String, _ deadline: Duration, _ ask: @escaping @Sendable () throws -> Answer
    ) async throws -> Answer {
        guard waiting.wrappingAdd(1, ordering: .relaxed).newValue <= waitingMax else {
            waiting.wrappingSubtract(1, ordering: .relaxed)
            throw Failure(.unavailable, "\(tried): \(waitingMax) lookups hang already")
        }
        let loop = MultiThreadedEventLoopGroup.singleton.any()
        let promise = loop.makePromise(of: Answer.self)
        pool.submit { state in
            defer { waiting.wrappingSubtract(1, ordering: .relaxed) }
            guard state == .active else { return promise.fail(CancellationError()) }
            promise.completeWith(Result { try ask() })
        }
        let timer = loop.scheduleTask(in: TimeAmount(deadline)) {
            promise.fail(Failure(.timeout, "\(tried): no answer in \(deadline.shortText)"))
        }
        promise.futureResult.whenComplete { _ in timer.cancel() }
        return try await withTaskCancellationHandler {
            try await promise.futureResult.get()
        } onCancel: {
            promise.fail(CancellationError())
        }
    }

    /// res_query(3). A name that is not there has no records, as one that has none of the type.
    private static func query(
        _ type: RecordType, of name: String, trying tried: String
    ) throws -> [[UInt8]] {
        var message = [UInt8](repeating: 0, count: DNSMessage.bytesMax)
        let count = res_query(
            name, Int32(DNSMessage.internet), Int32(type.rawValue), &message, Int32(message.count))
        guard count >= 0 else {
            if [HOST_NOT_FOUND, NO_DATA].contains(x_h_errno()) { return [] }
            throw Failure(.unavailable, "\(tried): \(String(cString: hstrerror(x_h_errno())))")
        }
        guard count <= message.count,
            let records = DNSMessage.records(type, in: message.prefix(Int(count)))
        else { throw Failure(.invalid, "\(tried): the answer is no DNS message") }
        return records
    }

    /// Throws `notFound` if the name has no address, `unavailable` if no server could say.
    private static func look(up host: String) throws -> [String] {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var first: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, nil, &hints, &first)
        defer { if let first { freeaddrinfo(first) } }
        guard code == 0 else {
            let unknown = code == EAI_NONAME || code == EAI_NODATA
            throw Failure(
                unknown ? .notFound : .unavailable,
                "resolving \(host): \(String(cString: gai_strerror(code)))")
        }
        var found: [String] = []
        for entry in sequence(first: first, next: { $0?.pointee.ai_next }) {
            guard let entry = entry?.pointee, let address = numeric(entry) else { continue }
            if !found.contains(address) { found.append(address) }
        }
        return found
    }

    private static func numeric(_ entry: addrinfo) -> String? {
        var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        let code = getnameinfo(
            entry.ai_addr, entry.ai_addrlen, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST)
        guard code == 0 else { return nil }
        return text.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } }
    }
}

/// glibc's code for a name that exists without an address (netdb.h, not imported).
private let EAI_NODATA: Int32 = -5
