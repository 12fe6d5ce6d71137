import Coordinator
import FoundationEssentials
import Model

/// The figures of a cluster for Prometheus; packaging/monitoring has a dashboard and alerts of
/// them. Moments are seconds since 1970, so that whoever reads computes their ages by one clock.
struct Figures {
    typealias Family = Exposition.Family
    typealias Sample = Exposition.Family.Sample
    typealias Label = Exposition.Label

    private let view: Window.View
    private let measures: Measures
    private let now: Date

    init(_ view: Window.View, _ measures: Measures, now: Date) {
        self.view = view
        self.measures = measures
        self.now = now
    }

    var families: [Family] {
        let build = Family(
            "jeeves_build_info", "The coordinator's version",
            [Sample([Label("version", Release.version)], 1)])
        return [build] + picture + rollout + nodes + certificates
            + MeasuredFigures(measures: measures).families
    }

    private var picture: [Family] {
        let states = view.picture.parts.flatMap { part in
            Picture.State.allCases.map { state in
                Sample(
                    [Label("part", part.id.description), Label("state", state.rawValue)],
                    part.state == state ? 1 : 0)
            }
        }
        return [
            Family(
                "jeeves_part_state", "Whether a part of the cluster is in a state", states),
            Family(
                "jeeves_looked_timestamp_seconds",
                "When DNS, edge and cluster were looked at last", moment(view.status.lookedAt)),
        ]
    }

    private var rollout: [Family] {
        let rollout = view.status.rollout
        let isRunning = rollout.map { $0.endedAt == nil } ?? false
        let states: [Rollout.State] = [.done, .failed, .interrupted, .aborted]
        let results = states.map {
            Sample([Label("result", $0.rawValue)], rollout?.state == $0 ? 1 : 0)
        }
        let stages = rollout?.stages ?? []
        let progress = stages.last.map { $0.endedAt ?? $0.startedAt } ?? rollout?.startedAt
        return [
            Family(
                "jeeves_rollout_running", "Whether a rollout runs or is paused",
                [Sample(isRunning ? 1 : 0)]),
            Family("jeeves_rollout_last_result", "How the last rollout ended", results),
            Family(
                "jeeves_rollout_progress_timestamp_seconds",
                "When a stage of the last rollout began or ended last", moment(progress)),
            Family(
                "jeeves_rollout_stage_duration_seconds",
                "How long each stage of the last rollout took",
                stages.map { stage in
                    let end = stage.endedAt ?? now
                    return Sample(
                        [Label("stage", stage.stage.rawValue)],
                        max(0, end.timeIntervalSince(stage.startedAt)))
                }),
        ]
    }

    private var nodes: [Family] {
        let nodes = view.status.nodes
        return [
            Family("jeeves_links", "Agents that are connected", [Sample(Double(view.linked))]),
            Family(
                "jeeves_node_linked", "Whether the agent of a node is connected",
                nodes.map { Sample([Label($0)], $0.connected ? 1 : 0) }),
            Family(
                "jeeves_node_reported_timestamp_seconds", "When a node was heard last",
                nodes.flatMap { node in
                    moment(node.status?.reportedAt, [Label(node)])
                }),
            Family(
                "jeeves_node_steps", "How many steps of a node are in a state",
                nodes.flatMap(steps)),
        ]
    }

    private func steps(_ node: ClusterStatus.Node) -> [Sample] {
        let steps = node.status?.steps ?? []
        return StepState.Kind.allCases.map { kind in
            Sample(
                [Label(node), Label("state", kind.rawValue)],
                Double(steps.count { $0.state.kind == kind }))
        }
    }

    /// What the agents say that they hold.
    private var certificates: [Family] {
        let certificates = view.status.certificates(now: now)
        func samples(_ value: (ClusterStatus.Certificate) -> Double?) -> [Sample] {
            certificates.flatMap { certificate in
                (certificate.certificate?.names ?? [view.status.domain.rawValue]).compactMap {
                    name in
                    value(certificate).map { value in
                        Sample(
                            [
                                Label("node", certificate.node.rawValue), Label("name", name),
                                Label("step", certificate.step?.rawValue ?? ""),
                            ], value)
                    }
                }
            }
        }
        return [
            Family(
                "jeeves_certificate_expiry_timestamp_seconds",
                "When the certificate that a node holds expires",
                samples { $0.served?.notAfter.timeIntervalSince1970 }),
            Family(
                "jeeves_certificate_lifetime_left_ratio",
                "Part of a certificate's lifetime that is left", samples(\.left)),
        ] + served(certificates)
    }

    /// What the gate was shown from outside. It does not see a lifetime's begin; that of what the
    /// nodes hold is as long. While the edge is wrong the gate's word is an old one: none is better
    /// than one that hides a renewal.
    private func served(_ certificates: [ClusterStatus.Certificate]) -> [Family] {
        let labels = [Label("name", view.status.domain.rawValue)]
        let lifetimes = certificates.compactMap { certificate in
            certificate.served.flatMap { served in
                served.notBefore.map { served.notAfter.timeIntervalSince($0) }
            }
        }
        let isEdgeRight = view.status.layers.contains { $0.name == "edge" && $0.state == .right }
        let end = isEdgeRight ? view.status.gate?.notAfter : nil
        let left = lifetimes.max().flatMap { lifetime in
            end.map { Sample(labels, max(0, $0.timeIntervalSince(now) / lifetime)) }
        }
        return [
            Family(
                "jeeves_served_certificate_expiry_timestamp_seconds",
                "When the certificate expires that clients were shown in the last look; none while "
                    + "the edge is not right",
                moment(end, labels)),
            Family(
                "jeeves_served_certificate_lifetime_left_ratio",
                "Part of its lifetime that is left of what clients were shown; none while the edge "
                    + "is not right",
                left.map { [$0] } ?? []),
        ]
    }

    private func moment(_ date: Date?, _ labels: [Label] = []) -> [Sample] {
        date.map { [Sample(labels, $0.timeIntervalSince1970)] } ?? []
    }
}

extension Exposition.Label {
    fileprivate init(_ node: ClusterStatus.Node) { self.init("node", node.name.rawValue) }
}
