import ArgumentParser
import Model
import Outside
import Rotation
import Support

/// The clients of `bench swap`, in a process of their own, so that nothing that the agent's code
/// does can hold them up.
struct SwapLoad: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "swap-load", abstract: "The clients of `bench swap`.", shouldDisplay: false)

    @Option(help: "Port of HAProxy's HTTPS on loopback.")
    var port: UInt16

    @Option(help: "The name that clients ask for.")
    var name: String

    @Option(help: "They go on until this file is there.")
    var until: String

    @Option(help: "They end after so many seconds if nobody is left to say so.")
    var seconds: Int

    /// Runs the load beside `body`, and says what all clients saw.
    static func on(
        _ edge: LoopbackEdge, atMost limit: Duration, _ body: () async throws -> Void
    ) async throws -> RotationLoad.Tally {
        let (world, flag) = (edge.world, "\(edge.folder)/over")
        let command = Command(
            try world.files.linkTarget("/proc/self/exe"),
            [
                configuration.commandName ?? "", "--port", "\(edge.layout.httpsPort)",
                "--name", edge.domain.rawValue, "--until", flag,
                "--seconds", "\(Int(limit.seconds))",
            ])
        try world.files.remove(flag, op: "bench.begin")
        async let printed = world.processes.output(
            of: command, limits: Limits(deadline: limit + .seconds(30)), op: "bench.load")
        try await world.clock.sleep(.seconds(2), op: "bench.warm")
        try await body()
        try await world.clock.sleep(.seconds(1), op: "bench.settle")
        try world.files.replace(flag, with: [], mode: 0o600, op: "bench.over")
        let text = try await printed
        return try JSON.decode(RotationLoad.Tally.self, from: Array(text.utf8), what: "the load")
    }

    func run() async throws {
        let world = World.live()
        let end = world.clock.uptime() + .seconds(seconds)
        let tally = try await RotationLoad(port: port, name: DomainName(name)) { [until] in
            (try? world.files.info(until)) == .some(nil) && world.clock.uptime() < end
        }.run()
        print(String(decoding: try JSON.encode(tally), as: UTF8.self))
    }
}
