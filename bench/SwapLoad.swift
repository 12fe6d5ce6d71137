import ArgumentParser
import Model
import Outside
import Support

/// A steady load on an edge: browsers with an open connection, visitors with a new one for each
/// request, and WebSockets. Every client tries again after a failure, at its own pace.
///
/// It is a process of its own, so that nothing that the agent's code does can hold it up.
struct SwapLoad: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "swap-load", abstract: "The clients of `bench swap`.", shouldDisplay: false)

    @Option(help: "Port of HAProxy's HTTPS on loopback.")
    var port: UInt16

    @Option(help: "The name that clients ask for.")
    var name: String

    @Option(help: "They go on until this file is there.")
    var until: String

    /// What came of it, of one client or of all.
    struct Tally: Codable, Sendable {
        /// Requests and messages.
        var asked = 0
        /// Those that got no whole answer, and connections that were refused.
        var failed = 0
        /// WebSockets that ended before we ended them.
        var cut = 0
        /// The longest time in which one client got no answer.
        var gap = Duration.zero
        private var answeredAt: Duration?

        mutating func answered(at now: Duration) {
            gap = max(gap, answeredAt.map { now - $0 } ?? .zero)
            answeredAt = now
        }

        mutating func add(_ other: Tally) {
            asked += other.asked
            failed += other.failed
            cut += other.cut
            gap = max(gap, other.gap)
        }
    }

    static let (browsers, visitors, sockets) = (20, 5, 20)
    /// Between an answer and the next question.
    static let pace = Duration.milliseconds(200)
    static let perSecond = Double(browsers + visitors + sockets) / pace.seconds

    fileprivate static let longest = Duration.seconds(300)

    /// Runs the load beside `body`, and says what all clients saw.
    static func on(_ edge: LoopbackEdge, _ body: () async throws -> Void) async throws -> Tally {
        let (world, flag) = (edge.world, "\(edge.folder)/over")
        let command = Command(
            try world.files.linkTarget("/proc/self/exe"),
            [
                configuration.commandName ?? "", "--port", "\(edge.layout.httpsPort)",
                "--name", edge.domain.rawValue, "--until", flag,
            ])
        async let printed = world.processes.output(
            of: command, limits: Limits(deadline: longest), op: "bench.load")
        try await world.clock.sleep(.seconds(2), op: "bench.warm")
        try await body()
        try await world.clock.sleep(.seconds(1), op: "bench.settle")
        try world.files.replace(flag, with: [], mode: 0o600, op: "bench.over")
        return try await JSON.decode(Tally.self, from: Array(printed.utf8), what: "the load")
    }

    func run() async throws {
        let clients = try Clients(port: port, name: DomainName(name), until: until)
        print(String(decoding: try JSON.encode(try await clients.run()), as: UTF8.self))
    }
}

/// The clients themselves.
private struct Clients {
    typealias Tally = SwapLoad.Tally

    let port: UInt16
    let name: DomainName
    let until: String
    let world: World
    let end: Duration

    init(port: UInt16, name: DomainName, until: String) {
        (self.port, self.name, self.until) = (port, name, until)
        world = World.live()
        end = world.clock.uptime() + SwapLoad.longest
    }

    func run() async throws -> Tally {
        try await withThrowingTaskGroup(of: Tally.self) { clients in
            for _ in 0..<SwapLoad.browsers {
                clients.addTask { try await browse(keepingOpen: true) }
            }
            for _ in 0..<SwapLoad.visitors {
                clients.addTask { try await browse(keepingOpen: false) }
            }
            for _ in 0..<SwapLoad.sockets { clients.addTask { try await chat() } }
            var all = Tally()
            for try await tally in clients { all.add(tally) }
            return all
        }
    }

    /// Ends also if nobody is left to say so.
    private var goesOn: Bool {
        (try? world.files.info(until)) == .some(nil) && world.clock.uptime() < end
    }

    /// A connection that the server closed while nothing was asked on it is no failure.
    private func browse(keepingOpen: Bool) async throws -> Tally {
        var tally = Tally()
        while goesOn {
            do {
                try await TLSTalk.with(port: port, name: name) { talk in
                    repeat {
                        tally.asked += 1
                        try await talk.ask(
                            LoopbackChat.request(to: name), until: LoopbackChat.ending)
                        tally.answered(at: world.clock.uptime())
                        try await pause()
                    } while goesOn && keepingOpen && talk.isOpen
                }
            } catch let failure as Failure where failure.code == .unavailable {
                tally.failed += 1
                try await pause()
            }
        }
        return tally
    }

    private func chat() async throws -> Tally {
        var tally = Tally()
        let upgrade = LoopbackChat.request(to: name, upgrade: true)
        while goesOn {
            var isUp = false
            do {
                try await TLSTalk.with(port: port, name: name) { talk in
                    try await talk.ask(upgrade, until: "\r\n\r\n")
                    isUp = true
                    while goesOn {
                        tally.asked += 1
                        try await talk.ask("ping\n", until: "ping\n")
                        tally.answered(at: world.clock.uptime())
                        try await pause()
                    }
                }
            } catch let failure as Failure where failure.code == .unavailable {
                tally.failed += 1
                tally.cut += isUp ? 1 : 0
                try await pause()
            }
        }
        return tally
    }

    private func pause() async throws {
        try await world.clock.sleep(SwapLoad.pace, op: "bench.pace")
    }
}
