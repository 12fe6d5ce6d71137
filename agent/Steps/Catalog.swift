import Model
import Outside
import Tools

/// Every kind of step that this agent can make, one line a kind.
public enum Catalog {
    /// The step that makes `spec` so; nil if this agent does not know its kind, which is reported
    /// as unsupported. `state` is the agent's own folder, for what a step must remember; `layout`
    /// is where the edge is, on every node the same.
    public static func makeStep(
        _ spec: StepSpec, node: NodeName, state: String, layout: EdgeLayout = EdgeLayout()
    ) -> (any Step)? {
        switch spec.body {
        case .packages(let body): PackagesStep(id: spec.id, spec: body)
        case .haproxy(let body): HAProxyStep(spec: body, layout: layout)
        case .certificate(let body):
            CertificateStep(id: spec.id, spec: body, state: state, layout: layout)
        case .microk8s(let body): MicroK8sStep(id: spec.id, spec: body, state: state)
        case .join(let body): JoinStep(id: spec.id, spec: body)
        case .unknown: nil
        }
    }
}
