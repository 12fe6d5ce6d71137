import Model

/// What does not fit is found, mended where that is safe, and drift is shown.
struct DoctorFinds {
    private static let stale = "\(Operator.project)/stale.json"

    let cluster: LiveCluster

    func play(_ verdicts: inout Verdicts) async {
        guard await cluster.begins(cluster.base, &verdicts) else { return }
        await verdicts.expect("doctor finds no problem") { try await cluster.jeeves("doctor") == 0 }
        await verdicts.expect("it finds a member that is no machine, and removes it") {
            try writeFile(
                #"{"apiVersion": "v1", "kind": "Node", "metadata": {"name": "worker-9"}}"#,
                to: Self.stale)
            try await kubectl("create", "--filename=\(Self.stale)")
            guard try await finds("member-stale") else { return false }
            return try await !cluster.look.members().contains("worker-9")
        }
        await verdicts.expect("it finds a worker that a rollout closed and forgot, and opens it") {
            try await kubectl(
                "patch", "node", "worker-1", "--type=merge", "--patch",
                #"{"metadata": {"annotations": {"jeeves/closed": "true"}}, "#
                    + #""spec": {"unschedulable": true}}"#)
            return try await finds("drain-forgotten")
        }
        await verdicts.expect("a worker that a person closed is no problem, and stays closed") {
            try await kubectl("cordon", "worker-1")
            let code = try await cluster.jeeves("doctor", "--fix", "--yes")
            let closed = try await cluster.printed(
                "kubectl", "--", "get", "node", "worker-1",
                "--output=jsonpath={.spec.unschedulable}")
            try await kubectl("uncordon", "worker-1")
            return code == 0 && closed == "true"
        }
        await verdicts.expect("plan --refresh-only shows what a person changed as a diff") {
            try await kubectl("scale", "deployment/traefik", "--namespace=traefik", "--replicas=3")
            return try await showsDrift("replicas: 3")
        }
        await verdicts.expect("up mends it, and nothing is left") {
            let code = try await cluster.jeeves("up")
            let left = try await cluster.jeeves("plan", "--refresh-only", "--detailed-exitcode")
            return try await cluster.serves(after: code + left)
        }
    }

    /// Whether doctor names the rule and ends with 3, mends it, and then finds no problem.
    private func finds(_ rule: String) async throws -> Bool {
        let found = try await cluster.person.read(
            ["jeeves", "doctor", "--output", "json"], deadline: LiveCluster.askMax)
        let mended = try await cluster.jeeves("doctor", "--fix", "--yes")
        return found.ending == .exited(3) && found.output.contains("\"\(rule)\"") && mended == 0
    }

    private func showsDrift(_ line: String) async throws -> Bool {
        let plan = try await cluster.person.read(
            ["jeeves", "plan", "--refresh-only", "--detailed-exitcode"],
            deadline: .seconds(300))
        say(plan.output)
        return plan.ending == .exited(2) && plan.output.contains(line)
    }

    private func kubectl(_ words: String...) async throws {
        let code = try await cluster.person.run(
            ["jeeves", "kubectl", "--"] + words, deadline: LiveCluster.askMax)
        guard code == 0 else { throw Failure(.failed, "running kubectl \(words[0]): exit \(code)") }
    }
}
