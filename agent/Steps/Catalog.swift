import Model
import Outside
import Tools

/// Every kind of step that this agent can make, one line a kind.
public enum Catalog {
    /// The step that makes `spec` so; nil if this agent does not know its kind, which is reported
    /// as unsupported. `state` is the agent's own folder, for what a step must remember.
    public static func makeStep(
        _ spec: StepSpec, node: NodeName, state: String
    ) -> (any Step)? {
        switch spec.body {
        case .packages(let body): PackagesStep(id: spec.id, spec: body)
        case .haproxy(let body): HAProxyStep(spec: body)
        case .certificate(let body): CertificateStep(id: spec.id, spec: body, state: state)
        case .microk8s(let body): MicroK8sStep(id: spec.id, spec: body, state: state)
        case .join(let body): JoinStep(id: spec.id, spec: body)
        case .unknown: nil
        }
    }
}
