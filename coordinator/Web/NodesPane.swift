import Coordinator
import FoundationEssentials
import Model
import Outside

/// Machines with their agents and steps.
struct NodesPane {
    let view: Window.View

    var html: HTML {
        """
        <section id="nodes" aria-labelledby="nodes-title" data-live>
        <h2 id="nodes-title">Nodes and agents</h2>
        <div class="wide" tabindex="0" role="region" aria-labelledby="nodes-caption"><table>
        <caption id="nodes-caption">Each node with its machine, agent and steps</caption>
        <thead><tr><th scope="col">Node</th><th scope="col">Machine</th><th scope="col">Node is</th>
        <th scope="col">Agent is</th><th scope="col">Steps</th></tr></thead>
        <tbody>\(view.status.nodes.map(row))</tbody>
        </table></div>
        </section>
        """
    }

    private func row(_ node: ClusterStatus.Node) -> HTML {
        let address = node.publicAddress.isEmpty ? node.address : node.publicAddress
        return """
            <tr><th scope="row">\(node.name)<br>\(node.role.rawValue)</th>
            <td>\(node.instanceID)<br>\(address)</td>
            <td>\(cell("node", node))</td><td>\(cell("agent", node))</td>
            <td><ul>\((node.status?.steps ?? []).map(step))</ul></td></tr>
            """
    }

    private func cell(_ kind: String, _ node: ClusterStatus.Node) -> [HTML] {
        let id = "\(kind)/\(node.name)"
        return view.picture.parts.filter { $0.id.description == id }.map { part in
            let since = PageTime(part.since ?? view.picture.at, now: view.picture.at).age
            return "\(part.state.badge) for \(since)<br><span class=\"why\">\(part.why)</span>"
        }
    }

    private func step(_ step: StepStatus) -> HTML {
        "<li><b>\(step.id)</b> \(step.word(now: view.picture.at)): \(step.explanation)</li>"
    }
}
