import Glibc
import Model
import Outside
import Testing

@testable import Commands

@Suite(.timeLimit(.minutes(1))) struct InterruptsTests {
    @Test("the second Ctrl-C ends us with 130 at once, and asks Helm to end, which has its time")
    func second() async throws {
        let world = World.live()
        let folder = "/tmp/interrupts-\(world.chance.runID())"
        try world.files.makeDirectory(folder, mode: 0o700, op: "test.folder")
        defer {
            for name in (try? world.files.list(folder)) ?? [] {
                try? world.files.remove("\(folder)/\(name)", op: "test.clean")
            }
            try? world.files.remove(folder, op: "test.clean")
        }
        await #expect(processExitsWith: .exitCode(130)) { [folder = folder as String] in
            let children = Children()
            let processes = NotedProcesses(wrapped: World.live().processes, children: children)
            let interrupts = Interrupts.watch {
                kill(getpid(), SIGINT)
            } second: {
                _ = await children.askToEnd(through: processes)
            }
            defer { interrupts.cancel() }
            var command = Command(
                "/bin/sh",
                [
                    "-c",
                    "trap 'while [ ! -e \(folder)/go ]; do sleep 0.02; done; echo end; exit' "
                        + "TERM; echo begun; while :; do sleep 0.02; done",
                ])
            command.outputFile = "\(folder)/output"
            _ = try await processes.run(
                command, limits: Limits(deadline: .seconds(30), overstay: .left), op: "test",
                started: { _ in }, line: { _ in kill(getpid(), SIGINT) })
        }
        let before = try world.files.text("\(folder)/output")
        #expect(before == "begun\n")
        try world.files.replace("\(folder)/go", with: [], mode: 0o600, op: "test.go")
        _ = try await world.clock.poll(
            every: .milliseconds(10), atMost: .seconds(20), waitingFor: "the child's end",
            op: "test.end"
        ) { try world.files.text("\(folder)/output") == "begun\nend\n" ? true : nil }
    }
}
