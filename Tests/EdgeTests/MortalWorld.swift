import FoundationEssentials
import Model
import Outside
import Support
import Synchronization
import Tools

extension World {
    /// This world, as one process sees it that `ledger` can kill: the effects happen here, and
    /// `ledger` counts them and says after which the process is dead.
    func mortal(by ledger: FakeWorld, clock: ShiftedClock) -> World {
        World(
            processes: processes, files: MortalFiles(files: files, ledger: ledger),
            network: MortalNetwork(network: network, ledger: ledger, clock: clock),
            units: MortalUnits(units: units, ledger: ledger),
            clock: MortalClock(clock: clock, ledger: ledger), chance: chance)
    }
}

/// The real clocks, with a wall that can be set ahead, and waits that can be made shorter.
final class ShiftedClock: Clocks {
    private let clock: any Clocks
    private let ahead = Mutex(Duration.zero)
    private let caBehind = Mutex(Duration.zero)
    private let hurried = Mutex((op: nil as Op?, gained: Duration.zero))
    let faces = PublicFace()

    init(_ clock: any Clocks) { self.clock = clock }

    /// How far the wall is ahead of the real one.
    func setAhead(_ duration: Duration) { ahead.withLock { $0 = duration } }

    /// How far the CA's wall is behind this one.
    func setCABehind(_ duration: Duration) { caBehind.withLock { $0 = duration } }

    /// From now on a sleep for `op` counts four times: the end of a wait for what never comes is
    /// there sooner.
    func hurry(_ op: Op) { hurried.withLock { $0.op = op } }

    func caDate() -> String {
        HTTPDate.text(now().addingTimeInterval(-caBehind.withLock { $0.seconds }))
    }

    func now() -> Date { clock.now().addingTimeInterval(ahead.withLock { $0.seconds }) }
    func uptime() -> Duration { clock.uptime() + hurried.withLock { $0.gained } }
    func sleep(_ duration: Duration, op: Op) async throws {
        try await clock.sleep(duration, op: op)
        hurried.withLock { if $0.op == op { $0.gained += duration * 3 } }
    }
}

/// What instance metadata and the DNS say of a node, which this machine cannot have.
final class PublicFace: Sendable {
    private let state = Mutex((own: "192.0.2.1", record: [192, 0, 2, 1] as [UInt8]))

    /// The Elastic IP has moved elsewhere: the name still leads to the old one.
    func moves(to address: String) { state.withLock { $0.own = address } }

    func hides(_ endpoint: Endpoint) -> Bool {
        endpoint == .tcp(host: "169.254.169.254", port: 80)
    }

    func metadata(of request: HTTPRequest) throws -> HTTPResponse {
        switch request.target {
        case "/latest/api/token": HTTPResponse(status: 200, body: Array("token".utf8))
        case "/latest/meta-data/public-ipv4":
            HTTPResponse(status: 200, body: Array(state.withLock { $0.own }.utf8))
        default: HTTPResponse(status: 404)
        }
    }

    func records(_ type: RecordType) -> [[UInt8]] {
        type == .a ? [state.withLock { $0.record }] : []
    }
}

private struct MortalFiles: Files {
    let files: any Files
    let ledger: FakeWorld

    func info(_ path: String) throws -> FileInfo? {
        try ledger.read("files.info")
        return try files.info(path)
    }

    func read(_ path: String, bytesMax: Int) throws -> [UInt8] {
        try ledger.read("files.read")
        return try files.read(path, bytesMax: bytesMax)
    }

    func list(_ path: String) throws -> [String] {
        try ledger.read("files.list")
        return try files.list(path)
    }

    func linkTarget(_ path: String) throws -> String {
        try ledger.read("files.link")
        return try files.linkTarget(path)
    }

    func replace(_ path: String, with bytes: [UInt8], mode: UInt16, op: Op) throws {
        try ledger.effect(op) { try files.replace(path, with: bytes, mode: mode, op: op) }
    }

    func makeDirectory(_ path: String, mode: UInt16, op: Op) throws {
        try ledger.effect(op) { try files.makeDirectory(path, mode: mode, op: op) }
    }

    func remove(_ path: String, op: Op) throws {
        try ledger.effect(op) { try files.remove(path, op: op) }
    }
}

/// Whoever lives in this world has its time: the CA says it, as the node's clock does.
private struct MortalNetwork: Network {
    let network: any Network
    let ledger: FakeWorld
    let clock: ShiftedClock

    func http(
        _ request: HTTPRequest, deadline: Duration, bytesMax: Int, op: Op
    ) async throws -> HTTPResponse {
        try ledger.read(op)
        if clock.faces.hides(request.endpoint) {
            return try clock.faces.metadata(of: request)
        }
        var answer = try await network.http(
            request, deadline: deadline, bytesMax: bytesMax, op: op)
        if answer.headers["date"] != nil { answer.headers["date"] = clock.caDate() }
        return answer
    }

    /// Only what HAProxy is told changes something, not what it is asked.
    func exchange(
        _ endpoint: Endpoint, sending bytes: [UInt8], deadline: Duration, bytesMax: Int, op: Op
    ) async throws -> [UInt8] {
        if bytes.starts(with: Array("show ".utf8)) {
            try ledger.read(op)
            return try await network.exchange(
                endpoint, sending: bytes, deadline: deadline, bytesMax: bytesMax, op: op)
        }
        return try await ledger.effect(op) {
            try await network.exchange(
                endpoint, sending: bytes, deadline: deadline, bytesMax: bytesMax, op: op)
        }
    }

    func resolve(_ host: String, deadline: Duration, op: Op) async throws -> [String] {
        try ledger.read(op)
        return try await network.resolve(host, deadline: deadline, op: op)
    }

    func records(
        _ type: RecordType, of name: String, deadline: Duration, op: Op
    ) async throws -> [[UInt8]] {
        try ledger.read(op)
        return clock.faces.records(type)
    }
}

private struct MortalUnits: Units {
    let units: any Units
    let ledger: FakeWorld

    func state(_ unit: String) async throws -> UnitState {
        try ledger.read("units.state")
        return try await units.state(unit)
    }

    func job(_ verb: UnitVerb, _ unit: String, deadline: Duration, op: Op) async throws {
        try await ledger.effect(op) {
            try await units.job(verb, unit, deadline: deadline, op: op)
        }
    }

    func mask(_ unit: String, op: Op) async throws {
        try await ledger.effect(op) { try await units.mask(unit, op: op) }
    }

    func run(_ unit: TransientUnit, op: Op) async throws -> Finished {
        try await ledger.effect(op) { try await units.run(unit, op: op) }
    }
}

private struct MortalClock: Clocks {
    let clock: ShiftedClock
    let ledger: FakeWorld

    func now() -> Date { clock.now() }
    func uptime() -> Duration { clock.uptime() }
    func sleep(_ duration: Duration, op: Op) async throws {
        try ledger.read(op)
        try await clock.sleep(duration, op: op)
    }
}
