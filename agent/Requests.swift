import Model
import Outside
import Tools
import Wire

/// Answers what a coordinator asks of a node: a closed list, never a command line.
public struct Requests: Sendable {
    private let world: World
    private let tunnels: Tunnels
    private let reconciler: Reconciler
    private let look: Membership.Look

    private static let logBytesMax = 1 << 20

    public init(world: World, tunnels: Tunnels, reconciler: Reconciler) {
        self.init(
            world: world, tunnels: tunnels, reconciler: reconciler, look: Membership.handshake)
    }

    /// `look` sees the certificate that a controller's cluster agent serves.
    init(
        world: World, tunnels: Tunnels, reconciler: Reconciler, look: @escaping Membership.Look
    ) {
        self.world = world
        self.tunnels = tunnels
        self.reconciler = reconciler
        self.look = look
    }

    /// Always an answer: what goes wrong becomes a failure in the reply.
    func answer(_ request: AgentRequest) async -> Reply.Body {
        do {
            switch request {
            case .logs(let source, let lines): return .text(try await logs(source, lines))
            case .openTunnel(let number):
                try await tunnels.open(number)
                return .done
            case .mintJoinTicket:
                let ticket = try await ControlPlane(world: world).mintTicket()
                return .secret(Secret(String(decoding: try JSON.encode(ticket), as: UTF8.self)))
            case .join(let ticket):
                try await join(ticket)
                return .done
            case .removeMember(let node):
                try await ControlPlane(world: world).removeMember(node)
                return .done
            case .kubeconfig: return .secret(try await ControlPlane(world: world).kubeconfig())
            case .renewCertificate:
                return .text(try await Renewal(reconciler: reconciler, world: world).run())
            case .certificates: return .text(try await certificates())
            case .diagnostics(let part):
                return .text(try await Diagnostics(world: world).report(on: part))
            case .figures:
                return .text(String(decoding: try JSON.encode(await figures()), as: UTF8.self))
            case .check(let spec):
                let findings = try await reconciler.look(at: spec)
                return .text(String(decoding: try JSON.encode(findings), as: UTF8.self))
            case .unknown(let kind):
                throw Failure(
                    .unsupported, "answering the coordinator: this agent knows no request \(kind)",
                    fix: Failure.Fix.sameVersions)
            }
        } catch {
            return .failure(
                error as? Failure ?? Failure(error, trying: "answering the coordinator"))
        }
    }

    /// A ticket opens one door; which one, and as what, is the spec's to say.
    private func join(_ ticket: JoinTicket) async throws {
        guard let step = try await reconciler.step(JoinStep.self) else {
            throw Failure(
                .conflict, "joining \(ticket.controller): this node's spec does not say so",
                fix: "run `jeeves up`")
        }
        try await step.membership.join(ticket, look: look, world)
    }

    /// A node without an edge has none.
    private func certificates() async throws -> String {
        var held: [HeldCertificate] = []
        for step in try await reconciler.steps(CertificateStep.self) {
            held.append(await step.held(world))
        }
        return String(decoding: try JSON.encode(held), as: UTF8.self)
    }

    /// Starts nothing; of what does not answer nothing is told.
    private func figures() async throws -> NodeFigures {
        var haproxy: HAProxyFigures?
        if let step = try await reconciler.steps(HAProxyStep.self).first {
            let answer = try? await RuntimeSocket(world, step.layout).ask(
                HAProxyRuntime.showInfo, op: "haproxy.figures")
            haproxy = answer.flatMap(HAProxyRuntime.figures)
        }
        let left = try await reconciler.steps(CertificateStep.self).compactMap { step in
            (try? step.ordersLeft(world)).map { (step.id, $0) }
        }
        return NodeFigures(
            process: ProcessFigures.read(world.files), haproxy: haproxy,
            ordersLeft: Dictionary(left, uniquingKeysWith: { first, _ in first }))
    }

    /// The last lines of a log, at most 2,000.
    private func logs(_ source: LogSource, _ lines: Int) async throws -> String {
        let lines = min(max(lines, 1), 2000)
        return switch source {
        case .agent: try await journal(of: "jeeves-agent.service", lines)
        case .haproxy: try await journal(of: "haproxy.service", lines)
        case .microk8s: try await journal(of: "snap.microk8s.*", lines)
        case .certbot: try certbotLog(lines)
        }
    }

    private func journal(of unit: String, _ lines: Int) async throws -> String {
        try await world.processes.output(
            of: Command(
                "journalctl",
                ["--no-pager", "--output=short-iso", "--lines=\(lines)", "--unit=\(unit)"]),
            limits: Limits(deadline: .seconds(20)), op: "logs.read")
    }

    /// Of its last run, from its own file: the journal says of a transient unit only that it ran.
    private func certbotLog(_ lines: Int) throws -> String {
        let path = Certbot().log
        guard let bytes = try world.files.readIfThere(path, bytesMax: CertbotTrouble.logBytesMax)
        else {
            throw Failure(
                .notFound, "reading \(path): certbot has not run on this node",
                fix: "ask the node that has the edge; `jeeves status` shows its certificate")
        }
        return String(decoding: bytes.suffix(Self.logBytesMax), as: UTF8.self)
            .split(whereSeparator: \.isNewline).suffix(lines).joined(separator: "\n")
    }
}
