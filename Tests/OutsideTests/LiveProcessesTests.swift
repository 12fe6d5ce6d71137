import Glibc
import Model
import Synchronization
import Testing

@testable import Outside

struct LiveProcessesTests {
    private let processes = LiveProcesses()
    private let limits = Limits(deadline: .seconds(20), grace: .seconds(5))

    private func shell(_ script: String, input: Secret? = nil) -> Command {
        Command("/bin/sh", ["-c", script], input: input)
    }

    /// Waits until the kernel has carried out a SIGKILL. Throws `timeout` if it was never sent.
    private func end(of pid: Int32) async throws {
        _ = try await LiveClocks().poll(
            every: .milliseconds(5), atMost: .seconds(10), waitingFor: "the end of \(pid)",
            op: "test.end"
        ) { ProcessTable.look(at: pid)?.isZombie ?? true ? true : nil }
    }

    @Test("a child has exactly the environment it is given, and its secrets")
    func environment() async throws {
        let command = Command(
            "env", [], environment: ["A": "1"], secrets: ["TOKEN": Secret("s3cret")])
        let finished = try await processes.run(command, limits: limits, op: "test")
        #expect(finished.succeeded)
        #expect(finished.output.split(separator: "\n").sorted() == ["A=1", "TOKEN=s3cret"])
        #expect(!"\(command)".contains("s3cret"))
    }

    @Test("a secret on standard input reaches the child, which then sees the end")
    func input() async throws {
        let output = try await processes.output(
            of: Command("cat", [], input: Secret("pass phrase")), limits: limits, op: "test")
        #expect(output == "pass phrase")
    }

    @Test("how a child ended is a value, with its last words")
    func endings() async throws {
        let exited = try await processes.run(
            shell("echo out; echo why >&2; exit 3"), limits: limits, op: "test")
        #expect(exited == Finished(ending: .exited(3), output: "out\n", errors: "why\n"))
        #expect(exited.sentence == "exit 3: why")
        let killed = try await processes.run(shell("kill -9 $$"), limits: limits, op: "test")
        #expect(killed.ending == .signalled(SIGKILL))
    }

    @Test("a program that is not there is not found", arguments: ["/no/such", "no-such-program"])
    func missing(program: String) async throws {
        let failure = await #expect(throws: Failure.self) {
            try await processes.run(Command(program, []), limits: limits, op: "test")
        }
        #expect(failure?.code == .notFound)
    }

    @Test("the child is told of before its lines, and lines come one by one")
    func startedAndLines() async throws {
        let seen = Seen()
        _ = try await processes.run(
            shell("echo one; printf two"), limits: limits, op: "test",
            started: { child in seen.add(child.pid > 0 ? "started" : "no child") },
            line: { seen.add($0) })
        #expect(seen.words == ["started", "one", "two"])
    }

    @Test("what prints to files is read line by line, and only its owner can read it")
    func outputFiles() async throws {
        let folder = try TemporaryFolder()
        let seen = Seen()
        var command = shell("echo one; echo why >&2; printf two; exit 3")
        command.outputFile = folder.file("child")
        let finished = try await processes.run(
            command, limits: limits, op: "test",
            started: { child in seen.add(child.pid > 0 ? "started" : "no child") },
            line: { seen.add($0) })
        #expect(finished == Finished(ending: .exited(3), output: "one\ntwo", errors: "why\n"))
        #expect(seen.words == ["started", "one", "two"])
        for name in ["child", "child.errors"] {
            #expect(try World.live().files.info(folder.file(name))?.mode == 0o600)
        }
    }

    @Test("of much output the first and the last part are kept")
    func outputBounds() async throws {
        let finished = try await processes.run(
            shell("echo first; head --bytes=3000000 /dev/zero | tr '\\0' x; echo; echo last"),
            limits: Limits(deadline: .seconds(20), outputBytesMax: 1000), op: "test")
        #expect(finished.output.hasPrefix("first\nxxx"))
        #expect(finished.output.hasSuffix("xxx\nlast\n"))
        #expect(finished.output.contains("[2999012 bytes left out]"))
        #expect(finished.output.utf8.count < 1100)
    }

    @Test("a deadline stops a child that ignores SIGTERM, and its child, and says so")
    func deadline() async throws {
        let seen = Seen()
        let failure = await #expect(throws: Failure.self) {
            try await processes.run(
                shell("trap '' TERM; sleep 60 & echo $$; echo $!; echo stuck >&2; wait"),
                limits: Limits(deadline: .milliseconds(400), grace: .milliseconds(200)),
                op: "test", started: { _ in }, line: { seen.add($0) })
        }
        #expect(failure?.code == .timeout)
        #expect(failure?.message.hasSuffix("stopped after 0.4s, last said: stuck") == true)
        let pids = seen.words.compactMap { Int32($0) }
        #expect(pids.count == 2)
        for pid in pids { try await end(of: pid) }
    }

    @Test("a child that may not be killed is asked alone at its deadline, and left if it stays")
    func left() async throws {
        let limits = Limits(
            deadline: .milliseconds(600), grace: .milliseconds(300), overstay: .left)
        let seen = Seen()
        let failure = await #expect(throws: Failure.self) {
            try await processes.run(
                shell(
                    "trap 'echo asked' TERM; sleep 60 & echo $$; echo $!; "
                        + "while :; do sleep 0.02; done"),
                limits: limits, op: "test", started: { _ in }, line: { seen.add($0) })
        }
        #expect(failure?.code == .timeout)
        #expect(failure?.message.contains("still runs 0.3s later, last said: asked") == true)
        let pids = seen.words.compactMap { Int32($0) }
        #expect(pids.count == 2)
        for pid in pids {
            #expect(ProcessTable.look(at: pid)?.isZombie == false)
            kill(pid, SIGKILL)
        }
    }

    @Test("a child that may not be killed has its time to end when it is asked")
    func asked() async throws {
        let limits = Limits(deadline: .milliseconds(400), grace: .seconds(20), overstay: .left)
        let failure = await #expect(throws: Failure.self) {
            try await processes.run(
                shell("trap 'sleep 0.3; echo saved; exit 3' TERM; while :; do sleep 0.02; done"),
                limits: limits, op: "test")
        }
        #expect(failure?.message.hasSuffix("stopped after 0.4s, last said: saved") == true)
    }

    @Test("a child that may not be killed is asked to end also by who cancels before it runs")
    func cancelledBefore() async throws {
        let limits = Limits(deadline: .seconds(20), overstay: .left)
        let running = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await processes.run(Command("sleep", ["60"]), limits: limits, op: "test")
        }
        await #expect(throws: CancellationError.self) { try await running.value }
    }

    @Test("a child that obeys SIGTERM does not leave one that does not")
    func deadlineGrandchild() async throws {
        let seen = Seen()
        await #expect(throws: Failure.self) {
            try await processes.run(
                shell("(trap '' TERM; sleep 60; true) & echo $!; exec sleep 60"),
                limits: Limits(deadline: .milliseconds(400), grace: .milliseconds(200)),
                op: "test", started: { _ in }, line: { seen.add($0) })
        }
        let pid = try #require(seen.words.first.flatMap { Int32($0) })
        try await end(of: pid)
    }

    @Test("a grandchild that holds the pipe open does not hold up the end")
    func heldPipe() async throws {
        let seen = Seen()
        let begin = ContinuousClock.now
        let finished = try await processes.run(
            shell("sleep 60 & echo $!"), limits: limits, op: "test", started: { _ in },
            line: { seen.add($0) })
        #expect(finished.succeeded)
        #expect(begin.duration(to: .now) < .seconds(15))
        let pid = try #require(seen.words.first.flatMap { Int32($0) })
        kill(pid, SIGKILL)
    }

    @Test("if what `started` does fails, the child is stopped and that failure comes out")
    func startedFails() async throws {
        let seen = Seen()
        let failure = await #expect(throws: Failure.self) {
            try await processes.run(
                Command("sleep", ["60"]), limits: limits, op: "test",
                started: { child in
                    seen.add("\(child.pid)")
                    throw Failure(.conflict, "writing the intent: the lease is lost")
                },
                line: { _ in })
        }
        #expect(failure?.code == .conflict)
        let pid = try #require(seen.words.first.flatMap { Int32($0) })
        try await end(of: pid)
    }

    @Test("a child can be asked to end, but never another process with its old pid")
    func askToEnd() async throws {
        let processes = processes
        let seen = Seen()
        let finished = try await processes.run(
            Command("sleep", ["60"]), limits: limits, op: "test",
            started: { child in
                let later = ChildID(pid: child.pid, startTicks: child.startTicks + 1)
                #expect(!processes.isAlive(later))
                try await processes.askToEnd(later, op: "test.stop")
                #expect(processes.isAlive(child))
                try await processes.askToEnd(child, op: "test.stop")
                seen.add("\(child.pid)")
            }, line: { _ in })
        #expect(finished.ending == .signalled(SIGTERM))
        let pid = try #require(seen.words.first.flatMap { Int32($0) })
        try await end(of: pid)
    }

    @Test("the name of a program may hold spaces and parentheses", arguments: ["a) S 1", "(x"])
    func processTable(name: String) throws {
        let stat = "7 (\(name)) Z 1 7 7 0 -1 4194304 1 0 0 0 0 0 0 0 20 0 1 0 4711 0 0"
        let entry = try #require(ProcessTable.parse(stat))
        #expect(entry.startTicks == 4711)
        #expect(entry.isZombie)
        #expect(ProcessTable.parse("7 (x) Z 1") == nil)
    }
}

/// Words in the order in which concurrent code said them.
final class Seen: Sendable {
    private let state = Mutex<[String]>([])
    var words: [String] { state.withLock { $0 } }
    func add(_ word: String) { state.withLock { $0.append(word) } }
}
