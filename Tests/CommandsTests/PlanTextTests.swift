import Model
import Testing

@testable import Commands
@testable import Coordinator

@Suite struct PlanTextTests {
    private func text(_ changes: [Change], since: RunID? = nil) throws -> String {
        let file = Example.render(
            Founding.Values(
                cluster: try ClusterID("chat"), domain: try DomainName("chat.example.org"),
                email: "ops@example.org", region: "eu-central-1"))
        let spec = try ClusterFile.decode(file, path: "jeeves.yaml")
        return PlanText(
            plan: try Plan(
                of: spec, stages: [Plan.StagePlan(stage: .controllers, changes: changes)]),
            since: since
        ).text
    }

    @Test("each change has a row with what it means, and its text stands below")
    func changes() throws {
        let shown = try text([
            Change(
                .update, "worker-1/microk8s", detail: "channel: a -> b",
                effects: [.restart, .drain, .irreversible]),
            Change(.update, "controller-1/haproxy", effects: [.reload], diff: "-old\n+new"),
            .unknown("release/rocketchat", until: .workers),
        ])
        let lines = shown.split(separator: "\n", omittingEmptySubsequences: false).map {
            $0.split(separator: " ").joined(separator: " ")
        }
        #expect(lines[0] == "STAGE ACTION SUBJECT EFFECT DETAIL")
        #expect(
            lines[1] == "controllers update worker-1/microk8s restarts, drains, no way back "
                + "channel: a -> b")
        #expect(lines[2] == "controllers update controller-1/haproxy reloads")
        #expect(lines[3] == "controllers run release/rocketchat - known after workers")
        #expect(lines[5...7] == ["controller-1/haproxy:", "-old", "+new"])
        #expect(lines[9].hasPrefix("3 changes: 2 to update, 1 to run. Apply with"))
        #expect(lines[10].hasPrefix("plan "))
    }

    @Test("nothing to do is said so, with the digest")
    func none() throws {
        #expect(try text([]).hasPrefix("No changes.\nplan "))
    }

    @Test("drift is told as such, with the rollout that it is compared with, and without a digest")
    func drift() throws {
        let id = RunID(unchecked: "0123456789abcdef")
        func drift(_ changes: [Change]) throws -> String { try text(changes, since: id) }
        #expect(try drift([]) == "No drift since rollout 0123456789abcdef.")
        #expect(
            try drift([Change(.update, "a")]).hasSuffix(
                "\n1 difference since rollout 0123456789abcdef: 1 to update. `jeeves up` ends them."
            ))
    }

    @Test("what a person or a chart wrote cannot take over the terminal")
    func escapes() throws {
        let shown = try text([
            Change(.update, "x\u{1b}[2J", detail: "a\u{7}", diff: "+b\u{1b}]0;c\u{7}")
        ])
        #expect(!shown.contains("\u{1b}") && !shown.contains("\u{7}"))
        #expect(shown.contains("+b\\u001b]0;c\\u0007"))
    }
}
