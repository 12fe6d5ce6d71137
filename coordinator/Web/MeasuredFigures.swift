import Coordinator
import Model

/// Those of the figures that are measured when Prometheus asks: this process, the tunnels, and what
/// the nodes answer.
struct MeasuredFigures {
    typealias Family = Exposition.Family
    typealias Sample = Exposition.Family.Sample
    typealias Label = Exposition.Label

    let measures: Measures

    var families: [Family] { process + agents }

    /// Under the names that every exporter gives them.
    private var process: [Family] {
        let process = measures.process
        return [
            Family(
                "process_cpu_seconds_total", "Processor time of the coordinator",
                process.map { [Sample($0.cpuSeconds)] } ?? [], kind: .counter),
            Family(
                "process_resident_memory_bytes", "Resident memory of the coordinator",
                process.map { [Sample(Double($0.residentBytes))] } ?? []),
            Family(
                "process_open_fds", "Open file descriptors of the coordinator",
                process.map { [Sample(Double($0.openFiles))] } ?? []),
            Family(
                "jeeves_tunnel_bytes_total", "Bytes through tunnels to the Kubernetes API",
                [Sample(Double(measures.tunnelBytes))], kind: .counter),
        ]
    }

    /// What the agents have answered.
    private var agents: [Family] {
        func samples(_ value: (NodeFigures) -> Double?) -> [Sample] {
            measures.nodes.sorted { $0.key < $1.key }.compactMap { node, figures in
                value(figures).map { Sample([Label("node", node.rawValue)], $0) }
            }
        }
        return [
            Family(
                "jeeves_agent_cpu_seconds_total", "Processor time of a node's agent",
                samples { $0.process?.cpuSeconds }, kind: .counter),
            Family(
                "jeeves_agent_resident_memory_bytes", "Resident memory of a node's agent",
                samples { $0.process.map { Double($0.residentBytes) } }),
            Family(
                "jeeves_agent_open_fds", "Open file descriptors of a node's agent",
                samples { $0.process.map { Double($0.openFiles) } }),
            Family(
                "jeeves_haproxy_connections", "Connections that HAProxy has open",
                samples { $0.haproxy.map { Double($0.connections) } }),
            Family(
                "jeeves_haproxy_connections_max", "Connections that HAProxy takes at most",
                samples { $0.haproxy.map { Double($0.connectionsMax) } }),
            Family(
                "jeeves_haproxy_connections_total", "Connections since HAProxy started",
                samples { $0.haproxy.map { Double($0.connectionsTotal) } }, kind: .counter),
            Family(
                "jeeves_haproxy_requests_total", "Requests since HAProxy started",
                samples { $0.haproxy.map { Double($0.requestsTotal) } }, kind: .counter),
            Family(
                "jeeves_certificate_orders_left",
                "Certificates that an agent allows itself to order now",
                measures.nodes.sorted { $0.key < $1.key }.flatMap { node, figures in
                    figures.ordersLeft.sorted { $0.key < $1.key }.map { step, left in
                        Sample(
                            [Label("node", node.rawValue), Label("step", step.rawValue)],
                            Double(left))
                    }
                }),
        ]
    }
}
