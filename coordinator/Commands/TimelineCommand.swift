import ArgumentParser
import Coordinator
import FoundationEssentials
import Model
import Outside

/// `jeeves timeline`: what happened in its order, and how the cluster was at one time.
struct TimelineCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "timeline",
        abstract: "Show what happened in its order, or how the cluster was at one time.",
        discussion: """
            Reads the state folder, whether a coordinator runs or not. Without --at it
            lists rollouts, stages, changes of nodes and layers, and events, the newest
            last. With --at it shows what was wanted, attempted and running then, and says
            what nobody wrote down. TIME is 2026-11-27T02:05:00Z, 02:05 for today, or 2h
            for two hours ago. Tables show the time of this machine, JSON that of UTC.

              jeeves timeline
              jeeves timeline --since 2d --node worker-1
              jeeves timeline --at 2h
              jeeves timeline --at 2026-11-27T02:05:00Z --output json
            """)

    @OptionGroup var target: ProjectOptions

    @Option(
        help: .init("Show the cluster as it was then.", valueName: "time"),
        transform: PastTime.init)
    var at: PastTime?

    @Option(
        help: .init("Not what is older, as 90s, 15m, 1h or 2d (default: 1d).", valueName: "age"),
        transform: Age.typed)
    var since: Age?

    @OptionGroup var filter: NodeFilter

    @Option(name: .shortAndLong, help: "Output format.")
    var output = OutputFormat.table

    func validate() throws {
        if at != nil, since != nil || filter.node != nil {
            throw ValidationError(
                "--at shows one time of the whole cluster: leave out --since and --node.")
        }
    }

    func run() async throws {
        do {
            let world = World.live()
            let now = world.clock.now()
            let text = TimelineText(zone: LocalTime.here(at: now), now: now)
            let time = try at?.date(now: now, in: text.zone)
            let project = try target.project()
            try filter.remark(in: project, on: target.terminal)
            let timeline = try Timeline(project, world: world)
            if let time {
                try output.write(timeline.at(time), on: target.terminal, table: text.moment)
            } else {
                let start = now - (since?.duration ?? .seconds(86_400)).seconds
                try output.write(
                    timeline.entries(since: start, node: filter.node), on: target.terminal,
                    table: text.entries)
            }
        } catch { throw Ending.report(error) }
    }
}

/// The past as tables.
struct TimelineText {
    let zone: LocalTime
    let now: Date

    func entries(_ entries: [Timeline.Entry]) -> String {
        guard !entries.isEmpty else { return "nothing was written down in that time" }
        return table(
            ["TIME (\(zone.name))", "SUBJECT", "BY", "WHAT"],
            entries.map {
                [zone.text($0.at), $0.subject, $0.actor.isEmpty ? "-" : $0.actor, $0.what]
            })
    }

    func moment(_ moment: Moment) -> String {
        let ago = Duration.seconds(now.timeIntervalSince(moment.at)).ageText
        let head = "as of \(zone.text(moment.at)) \(zone.name), \(ago) ago"
        let unknown = moment.unknown.map { "not known: \(Printable.escape($0))" }
        return
            ([
                head, "", desired(moment.desired), "", attempted(moment.attempted), "",
                running(moment),
            ] + (unknown.isEmpty ? [] : [""] + unknown)).joined(separator: "\n")
    }

    private func desired(_ desired: Moment.Desired?) -> String {
        guard let desired else { return "desired: not known" }
        let cluster = desired.cluster
        let nodes = cluster.nodes
        return "desired, since \(zone.text(desired.reachedAt)), by rollout \(desired.rollout)\n"
            + table(
                [
                    "DOMAIN", "CONTROLLERS", "WORKERS", "MICROK8S", "TRAEFIK", "ROCKET.CHAT",
                    "CHART",
                ],
                [
                    [
                        cluster.domain.rawValue, "\(nodes.controllers.count)",
                        "\(nodes.workers.count)", cluster.microk8s.channel,
                        cluster.ingress.version, cluster.app.version, cluster.app.chart.version,
                    ]
                ])
    }

    private func attempted(_ attempted: Moment.Attempted?) -> String {
        guard let attempted else { return "attempted: nothing" }
        let later = attempted.ending.map { state in
            state.rawValue + (attempted.endedAt.map { " at \(zone.text($0))" } ?? "")
        }
        return "attempted\n"
            + table(
                ["ROLLOUT", "SINCE", "STAGE", "SINCE", "UNDOES", "LATER"],
                [
                    [
                        attempted.rollout.rawValue, zone.text(attempted.startedAt),
                        attempted.stage?.rawValue ?? "-",
                        attempted.stageSince.map(zone.text) ?? "-",
                        attempted.undoes?.rawValue ?? "-", later ?? "in flight still",
                    ]
                ])
    }

    private func running(_ moment: Moment) -> String {
        var rows: [[String]] = []
        if let layers = moment.layers {
            rows = layers.layers.map {
                let since = layers.layersSince[$0.name] ?? layers.since
                return [$0.name, "-", $0.state.rawValue, zone.text(since), $0.detail]
            }
        }
        for node in moment.nodes {
            let name = node.name.rawValue
            if let refused = node.state.refused {
                rows.append([name, "-", "refused", zone.text(node.since), refused])
            }
            rows += node.state.steps.map {
                let since = node.stepsSince[$0.id] ?? node.since
                return [name, $0.id.rawValue, $0.state, zone.text(since), $0.detail]
            }
        }
        guard !rows.isEmpty else { return "running: not known" }
        return "running\n" + table(["LAYER/NODE", "STEP", "STATE", "SINCE", "DETAIL"], rows)
    }

    private func table(_ head: [String], _ rows: [[String]]) -> String {
        Terminal.table([head] + rows)
    }
}
