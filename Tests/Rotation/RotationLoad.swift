import Model
import Outside
import Support

/// A steady load on an edge: browsers with an open connection, visitors with a new one for each
/// request, and WebSockets. Every client tries again after a failure, at its own pace.
public struct RotationLoad: Sendable {
    /// What came of it, of one client or of all.
    public struct Tally: Codable, Sendable {
        /// Connections begun.
        public var connections = 0
        /// Those that came to no TLS session.
        public var refused = 0
        /// Requests and messages.
        public var asked = 0
        /// Those that got no whole answer.
        public var failed = 0
        /// WebSockets that ended before we ended them.
        public var cut = 0
        /// The longest time in which one client got no answer.
        public var gap = Duration.zero
        private var answeredAt: Duration?

        public init() {}

        /// All that a client may notice of a change.
        public var losses: Int { refused + failed + cut }

        mutating func answered(at now: Duration) {
            gap = max(gap, answeredAt.map { now - $0 } ?? .zero)
            answeredAt = now
        }

        mutating func add(_ other: Tally) {
            connections += other.connections
            refused += other.refused
            asked += other.asked
            failed += other.failed
            cut += other.cut
            gap = max(gap, other.gap)
        }
    }

    public static let (browsers, visitors, sockets) = (20, 5, 20)
    /// Between an answer and the next question.
    public static let pace = Duration.milliseconds(200)
    public static let perSecond = Double(browsers + visitors + sockets) / pace.seconds

    private let port: UInt16
    private let name: DomainName
    private let world = World.live()
    private let goesOn: @Sendable () -> Bool

    /// The clients ask before each question whether it goes on.
    public init(port: UInt16, name: DomainName, while goesOn: @escaping @Sendable () -> Bool) {
        (self.port, self.name, self.goesOn) = (port, name, goesOn)
    }

    /// What all clients saw, once it does not go on.
    public func run() async throws -> Tally {
        try await withThrowingTaskGroup(of: Tally.self) { clients in
            for _ in 0..<Self.browsers {
                clients.addTask { try await browse(keepingOpen: true) }
            }
            for _ in 0..<Self.visitors {
                clients.addTask { try await browse(keepingOpen: false) }
            }
            for _ in 0..<Self.sockets { clients.addTask { try await chat() } }
            var all = Tally()
            for try await tally in clients { all.add(tally) }
            return all
        }
    }

    /// A connection that the server closed while nothing was asked on it is no failure.
    private func browse(keepingOpen: Bool) async throws -> Tally {
        var tally = Tally()
        while goesOn() {
            try await connect(&tally) { talk, tally in
                repeat {
                    tally.asked += 1
                    try await talk.ask(
                        LoopbackChat.request(to: name), until: LoopbackChat.ending)
                    tally.answered(at: world.clock.uptime())
                    try await pause()
                } while goesOn() && keepingOpen && talk.isOpen
            }
        }
        return tally
    }

    private func chat() async throws -> Tally {
        var tally = Tally()
        let upgrade = LoopbackChat.request(to: name, upgrade: true)
        while goesOn() {
            var isUp = false
            let before = tally.failed
            try await connect(&tally) { talk, tally in
                tally.asked += 1
                try await talk.ask(upgrade, until: "\r\n\r\n")
                isUp = true
                while goesOn() {
                    tally.asked += 1
                    try await talk.ask("ping\n", until: "ping\n")
                    tally.answered(at: world.clock.uptime())
                    try await pause()
                }
            }
            tally.cut += isUp ? tally.failed - before : 0
        }
        return tally
    }

    /// One connection, from the handshake to its end.
    private func connect(
        _ tally: inout Tally, _ body: (inout TLSTalk, inout Tally) async throws -> Void
    ) async throws {
        tally.connections += 1
        var isUp = false
        do {
            try await TLSTalk.with(port: port, name: name) { talk in
                isUp = true
                try await body(&talk, &tally)
            }
        } catch let failure as Failure where failure.code == .unavailable {
            if isUp { tally.failed += 1 } else { tally.refused += 1 }
            try await pause()
        }
    }

    private func pause() async throws {
        try await world.clock.sleep(Self.pace, op: "load.pace")
    }
}
