import Coordinator
import FoundationEssentials
import Model

/// What was desired, attempted and running at another time, for `?at=`.
struct ThenPane: Sendable {
    let moment: Moment

    var html: HTML {
        """
        <section id="then" aria-labelledby="then-title">
        <h2 id="then-title">At \(clock(moment.at))</h2>
        <p>What was desired, attempted and running then. <a href="/">Back to now</a></p>
        <dl>
        <dt>Desired</dt><dd>\(moment.desired.map(desired) ?? "not known")</dd>
        <dt>Attempted</dt><dd>\(moment.attempted.map(attempted) ?? "nothing")</dd>
        </dl>
        <div class="wide" tabindex="0" role="region" aria-labelledby="then-caption"><table>
        <caption id="then-caption">What ran, and how</caption>
        <thead><tr><th scope="col">Running</th><th scope="col">Step</th><th scope="col">State</th>
        <th scope="col">Since</th><th scope="col">Why</th></tr></thead>
        <tbody>\(layers + nodes)</tbody>
        </table></div>
        <ul>\(moment.unknown.map { "<li>Not known: \($0)</li>" as HTML })</ul>
        </section>
        """
    }

    private func desired(_ desired: Moment.Desired) -> HTML {
        let cluster = desired.cluster
        return """
            \(cluster.nodes.controllers.count) controllers, \(cluster.nodes.workers.count) workers,
            MicroK8s \(cluster.microk8s.channel), Traefik \(cluster.ingress.version), Rocket.Chat
            \(cluster.app.version), reached by rollout \(desired.rollout) at
            \(clock(desired.reachedAt))
            """
    }

    private func attempted(_ attempted: Moment.Attempted) -> HTML {
        let stage = attempted.stage.map { "in stage \($0.rawValue)" } ?? "before its first stage"
        return """
            rollout \(attempted.rollout) since \(clock(attempted.startedAt)), \(stage); later
            \(attempted.ending?.rawValue ?? "still in flight")
            """
    }

    private var layers: [HTML] {
        guard let seen = moment.layers else { return [] }
        return seen.layers.map { layer in
            row(
                layer.name, "", layer.state.rawValue, seen.layersSince[layer.name] ?? seen.since,
                layer.detail)
        }
    }

    private var nodes: [HTML] {
        moment.nodes.flatMap { node in
            node.state.steps.map { step in
                row(
                    node.name.rawValue, step.id.rawValue, step.state,
                    node.stepsSince[step.id] ?? node.since, step.detail)
            }
        }
    }

    private func row(
        _ name: String, _ step: String, _ state: String, _ since: Date, _ why: String
    ) -> HTML {
        """
        <tr><th scope="row">\(name)</th><td>\(step)</td><td>\(state)</td><td>\(clock(since))</td>
        <td class="why">\(why)</td></tr>
        """
    }

    private func clock(_ date: Date) -> HTML { PageTime(date, now: moment.at).clock }
}
