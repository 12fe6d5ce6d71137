import ArgumentParser
import Model
import Outside
import Rotation
import Support

/// What clients notice of new certificates: the agent's swaps beside reloads and stops and starts
/// of the same HAProxy, each under the same load.
struct SwapBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "swap",
        abstract: "Certificate swaps under load, beside a reload and a restart of HAProxy.",
        discussion: """
            Run it as root. It needs no lab: HAProxy runs on free ports of this machine, with \
            certificates made for it. Exit status 1 if a client noticed a swap or none asked, or \
            a descriptor was left open.

              bench swap
              bench swap --rotations 20 --peers 3
            """)

    @Option(help: "How many certificates the agent swaps in, one after the other; 1 to 10000.")
    var rotations = 1000

    @Option(help: "How often the certificate is changed in each other way, once a second; 1 to 50.")
    var peers = 10

    func validate() throws {
        guard (1...10_000).contains(rotations), (1...50).contains(peers) else {
            throw ValidationError("--rotations is from 1 to 10000, --peers from 1 to 50")
        }
    }

    func run() async throws {
        print("under about \(rounded(RotationLoad.perSecond)) requests and messages a second")
        print(
            Self.row(
                "",
                [
                    "changes", "connected", "refused", "asked", "failed", "cut", "gap", "shown",
                    "p99", "fds", "workers",
                ]))
        var missed = false
        for way in RotationWay.allCases {
            let outcome = try await measure(way)
            let tally = outcome.tally
            let isClean = tally.asked > 0 && tally.losses == 0 && outcome.left <= 0
            missed = missed || way == .swap && !isClean
            let shown = way == .quiet ? nil : outcome.shown.sorted()
            print(
                Self.row(
                    way.rawValue,
                    [
                        "\(outcome.shown.count)", "\(tally.connections)", "\(tally.refused)",
                        "\(tally.asked)", "\(tally.failed)", "\(tally.cut)", Self.text(tally.gap),
                        Self.text(shown.map { $0[$0.count / 2] }),
                        Self.text(shown.map { $0[$0.count * 99 / 100] }),
                        "\(outcome.left)", "\(outcome.workers)",
                    ]))
        }
        print(Self.legend)
        if missed { throw ExitCode(1) }
    }

    private static let legend = """
        refused: connections without a TLS session    failed: questions without a whole answer
        cut: WebSockets    gap: longest time of one client between two answers
        shown: median time from new material until clients are shown it    p99: of 99 in 100
        fds: descriptors more than before, once the load is over    workers: before that
        A worker of before a reload keeps its WebSockets, until hard-stop-after cuts them.
        """

    private static func text(_ duration: Duration?) -> String {
        duration.map { "\(Int(($0 / .milliseconds(1)).rounded())) ms" } ?? "-"
    }

    private static func row(_ name: String, _ cells: [String]) -> String {
        func padding(_ text: String, _ width: Int) -> String {
            String(repeating: " ", count: max(1, width - text.count))
        }
        return name + padding(name, 20) + cells.map { padding($0, 10) + $0 }.joined()
    }

    private struct Outcome {
        let tally: RotationLoad.Tally
        let shown: [Duration]
        let workers: Int
        /// Descriptors that are left open.
        let left: Int
    }

    /// Each way has a HAProxy of its own, which begins with generation 1.
    private func measure(_ way: RotationWay) async throws -> Outcome {
        let changes = way == .swap ? rotations : peers
        let interval = Duration.milliseconds(way == .swap ? 250 : 1000)
        return try await LoopbackEdge.with { edge in
            let site = try await RotationSite.make(edge, generations: changes + 2)
            let clock = edge.world.clock
            return try await LoopbackChat.with(port: edge.backendPort) {
                try await site.begin()
                // Everything warms up, this process too.
                _ = try await SwapLoad.on(edge, atMost: .seconds(30)) {
                    try await site.change(to: 2, by: .swap)
                }
                let before = try await site.descriptors()
                var (shown, workers): ([Duration], Int) = ([], 0)
                let limit = .seconds(60) + .seconds(2) * changes
                let tally = try await SwapLoad.on(edge, atMost: limit) {
                    for generation in 3...changes + 2 {
                        let start = clock.uptime()
                        try await site.change(to: generation, by: way)
                        let took = clock.uptime() - start
                        shown.append(took)
                        try await clock.sleep(max(.zero, interval - took), op: "bench.interval")
                    }
                    workers = try await site.workers()
                }
                return Outcome(
                    tally: tally, shown: shown, workers: workers,
                    left: try await site.left(since: before))
            }
        }
    }
}
