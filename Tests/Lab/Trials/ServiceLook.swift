import Foundation
import Model

/// What the scenario of the service looks at on the service's own machine. Never changes anything.
struct ServiceLook {
    let desk: Desk
    let guide: ServiceGuide
    let cluster: LiveCluster

    /// What a verb prints for ann, who is a member of the service's group.
    func asMember(_ verb: String, _ rest: String = "") async throws -> String {
        try await desk.output(
            "runuser --user ann -- \(guide.typed(verb)) \(rest)", deadline: LiveCluster.askMax)
    }

    /// Waits until the metrics say that these are linked. Throws `timeout`.
    func waitForLinks(of nodes: [String]) async throws {
        let metrics = "curl --silent --fail http://127.0.0.1:7481/metrics"
        try await cluster.wait("linked to the service are \(nodes.joined(separator: ", "))") {
            let text = (try? await desk.output(metrics)) ?? ""
            return nodes.allSatisfy { text.contains("jeeves_node_linked{node=\"\($0)\"} 1") }
        }
    }

    /// How often a machine has proved itself, of all that is remembered.
    func enrolments() async throws -> Int {
        try await asMember("events --output json").split(separator: "\n").count { line in
            try JSON.decode(Event.self, from: line.utf8, what: "an event").cause == "enrolment"
        }
    }

    /// Messages of the service's own processes, without systemd's about it.
    func journal(_ filter: String = "") async throws -> String {
        try await desk.output(
            "journalctl --quiet --no-pager --output=cat _SYSTEMD_UNIT=jeeves.service \(filter)")
    }

    /// Commands that must not work, with the user who tries each: bob is in no group, and ann has
    /// nothing but the rule for sudo. Returns those that did. Throws `failed` if what they would
    /// read is not even there for root.
    func trespasses() async throws -> [String] {
        let secrets = [
            "ls /var/lib/jeeves-coordinator",
            "cat /var/lib/jeeves-coordinator/ca/intermediate.key.pem",
            "cat /etc/jeeves/mongodb.uri", "cat /etc/jeeves/.env",
        ]
        let tries =
            secrets.map { "runuser --user ann -- \($0)" }
            + (secrets + [guide.typed("status")]).map { "runuser --user bob -- \($0)" }
        for command in secrets { try await desk.output(command) }
        var found: [String] = []
        for command in tries where try await desk.run(command).succeeded { found.append(command) }
        return found
    }
}
