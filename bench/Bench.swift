import ArgumentParser

/// Figures beside their limits or a named peer, measured in the same run.
@main
struct Bench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure, and compare with a limit or a peer in the same run.",
        discussion: """
              bench agent --seconds 60
              bench noop
              bench swap
            """,
        subcommands: [AgentBench.self, NoopBench.self, SwapBench.self, SwapLoad.self])
}
