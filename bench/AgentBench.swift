import ArgumentParser
import Model
import Outside

/// What an idle agent costs its node: memory, processor time and wake-ups of every `jeeves-agent`
/// that runs on this machine, those of the lab's nodes too, against the limits of the design.
struct AgentBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "agent",
        abstract: "Memory, processor time and wake-ups of the agents that run here.",
        discussion: """
            Run it as root while the lab is up and idle (make demo, then make bench).

              bench agent
              bench agent --seconds 300
            """)

    @Option(help: "How long to watch.")
    var seconds = 60

    /// Limits of the design; one copy running, idle.
    private static let limits: [(name: String, unit: String, most: Double)] = [
        ("memory (PSS)", "KiB", 20 * 1024), ("private dirty", "KiB", 4 * 1024),
        ("processor", "ms/min", 10), ("wake-ups", "1/s", 1),
    ]

    func validate() throws {
        guard seconds > 0 else { throw ValidationError("--seconds is 1 or more") }
    }

    func run() async throws {
        let world = World.live()
        let found = try Agents(world.files).pids
        guard !found.isEmpty else {
            throw Failure(
                .notFound, "looking for jeeves-agent: none runs here", fix: "run `make demo` first")
        }
        print("watching \(found.count) agents for \(seconds) s")
        let before = try found.map { try Sample($0, world.files) }
        try await world.clock.sleep(.seconds(seconds), op: "bench.watch")
        var missed = 0
        print("pid      figure          measured      limit  ratio")
        for (pid, start) in zip(found, before) {
            let end = try Sample(pid, world.files)
            let measured = [
                Double(end.pss), Double(end.dirty),
                (end.busy - start.busy) * 1000 * 60 / Double(seconds),
                Double(end.wakeups(since: start)) / Double(seconds),
            ]
            for (limit, value) in zip(Self.limits, measured) {
                let ratio = value / limit.most
                missed += ratio > 1 ? 1 : 0
                print(
                    pad("\(pid)", 9) + pad(limit.name, 15)
                        + pad("\(rounded(value)) \(limit.unit)", 15)
                        + pad("\(rounded(limit.most))", 7) + "\(rounded(ratio))"
                        + (ratio > 1 ? "  missed" : ""))
            }
        }
        if missed > 0 { throw ExitCode(1) }
    }

    private func pad(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(1, width - text.count))
    }
}

/// What proc(5) says of one process at one moment.
private struct Sample {
    let pss: Int
    let dirty: Int
    /// Seconds on a processor.
    let busy: Double
    /// How often each living thread went to sleep by itself, and so was woken.
    private let sleeps: [String: Int]

    /// Throws `notFound` if the process is gone.
    init(_ pid: Int, _ files: any Files) throws {
        let memory = "/proc/\(pid)/smaps_rollup"
        pss = try number("Pss:", of: memory, files)
        dirty = try number("Private_Dirty:", of: memory, files)
        busy = try CPUClock(pid: pid).seconds()
        sleeps = try files.list("/proc/\(pid)/task").reduce(into: [:]) { sleeps, thread in
            let status = "/proc/\(pid)/task/\(thread)/status"
            // A thread may end meanwhile.
            sleeps[thread] = try? number("voluntary_ctxt_switches:", of: status, files)
        }
    }

    /// Wake-ups since `start`. Those of threads that have ended meanwhile are not known.
    func wakeups(since start: Sample) -> Int {
        sleeps.reduce(0) { $0 + $1.value - min($1.value, start.sleeps[$1.key] ?? 0) }
    }
}
