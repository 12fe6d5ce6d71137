import Foundation
import Model

/// The coordinator as `jeeves.service` on a machine of its own, set up as docs/operating.md says.
struct AsService {
    private static let changed = "8.6.2"
    /// systemd would wait for five minutes; nothing that `jeeves serve` does takes so long.
    private static let stopMax = Duration.seconds(45)
    /// Nothing of the unit differs but its verb, and that it ends.
    private static let up = """
        systemctl stop jeeves
        install --mode=0644 \(ServiceMove.project)/jeeves.yaml /etc/jeeves/
        cd /run/systemd/system
        sed -e 's/ serve / up /' -e 's/^Type=.*/Type=oneshot/' -e 's/^Restart=.*/Restart=no/' \
          /usr/lib/systemd/system/jeeves.service >jeeves-up.service
        grep --quiet '^ExecStart=.* up ' jeeves-up.service
        cp --recursive /etc/systemd/system/jeeves.service.d jeeves-up.service.d
        systemctl daemon-reload
        systemctl start jeeves-up
        """

    let cluster: LiveCluster

    private var move: ServiceMove { ServiceMove(cluster: cluster) }
    private var desk: Desk { move.desk }
    private var nodes: [String] { ["controller-1"] + LiveCluster.workers }

    func play(_ verdicts: inout Verdicts) async {
        guard await cluster.begins(cluster.base, &verdicts) else { return }
        let failed = verdicts.failed
        if let look = await setUp(&verdicts) {
            await serve(look, &verdicts)
            await drive(look, &verdicts)
            await end(look, &verdicts)
        }
        if verdicts.failed > failed { await tellWhy() }
        await verdicts.expect("the state folder is back, and leads the cluster to where it was") {
            try await move.back()
            try cluster.write(cluster.base)
            let code = try await cluster.jeeves("rollout", "retry")
            let members = try await cluster.look.members().sorted()
            return try await cluster.serves(after: code) && members == nodes
        }
    }

    /// Nil if the service does not run.
    private func setUp(_ verdicts: inout Verdicts) async -> ServiceLook? {
        let isInstalled = await verdicts.expect("apt installs the package, which starts nothing") {
            try await move.prepare()
            let state = try await desk.output(
                "systemctl is-enabled jeeves || true; systemctl is-active jeeves || true")
            return state == "disabled\ninactive\n"
        }
        guard isInstalled else { return nil }
        var look: ServiceLook?
        let isRunning = await verdicts.expect("what the guide says starts it, as its own user") {
            let guide = try ServiceGuide.read()
            look = ServiceLook(desk: desk, guide: guide, cluster: cluster)
            try await move.away(cluster.base)
            let user = try await desk.output(
                """
                cd \(ServiceMove.project)
                cp --recursive chart acme-server-ca.pem acme-root.pem /etc/jeeves/
                install --owner=jeeves --mode=0600 .env \(ClusterText.licence) /etc/jeeves/
                \(guide.setUp)
                systemctl is-active --quiet jeeves
                ps -o user= -p "$(systemctl show --property=MainPID --value jeeves)"
                """)
            return user == "jeeves\n"
        }
        return isRunning ? look : nil
    }

    private func serve(_ look: ServiceLook, _ verdicts: inout Verdicts) async {
        await verdicts.expect("every agent is linked to it, as its metrics say") {
            try await look.waitForLinks(of: nodes)
            return true
        }
        await verdicts.expect("its status page answers on loopback") {
            let page = try await desk.output("curl --silent --fail http://127.0.0.1:7481/")
            return page.contains("<h1>\(ClusterText.domain)</h1>")
        }
        await verdicts.expect("a member of its group works by the rule for sudo") {
            try await desk.output(
                """
                adduser --quiet --disabled-password --gecos '' ann
                adduser --quiet --disabled-password --gecos '' bob
                adduser --quiet ann jeeves
                umask 0337
                echo '\(look.guide.rule)' >/etc/sudoers.d/jeeves
                visudo --check --quiet
                """)
            let status = try await look.asMember("status")
            say(status)
            var answers: [String] = []
            for node in nodes { answers.append(try await look.asMember("logs \(node) --lines 1")) }
            return nodes.allSatisfy(status.contains) && answers.allSatisfy { !$0.isEmpty }
        }
        await verdicts.expect("without the rule nobody reads its secrets") {
            let found = try await look.trespasses()
            for command in found { say("this works, and must not: \(command)") }
            return found.isEmpty
        }
        await verdicts.expect("restarted, it has its agents back, and none has enrolled anew") {
            let before = try await look.enrolments()
            try await desk.output("systemctl restart jeeves")
            try await look.waitForLinks(of: nodes)
            let after = try await look.enrolments()
            say("enrolments before: \(before), after: \(after)")
            return before > 0 && before == after
        }
    }

    /// `jeeves serve` runs no Terraform and changes nothing by Helm; a verb in its place does, with
    /// all that its unit forbids.
    private func drive(_ look: ServiceLook, _ verdicts: inout Verdicts) async {
        var file = ServiceMove.there(cluster.base)
        file.workers += 1
        file.app = Self.changed
        await verdicts.expect("in its sandbox Terraform makes a worker and Helm changes the chat") {
            try file.write(in: Desk.disk + ServiceMove.project)
            try await desk.output(Self.up, deadline: LiveCluster.upMax)
            say(try await desk.output("journalctl --unit=jeeves-up --output=cat --lines=20"))
            return try await cluster.isLive()
        }
        await verdicts.expect("a verb that is typed in its place finds nothing left to change") {
            let plan = look.guide.typed(
                "plan --detailed-exitcode", settings: ServiceMove.settings)
            let finished = try await desk.run(plan, deadline: .seconds(300))
            say(finished.output + finished.errors)
            return finished.succeeded
        }
        await verdicts.expect("started again, it has the new worker too, and kubectl goes by it") {
            let more = nodes + ["worker-3"]
            try await desk.output("systemctl start jeeves")
            try await look.waitForLinks(of: more)
            // The way to the cluster is open once it has looked for the first time.
            try await cluster.wait("kubectl goes by the service", atMost: .seconds(120)) {
                (try? await look.asMember("kubectl", "-- get nodes")) != nil
            }
            let members = try await look.asMember("kubectl", "-- get nodes --output=name")
            let images = try await look.asMember(
                "kubectl", "-- get deployments --namespace=psautoinfra --output=yaml")
            return more.allSatisfy(members.contains) && images.contains(":\(Self.changed)")
        }
    }

    private func end(_ look: ServiceLook, _ verdicts: inout Verdicts) async {
        await verdicts.expect("SIGTERM ends it in seconds, with 0") {
            let begun = ContinuousClock.now
            try await desk.output("systemctl stop jeeves", deadline: Self.stopMax)
            say("stopped after \(begun.duration(to: .now).shortText)")
            let ending = try await desk.output(
                "systemctl show --property=Result,ExecMainCode,ExecMainStatus jeeves")
            say(ending)
            // 1 is CLD_EXITED: it ended by itself.
            let wanted: Set = ["Result=success", "ExecMainCode=1", "ExecMainStatus=0"]
            return Set(ending.split(separator: "\n").map(String.init)) == wanted
        }
        await verdicts.expect("its journal tells who came, with levels, and of no error") {
            let all = try await look.journal()
            say(all)
            let connected = try await look.journal("NODE=worker-1 PRIORITY=6")
            let errors = try await look.journal("--priority=err")
            let lines = ["listening on 0.0.0.0:7443", "status page at http://127.0.0.1:7481/"]
            let noise = ["CancellationError", "thread priority"]
            return lines.allSatisfy(all.contains) && !noise.contains(where: all.contains)
                && errors.isEmpty
                && connected.contains("node connected node=worker-1")
        }
    }

    private func tellWhy() async {
        let found = try? await desk.run(
            """
            systemctl --no-pager --failed || true
            journalctl --no-pager --lines=100 --unit=jeeves --unit=jeeves-up
            """)
        say(found?.output ?? "the operator's machine does not answer")
    }
}
