import ArgumentParser
import Glibc
import Model
import Outside

/// What it costs to find a controller right: the agent's pass over all its steps, which it makes
/// every five minutes, beside the same checks by Ansible on the same node.
///
/// The agent is charged with its dearest five seconds, so with its links and timers too.
struct NoopBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "noop",
        abstract: "Processor time to find a node right, beside Ansible.",
        discussion: """
            Run it as root while the lab is up and idle (make demo, then make bench). Ansible is \
            installed once, by pip, into the cache folder.

              bench noop
              bench noop --passes 3
            """)

    @Option(help: "How many passes of the agent are watched, five minutes each.")
    var passes = 1

    /// CPU-seconds of a pass, from the design.
    private static let limit = 0.02
    private static let ansible = "2.17.7"
    private static let folder = "/opt/jeeves-bench"

    func validate() throws {
        guard passes > 0 else { throw ValidationError("--passes is 1 or more") }
    }

    func run() async throws {
        let world = World.live()
        let agents = try Agents(world.files)
        guard
            let agent = agents.pids.first(where: {
                agents.hasFile("etc/haproxy/certs/haproxy.pem", besides: $0)
            })
        else {
            throw Failure(
                .notFound, "looking for a controller's agent: none runs here",
                fix: "run `make demo` first")
        }
        let node = try agents.parent(of: agent)
        print("watching the controller's agent for \(passes) passes; \(5 * passes) minutes")
        let pass = try await dearest(of: agent, world)

        report(pass, try await peer(world, on: node))
        if pass > Self.limit { throw ExitCode(1) }
    }

    /// CPU-seconds of the playbook on a node, which keeps nothing of it, whatever happens.
    private func peer(_ world: World, on node: Int) async throws -> Double {
        let ansible = try await installed(world)
        let root = "/proc/\(node)/root\(Self.folder)"
        let remove = ["--recursive", "--force", root]
        try await must(world, "rm", remove)
        do {
            try await must(world, "cp", ["--recursive", ansible, root])
            try await must(world, "cp", ["bench/noop.yml", "\(root)/noop.yml"])
            // The first run compiles Python; only the second is counted.
            _ = try await play(world, on: node)
            let seconds = try await play(world, on: node)
            try await must(world, "rm", remove)
            return seconds
        } catch {
            try? await must(world, "rm", remove)
            throw error
        }
    }

    /// CPU-seconds of the dearest five seconds in each pass's time, on average.
    private func dearest(of agent: Int, _ world: World) async throws -> Double {
        let clock = CPUClock(pid: agent)
        var sum = 0.0
        for _ in 0..<passes {
            var readings = [try clock.seconds()]
            for _ in 0..<600 {
                try await world.clock.sleep(.milliseconds(500), op: "bench.watch")
                readings.append(try clock.seconds())
            }
            sum += zip(readings, readings.dropFirst(10)).map { $1 - $0 }.max() ?? 0
        }
        return sum / Double(passes)
    }

    private func report(_ pass: Double, _ peer: Double) {
        print("one pass over all steps         CPU-seconds")
        print("  jeeves-agent                  \(rounded(pass))")
        print("  limit                         \(Self.limit)  ratio \(rounded(pass / Self.limit))")
        print(
            "  ansible-core \(Self.ansible)           \(rounded(peer))  "
                + "ratio \(rounded(pass / peer))"
        )
    }

    /// A virtual environment with Ansible, made once.
    private func installed(_ world: World) async throws -> String {
        let cache = getenv("JEEVES_CACHE").map { String(cString: $0) }
        let home = getenv("HOME").map { String(cString: $0) } ?? "/root"
        let path = "\(cache ?? "\(home)/.cache/jeeves")/ansible-\(Self.ansible)"
        guard try world.files.info("\(path)/done") == nil else { return path }
        print("installing ansible-core \(Self.ansible) into \(path); about a minute")
        try await must(world, "rm", ["--recursive", "--force", path])
        try await must(world, "python3", ["-m", "venv", "--copies", path])
        try await must(
            world, "\(path)/bin/python3",
            ["-m", "pip", "install", "--quiet", "ansible-core==\(Self.ansible)"])
        try await must(world, "touch", ["\(path)/done"])
        return path
    }

    /// CPU-seconds of one run of the playbook, all its processes together.
    private func play(_ world: World, on node: Int) async throws -> Double {
        let before = Self.childSeconds()
        let command = [
            "--target", "\(node)", "--all", "--", "\(Self.folder)/bin/python3", "-m", "ansible",
            "playbook", "--inventory", "localhost,", "\(Self.folder)/noop.yml",
        ]
        try await must(world, "nsenter", command)
        return Self.childSeconds() - before
    }

    private func must(_ world: World, _ program: String, _ arguments: [String]) async throws {
        let path = getenv("PATH").map { String(cString: $0) } ?? "/usr/sbin:/usr/bin"
        let environment = Self.inherited().merging(["LC_ALL": "C.UTF-8", "PATH": path]) { $1 }
        let command = Command(program, arguments, environment: environment)
        let finished = try await world.processes.run(
            command, limits: Limits(deadline: .seconds(600), outputBytesMax: 1 << 20),
            op: "bench.run")
        guard finished.succeeded else {
            throw Failure(.failed, "running \(command): \(finished.sentence)\n\(finished.output)")
        }
    }

    /// What pip needs of a person's own settings.
    private static func inherited() -> [String: String] {
        let names = ["HOME", "PIP_INDEX_URL", "PIP_CERT", "HTTPS_PROXY", "https_proxy"]
        return names.reduce(into: [:]) { found, name in
            if let value = getenv(name) { found[name] = String(cString: value) }
        }
    }

    private static func childSeconds() -> Double {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_CHILDREN.rawValue), &usage)
        return [usage.ru_utime, usage.ru_stime].reduce(0) {
            $0 + Double($1.tv_sec) + Double($1.tv_usec) / 1e6
        }
    }
}
