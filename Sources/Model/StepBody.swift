/// What a step is about, one case a kind. A kind this version does not know decodes to `.unknown`
/// and is reported as unsupported, so an older agent keeps its link to a newer coordinator.
public enum StepBody: Hashable, Sendable {
    case packages(PackagesSpec)
    case haproxy(HAProxySpec)
    case certificate(CertificateSpec)
    case microk8s(MicroK8sSpec)
    case join(JoinSpec)
    case unknown(kind: String)

    public var kind: String {
        switch self {
        case .packages: "packages"
        case .haproxy: "haproxy"
        case .certificate: "certificate"
        case .microk8s: "microk8s"
        case .join: "join"
        case .unknown(let kind): kind
        }
    }
}

extension StepBody: Codable {
    private enum Key: String, CodingKey { case kind, spec }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        let kind = try container.decode(String.self, forKey: .kind)
        self =
            switch kind {
            case "packages": .packages(try container.decode(PackagesSpec.self, forKey: .spec))
            case "haproxy": .haproxy(try container.decode(HAProxySpec.self, forKey: .spec))
            case "certificate":
                .certificate(try container.decode(CertificateSpec.self, forKey: .spec))
            case "microk8s": .microk8s(try container.decode(MicroK8sSpec.self, forKey: .spec))
            case "join": .join(try container.decode(JoinSpec.self, forKey: .spec))
            default: .unknown(kind: kind)
            }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(kind, forKey: .kind)
        switch self {
        case .packages(let spec): try container.encode(spec, forKey: .spec)
        case .haproxy(let spec): try container.encode(spec, forKey: .spec)
        case .certificate(let spec): try container.encode(spec, forKey: .spec)
        case .microk8s(let spec): try container.encode(spec, forKey: .spec)
        case .join(let spec): try container.encode(spec, forKey: .spec)
        case .unknown: break
        }
    }
}
