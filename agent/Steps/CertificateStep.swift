import FoundationEssentials
import Model
import Outside
import Tools
import Trust

/// The edge serves a valid certificate for the domain: issued and renewed by certbot, bundled by
/// us, swapped into HAProxy without a stop.
///
/// Level-triggered: it compares certbot's files, the bundle, what HAProxy has loaded and what a
/// handshake shows, and mends the first difference. What serves goes on serving until better
/// material was judged good.
struct CertificateStep: Step {
    /// Looks at what is served on loopback for the domain.
    typealias Look = @Sendable (DomainName, EdgeLayout) async throws -> CertificateFacts

    let id: StepID
    let spec: CertificateSpec
    /// The agent's own folder.
    let state: String
    let layout: EdgeLayout
    let look: Look

    init(
        id: StepID, spec: CertificateSpec, state: String, layout: EdgeLayout = EdgeLayout(),
        look: @escaping Look = CertificateStep.handshake
    ) {
        self.id = id
        self.spec = spec
        self.state = state
        self.layout = layout
        self.look = look
    }

    static let handshake: Look = { domain, layout in
        try await Probe.connect(host: "127.0.0.1", port: layout.httpsPort, name: domain).facts
    }

    private var certbot: Certbot { Certbot(layout: layout) }
    private var order: CertificateOrder {
        CertificateOrder(id: id, spec: spec, state: state, layout: layout)
    }
    private var wishFile: String { "\(state)/renewal.json" }
    /// What the CA said of the renewal; written by ``RenewalInquiry``.
    var adviceFile: String { "\(state)/\(id)-renewal.json" }

    func check(_ world: World) async throws -> Condition {
        let edge = EdgeBundle(layout: layout, domain: spec.domain, look: look)
        guard try edge.isPlaced(world) else { return .missing }
        var differences: [Difference] = []
        switch try certificate(world) {
        case .absent(let reason), .unusable(let reason, _):
            differences.append(Difference("certificate", found: reason, wanted: "valid"))
        case .usable(let lineage):
            if try isDue(lineage, world) {
                differences.append(
                    Difference("certificate", found: "due for renewal", wanted: "renewed"))
            }
            differences += try await edge.differences(from: lineage, world)
        }
        return differences.isEmpty ? .right : .differs(differences)
    }

    /// Throws what the CA answered, in words; while the next try is not due, what it answered last.
    func apply(_ world: World) async throws {
        let edge = EdgeBundle(layout: layout, domain: spec.domain, look: look)
        let before = try certificate(world)
        // What is good is served first, so that trouble with the CA cannot keep it from serving.
        if case .usable(let lineage) = before {
            try await edge.serve(lineage, world)
            guard try isDue(lineage, world) else { return }
        }
        try await order.place(forcing: before.isForced, world) { _ = try usable(world) }
        try await edge.serve(usable(world), world)
    }

    /// Takes the bundle out of HAProxy; certbot's own files stay, so that no order is wasted if the
    /// step comes back.
    func remove(_ world: World) async throws {
        try await EdgeBundle(layout: layout, domain: spec.domain, look: look).withdraw(world)
    }

    func detail(_ world: World) async -> String {
        guard let text = try? world.files.text(layout.bundle),
            let facts = try? CertificateFacts(pem: text)
        else { return "no certificate yet" }
        let renewal = renewal(of: facts, world)
        return ServedCertificate(
            serial: facts.serialHex, notAfter: facts.notAfter, renewsFrom: renewal.date,
            notBefore: facts.notBefore, note: renewal.note
        ).description
    }

    /// Makes what is there due now: the next pass replaces it, and tries again until it has. Throws
    /// why the last try failed, and when the next may be, unless that is now.
    func wishRenewal(_ world: World) throws {
        try order.requireTurn(world)
        guard case .usable(let lineage) = try certificate(world) else { return }
        try RenewalWish(serial: lineage.facts.serial).save(wishFile, world.files)
    }

    /// What the CA of the spec can be asked about; nil if there is nothing good of its own.
    func ownCertificate(_ world: World) async throws -> CertificateFacts? {
        guard case .usable(let lineage) = try certificate(world), !isFromAnotherCA(lineage) else {
            return nil
        }
        return lineage.facts
    }

    func advice(of facts: CertificateFacts, _ world: World) throws -> RenewalAdvice {
        try RenewalAdvice.read(adviceFile, of: facts, now: world.clock.now(), world.files)
    }

    /// A file that cannot be read says nothing: the lifetime decides.
    private func renewal(of facts: CertificateFacts, _ world: World) -> RenewalTime {
        RenewalTime(
            of: facts, advice: try? advice(of: facts, world), now: world.clock.now())
    }
}

extension CertificateStep {
    /// What certbot's files are worth.
    private enum Found {
        case absent(String)
        /// `mends` if certbot puts it right by itself when it runs.
        case unusable(String, mends: Bool)
        case usable(Lineage)

        /// Whether certbot must be told to order what it would think too early.
        var isForced: Bool {
            switch self {
            case .absent: false
            case .unusable(_, let mends): !mends
            case .usable: true
            }
        }
    }

    private func certificate(_ world: World) throws -> Found {
        do {
            guard let lineage = try Lineage.read(of: spec.domain, certbot, world.files) else {
                return .absent("none yet")
            }
            do {
                try lineage.bundle.judge(
                    domain: spec.domain, rootsPEM: spec.trustPEM, now: world.clock.now())
                return .usable(lineage)
            } catch let failure as Failure {
                // A new order would not help against a clock that is wrong.
                if lineage.facts.notBefore > world.clock.now() {
                    throw Failure(
                        failure.code, failure.message, fix: "set the node's clock right")
                }
                return .unusable(failure.message, mends: false)
            }
        } catch let failure as Failure where failure.code == .unavailable {
            return .unusable(failure.message, mends: true)
        }
    }

    private func usable(_ world: World) throws -> Lineage {
        switch try certificate(world) {
        case .usable(let lineage): return lineage
        case .absent(let reason), .unusable(let reason, _):
            throw Failure(
                .failed, "judging what certbot left: \(reason)",
                fix: "read \(certbot.log) on the node")
        }
    }

    private func isDue(_ lineage: Lineage, _ world: World) throws -> Bool {
        try renewal(of: lineage.facts, world).date <= world.clock.now()
            || isFromAnotherCA(lineage)
            || RenewalWish.read(wishFile, world.files)?.serial == lineage.facts.serial
    }

    private func isFromAnotherCA(_ lineage: Lineage) -> Bool {
        lineage.server.map { $0 != spec.directory } ?? false
    }
}
