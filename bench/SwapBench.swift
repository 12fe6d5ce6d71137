import ArgumentParser
import Model
import Outside
import Support

/// What clients notice of a new certificate: the agent's swap beside a reload and a stop and start
/// of the same HAProxy, each under the same load.
struct SwapBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "swap",
        abstract: "Certificate swaps under load, beside a reload and a restart of HAProxy.",
        discussion: """
            Run it as root. It needs no lab: HAProxy runs on free ports of this machine, with \
            certificates made for it.

              bench swap
              bench swap --swaps 3
            """)

    @Option(help: "How often the certificate is changed in each way, once a second; 1 to 50.")
    var swaps = 10

    /// How a new certificate comes into service.
    enum Way: String, CaseIterable {
        case quiet = "no change"
        case swap = "jeeves: swap"
        case reload = "haproxy: reload"
        case restart = "haproxy: stop, start"
    }

    func validate() throws {
        guard (1...50).contains(swaps) else { throw ValidationError("--swaps is from 1 to 50") }
    }

    func run() async throws {
        print(
            "\(swaps) certificates in each way, one a second, under about "
                + "\(rounded(SwapLoad.perSecond)) requests and messages a second")
        print(Self.row("", ["asked", "failed", "cut", "longest gap", "ratio", "shown", "workers"]))
        var quiet: Duration?
        var missed = false
        for way in Way.allCases {
            let outcome = try await measure(way)
            let (tally, gap) = (outcome.tally, outcome.tally.gap)
            quiet = quiet ?? gap
            missed = missed || way == .swap && tally.failed + tally.cut > 0
            print(
                Self.row(
                    way.rawValue,
                    [
                        "\(tally.asked)", "\(tally.failed)", "\(tally.cut)", Self.text(gap),
                        rounded(gap.seconds / (quiet ?? gap).seconds),
                        way == .quiet ? "-" : Self.text(outcome.shownAfter), "\(outcome.workers)",
                    ]))
        }
        print(Self.legend)
        if missed { throw ExitCode(1) }
    }

    private static let legend = """
        failed: requests and connections without a whole answer    cut: WebSockets
        longest gap: of one client, between two answers            ratio: to no change
        shown: median until clients are shown the new certificate  workers: at the end
        A worker of before a reload keeps its WebSockets, until hard-stop-after cuts them.
        """

    private static func text(_ duration: Duration) -> String {
        "\(Int((duration / .milliseconds(1)).rounded())) ms"
    }

    private static func row(_ name: String, _ cells: [String]) -> String {
        func padding(_ text: String, _ width: Int) -> String {
            String(repeating: " ", count: max(1, width - text.count))
        }
        return name + padding(name, 20) + cells.map { padding($0, 12) + $0 }.joined()
    }

    private struct Outcome {
        let tally: SwapLoad.Tally
        let shownAfter: Duration
        let workers: Int
    }

    /// Each way has a HAProxy of its own, which begins with generation 1.
    private func measure(_ way: Way) async throws -> Outcome {
        try await LoopbackEdge.with { edge in
            let site = try await SwapSite.make(edge, generations: swaps + 1)
            let clock = edge.world.clock
            return try await LoopbackChat.with(port: edge.backendPort) {
                try await site.begin()
                var shown: [Duration] = []
                let tally = try await SwapLoad.on(edge) {
                    for generation in 2...swaps + 1 {
                        let start = clock.uptime()
                        try await site.change(to: generation, by: way)
                        let took = clock.uptime() - start
                        shown.append(took)
                        try await clock.sleep(max(.zero, .seconds(1) - took), op: "bench.interval")
                    }
                }
                return Outcome(
                    tally: tally, shownAfter: shown.sorted()[shown.count / 2],
                    workers: try await site.workers())
            }
        }
    }
}
