import FoundationEssentials
import Model
import Outside

/// What a request meets before it is inside the cluster: name, address, HAProxy, certificate.
struct EdgeParts {
    static let haproxy = StepID(unchecked: "haproxy")

    let known: Knowledge

    var parts: [Picture.Part] {
        [chat, record] + addresses + known.controllers.map(proxy) + certificates
    }

    private var chat: Picture.Part {
        let found = known.made(by: [.routes, .verify], known.layer("edge"))
        return Picture.Part(
            id: PartID(.chat), state: found.state, why: found.why,
            next: found.state == .right ? "" : "jeeves doctor",
            needs: [PartID(.record), PartID(.app)])
    }

    private var record: Picture.Part {
        let found = known.made(by: [.dns], known.layer("dns"))
        return Picture.Part(
            id: PartID(.record), state: found.state, why: found.why,
            next: found.state == .right ? "" : "jeeves dns show",
            needs: known.controllers.map { PartID(.address, $0.name) })
    }

    private var addresses: [Picture.Part] {
        known.controllers.map { node in
            let has = !node.publicAddress.isEmpty
            let found = known.made(
                by: [.provision],
                has
                    ? (.right, "\(node.publicAddress) at \(node.instanceID)")
                    : (.wrong, "\(node.instanceID) has no public address"))
            return Picture.Part(
                id: PartID(.address, node.name), state: found.state, why: found.why,
                next: has ? "" : "jeeves plan", needs: [PartID(.haproxy, node.name)])
        }
    }

    private func proxy(_ node: ClusterStatus.Node) -> Picture.Part {
        let (state, why): (Picture.State, String)
        var next = "jeeves logs \(node.name) --source haproxy"
        if let status = known.freshStatus(of: node) {
            let step = status.steps.first { $0.id == Self.haproxy }
            state = step.map { Picture.State($0.state.kind) } ?? .changing
            if step?.state.drift != nil { next = "jeeves up" }
            let detail = step?.detail ?? ""
            why =
                status.trouble(with: Self.haproxy)
                ?? (detail.isEmpty ? "as its spec wants it" : detail)
        } else {
            (state, why) = (.unknown, "its agent does not say; \(known.lastWord(of: node))")
        }
        let certificates = known.status.certificates(now: known.now).filter { $0.node == node.name }
        // One that nobody is shown is not why HAProxy does not run.
        let shown = state == .wrong ? [] : certificates.map(\.part)
        return Picture.Part(
            id: PartID(.haproxy, node.name), state: state, why: why,
            next: state == .right ? "" : next,
            needs: [PartID(.node, node.name)] + shown + [PartID(.ingress)])
    }

    private var certificates: [Picture.Part] {
        known.status.certificates(now: known.now).map { certificate in
            let found = judge(certificate)
            return Picture.Part(
                id: certificate.part, state: found.state, why: found.why,
                next: found.state == .right ? "" : "jeeves cert show",
                needs: [PartID(.agent, certificate.node)])
        }
    }

    /// By the clock, whether the agent is there or not: what is served expires all the same.
    private func judge(
        _ certificate: ClusterStatus.Certificate
    ) -> (state: Picture.State, why: String) {
        guard let served = certificate.served, let alert = certificate.alert else {
            let why = certificate.trouble?.message ?? "there is none yet"
            let isTried = certificate.trouble == nil && known.stageInFlight != nil
            return (isTried ? .changing : .wrong, why)
        }
        let left = Duration.seconds(served.notAfter.timeIntervalSince(known.now))
        let end =
            left > .zero
            ? "\(left.words) left, until \(served.notAfter.formatted(.iso8601))"
            : "expired at \(served.notAfter.formatted(.iso8601))"
        let trouble = certificate.trouble.map { "; \($0.message)" } ?? ""
        guard !alert.isTrouble, certificate.trouble == nil else {
            return (.wrong, end + trouble)
        }
        let node = known.status.nodes.first { $0.name == certificate.node }
        guard node.flatMap(known.freshStatus) != nil else {
            return (.unknown, "\(end), by the last word of its agent")
        }
        return (.right, end)
    }
}

extension ClusterStatus.Certificate {
    /// The first one of a controller has its name; each other one has its step's beside it.
    var part: PartID {
        guard let step, step.rawValue != NodeSpecs.certificateStep else {
            return PartID(.certificate, node)
        }
        return PartID(.certificate, "\(node)/\(step)")
    }
}

extension Picture.State {
    init(_ kind: StepState.Kind) {
        self =
            switch kind {
            case .right: .right
            case .waiting, .converging: .changing
            case .failed, .drifted, .unsupported: .wrong
            }
    }

    init(_ state: ClusterStatus.Layer.State) {
        self =
            switch state {
            case .right: .right
            case .wrong: .wrong
            case .unknown: .unknown
            }
    }
}
