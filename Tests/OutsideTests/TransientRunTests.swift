import Model
import Testing

@testable import Outside

struct TransientRunTests {
    private let unit = TransientUnit(
        name: "jeeves-op-packages-0123.service",
        command: Command("apt-get", ["install", "haproxy"], environment: ["B": "2", "A": "1"]),
        deadline: .seconds(900))

    private func run(_ unit: TransientUnit) -> TransientRun {
        TransientRun(unit, files: LiveFiles(), outputFolder: "/run/jeeves")
    }

    @Test("the unit runs that argv in that environment until the deadline and keeps its result")
    func properties() {
        let properties = run(unit).properties(path: "/usr/bin/apt-get")
            .map { "\($0.0) \($0.1)" }
        #expect(properties.contains(#"Environment strings(["A=1", "B=2"])"#))
        #expect(properties.contains("RuntimeMaxUSec number(900000000)"))
        #expect(properties.contains("RemainAfterExit flag(true)"))
        #expect(
            properties.contains(
                #"ExecStart program(path: "/usr/bin/apt-get", "#
                    + #"argv: ["/usr/bin/apt-get", "install", "haproxy"])"#))
    }

    @Test("a unit may not carry a secret, because anybody may read its properties")
    func secrets() {
        let command = Command("microk8s", ["join"], secrets: ["TOKEN": Secret("t")])
        let unit = TransientUnit(name: "a.service", command: command, deadline: .seconds(1))
        #expect(throws: Failure.self) { try run(unit).refuseSecrets() }
    }

    @Test("what must not print is neither in the description, which is logged, nor in an error")
    func shownAs() {
        let command = Command("microk8s", ["join", "t1cket"], shownAs: "microk8s join")
        let unit = TransientUnit(name: "a.service", command: command, deadline: .seconds(1))
        let properties = run(unit).properties(path: "/snap/bin/microk8s")
            .map { "\($0.0) \($0.1)" }
        #expect(properties.contains(#"Description string("Jeeves: microk8s join")"#))
        let late = UnitEnd(active: "failed", sub: "failed", result: "timeout", code: 2, status: 15)
        let failure = #expect(throws: Failure.self) { try run(unit).finished(late) }
        #expect(failure?.message == "running microk8s join: stopped after 1.0s")
    }

    @Test("the end of the unit is the end of the command")
    func ends() throws {
        var end = UnitEnd(active: "active", sub: "exited", result: "success", code: 1, status: 0)
        #expect(end.isOver)
        #expect(try run(unit).finished(end).succeeded)
        end = UnitEnd(active: "failed", sub: "failed", result: "exit-code", code: 1, status: 100)
        #expect(end.isOver)
        #expect(try run(unit).finished(end).ending == .exited(100))
        end = UnitEnd(active: "failed", sub: "failed", result: "signal", code: 2, status: 9)
        #expect(try run(unit).finished(end).ending == .signalled(9))
        end = UnitEnd(active: "active", sub: "running", result: "success", code: 0, status: 0)
        #expect(!end.isOver)
    }

    @Test("a unit that systemd stopped at its deadline is a timeout, one that never ran a failure")
    func failures() {
        let late = UnitEnd(active: "failed", sub: "failed", result: "timeout", code: 2, status: 15)
        let never = UnitEnd(active: "inactive", sub: "dead", result: "success", code: 0, status: 0)
        for (end, code) in [(late, Failure.Code.timeout), (never, .failed)] {
            let failure = #expect(throws: Failure.self) { try run(unit).finished(end) }
            #expect(failure?.code == code)
        }
    }
}
