import FoundationEssentials
import Model
import Outside
import Support
import Testing

@testable import Coordinator
@testable import Web

/// The alerts and the dashboard against the figures that there are.
@Suite struct MonitoringTests {
    private let world = World.live()
    private let folder =
        #filePath.split(separator: "/").dropLast(3).map { "/\($0)" }.joined()
        + "/packaging/monitoring"

    private func text(_ name: String) throws -> String {
        try #require(try world.files.text("\(folder)/\(name)"))
    }

    /// The metrics that expressions name.
    private func metrics(in text: String) -> Set<String> {
        let words = text.split { !$0.isLetter && !$0.isNumber && $0 != "_" }
        return Set(
            words.filter { $0.hasPrefix("jeeves_") || $0.hasPrefix("process_") }.map(String.init))
    }

    @Test(
        "alerts, dashboard and the list of names have only metrics that are there",
        arguments: ["alerts.yaml", "dashboard.json", "README.md"])
    func names(file: String) throws {
        let there = Set(Figures(.of(.right), .some, now: FakeWorld.start).families.map(\.name))
        let asked = metrics(in: try text(file))
        #expect(!asked.isEmpty)
        #expect(asked.subtracting(there).isEmpty)
    }

    @Test("each metric is used by an alert or on the dashboard")
    func used() throws {
        let there = Set(Figures(.of(.right), .some, now: FakeWorld.start).families.map(\.name))
        let used = try metrics(in: text("alerts.yaml") + text("dashboard.json"))
        #expect(there.subtracting(used).isEmpty)
    }

    @Test("the list of names has each metric with the labels that the figures have")
    func listed() throws {
        let list = try text("README.md")
        for family in Figures(.of(.right), .some, now: FakeWorld.start).families {
            let labels = family.samples.first?.labels.map { "`\($0.name)`" } ?? []
            let cell = labels.isEmpty ? "" : " \(labels.joined(separator: ", "))"
            #expect(list.contains("| `\(family.name)` |\(cell) |"), "\(family.name)")
        }
    }

    @Test("labels that alerts choose by have the values that the figures have")
    func labels() throws {
        let samples = Figures(.of(.right), .some, now: FakeWorld.start).families.flatMap { family in
            family.samples.flatMap { $0.labels.map { "\($0.name)=\"\($0.value)\"" } }
        }
        let alerts = try text("alerts.yaml")
        for label in ["part=\"chat\"", "state=\"wrong\""] {
            #expect(alerts.contains(label))
            #expect(samples.contains(label))
        }
        #expect(samples.contains("result=\"interrupted\""))
    }

    @Test("each state of a step is a figure, and the alert knows each that is wrong")
    func steps() throws {
        let families = Figures(.of(.right), .some, now: FakeWorld.start).families
        let figures = try #require(families.first { $0.name == "jeeves_node_steps" })
        let states = figures.samples.flatMap(\.labels).filter { $0.name == "state" }.map(\.value)
        #expect(states == StepState.Kind.allCases.map(\.rawValue))
        let wrong = StepState.Kind.allCases.filter { Picture.State($0) == .wrong }
        let choice = wrong.map(\.rawValue).joined(separator: "|")
        #expect(try text("alerts.yaml").contains("jeeves_node_steps{state=~\"\(choice)\"}"))
    }

    @Test("each alert says how bad it is, what is so and what to type")
    func alerts() throws {
        let alerts = try text("alerts.yaml").split(separator: "- alert: ").dropFirst()
        #expect(alerts.count >= 6)
        for alert in alerts {
            for key in ["expr: ", "severity: ", "summary: ", "next: "] {
                #expect(alert.contains(key), "\(alert.prefix(30)) has no \(key)")
            }
        }
    }

    @Test("the dashboard is JSON whose panels do not share a number")
    func dashboard() throws {
        struct Dashboard: Decodable {
            struct Panel: Decodable { let id: Int }
            let panels: [Panel]
        }
        let dashboard = try JSON.decode(
            Dashboard.self, from: text("dashboard.json").utf8, what: "dashboard.json")
        #expect(Set(dashboard.panels.map(\.id)).count == dashboard.panels.count)
    }

    static let isPromtoolThere = (try? World.live().files.info("/usr/bin/promtool")) ?? nil != nil

    private func promtool(_ arguments: [String], input: String? = nil) async throws -> Finished {
        try await world.processes.run(
            Command("promtool", arguments, input: input.map { Secret($0) }),
            limits: Limits(deadline: .seconds(60)), op: "test.promtool")
    }

    @Test("promtool finds the rules right", .enabled(if: isPromtoolThere))
    func rules() async throws {
        let found = try await promtool(["check", "rules", "\(folder)/alerts.yaml"])
        #expect(found.succeeded, "\(found.output) \(found.errors)")
    }

    @Test("promtool finds the figures right", .enabled(if: isPromtoolThere))
    func exposition() async throws {
        let text = Exposition(Figures(.of(.right), .some, now: FakeWorld.start).families).text
        let found = try await promtool(["check", "metrics"], input: text)
        #expect(found.succeeded, "\(found.output) \(found.errors)")
    }
}
