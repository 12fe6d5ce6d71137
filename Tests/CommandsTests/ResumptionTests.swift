import ArgumentParser
import Outside
import Testing

@testable import Commands

@Suite struct ResumptionTests {
    /// What a verb says that was typed so and is cut off.
    private func resumption(of arguments: [String]) throws -> String? {
        let found: Resumption? =
            switch try JeevesCommand.parseAsRoot(arguments) {
            case let verb as Up: verb.resumption
            case let verb as RolloutCommand.Start: verb.resumption
            case let verb as RolloutCommand.Retry: verb.resumption
            case let verb as RolloutCommand.Undo: verb.resumption
            case let verb as PlanCommand: verb.resumption
            case let verb as Destroy: verb.resumption
            case let verb as DoctorCommand: verb.resumption
            case let verb as DNSCommand.Sync: verb.resumption
            case let verb as EpochCommand.Raise: verb.resumption
            case let verb as KubectlVerb: verb.resumption
            case let verb as HelmVerb: verb.resumption
            case let verb as Logs: verb.resumption
            case let verb as CertCommand.Renew: verb.resumption
            case let verb as SupportCommand: verb.resumption
            case let verb as WhyCommand: verb.resumption
            default: nil
            }
        return found?.text
    }

    @Test(
        "the command to resume with has all that decides what is done, and nothing else",
        arguments: [
            (["up"], "jeeves up"),
            (["up", "--plan", "change.plan", "--quiet", "--output", "json"], "jeeves up"),
            (
                ["up", "-f", "chat.yaml", "--replace", "worker-1", "--replace", "worker-2"],
                "jeeves up --file chat.yaml --replace worker-1 --replace worker-2"
            ),
            (
                ["rollout", "start", "--take-dns", "--move-state", "--state", "/srv/state"],
                "jeeves up --state /srv/state --take-dns --move-state"
            ),
            (["rollout", "retry", "--wait"], "jeeves rollout retry --wait"),
            (
                ["rollout", "undo", "0123456789abcdef", "--yes"],
                "jeeves rollout undo 0123456789abcdef"
            ),
            (
                ["plan", "--replace", "worker-1", "--out", "change.plan", "--detailed-exitcode"],
                "jeeves plan --replace worker-1 --out change.plan --detailed-exitcode"
            ),
            (["plan", "--refresh-only"], "jeeves plan --refresh-only"),
            (["destroy", "--yes", "-f", "a/b.yaml"], "jeeves destroy --file a/b.yaml"),
            (["doctor", "--fix", "--yes"], "jeeves doctor --fix"),
            (["dns", "sync", "--dry-run"], "jeeves dns sync --dry-run"),
            (["dns", "sync", "--take-dns"], "jeeves dns sync --take-dns"),
            (["epoch", "raise"], "jeeves epoch raise"),
            (["epoch", "raise", "--above", "12"], "jeeves epoch raise --above 12"),
            (
                ["logs", "worker-1", "--source", "certbot"],
                "jeeves logs worker-1 --source certbot --lines 200"
            ),
            (["cert", "renew", "controller-1"], "jeeves cert renew controller-1"),
            (["support", "--since", "2h"], "jeeves support --since 2h"),
            (["why", "service/nats"], "jeeves why service/nats"),
        ])
    func complete(_ typed: [String], said: String) throws {
        #expect(try resumption(of: typed) == said)
    }

    @Test(
        "a shell takes the command as it was meant, whatever is in its words",
        arguments: [
            ["up", "--file", "my chat.yaml"], ["up", "--file", "it's/$HOME/`id`/\"a\".yaml"],
            ["up", "--file", "caf\u{e9}*.yaml", "--state", "~/state", "--take-dns"],
            ["kubectl", "--", "get", "pods", "--selector", "app in (chat)", ""],
            ["helm", "--", "list", "--filter", "a\\|b"],
        ])
    func shell(_ typed: [String]) async throws {
        let text = try #require(try resumption(of: typed))
        let script = "jeeves() { printf '%s\\n' \"$@\"; }\n\(text)"
        let output = try await World.live().processes.output(
            of: Command("sh", ["-c", script]), limits: Limits(deadline: .seconds(20)),
            op: "test.shell")
        #expect(output == typed.map { "\($0)\n" }.joined())
    }
}
