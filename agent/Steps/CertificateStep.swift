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
    /// Looks at what is served on loopback for the domain to a client of that kind.
    typealias Look = @Sendable (DomainName, EdgeLayout, KeyType) async throws -> CertificateFacts

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

    static let handshake: Look = { domain, layout, keyType in
        try await Probe.connect(
            host: "127.0.0.1", port: layout.httpsPort, name: domain, keyType: keyType
        ).facts
    }

    private var certbot: Certbot { Certbot(layout: layout) }
    private var order: CertificateOrder {
        CertificateOrder(id: id, spec: spec, state: state, layout: layout)
    }
    private var wishFile: String { "\(state)/renewal\(suffix).json" }
    /// What the CA said of the renewal; written by ``RenewalInquiry``.
    var adviceFile: String { "\(state)/\(id)-renewal.json" }
    /// Each type of key has files of its own.
    private var suffix: String { spec.keyType == .ecdsa ? "" : "-\(spec.keyType.rawValue)" }
    private var edge: EdgeBundle { bundle(of: spec.keyType) }
    private func bundle(of type: KeyType) -> EdgeBundle {
        EdgeBundle(layout: layout, domain: spec.domain, keyType: type, look: look)
    }

    func check(_ world: World) async throws -> Condition {
        guard try edge.isPlaced(world) else {
            // Half of it is what a removal that was cut short leaves, the key among it.
            let half = Difference("certificate", found: "half in place", wanted: "whole, or gone")
            return try edge.leftover(world) == nil ? .missing : .differs([half])
        }
        var differences = try unwanted.compactMap { try $0.leftover(world) }
        switch try await certificate(world) {
        case .absent:
            differences.append(Difference("certificate", found: "none yet", wanted: "valid"))
        case .unusable(let failure, _):
            differences.append(Difference("certificate", found: failure.message, wanted: "valid"))
        case .usable(let lineage):
            if try isDue(lineage, world) {
                differences.append(
                    Difference("certificate", found: "due for renewal", wanted: "renewed"))
            }
            differences += try await edge.differences(from: lineage, world)
        case .older(_, let refusal):
            differences.append(
                Difference("certificate", found: refusal.message, wanted: "the newest"))
        }
        return differences.isEmpty ? .right : .differs(differences)
    }

    /// Throws what the CA answered, in words; while the next try is not due, what it answered last.
    /// Throws `conflict` if certbot's files are older than what is served.
    func apply(_ world: World) async throws {
        let before = try await certificate(world)
        switch before {
        // What is good is served first, so that trouble with the CA cannot keep it from serving.
        case .usable(let lineage):
            try await serve(lineage, world)
            guard try isDue(lineage, world) else { return }
        case .older(let lineage, let refusal):
            guard try isDue(lineage, world) else { throw refusal }
        case .absent, .unusable: break
        }
        let lineage = try await order.place(forcing: before.isForced, world) {
            try await usable(world)
        }
        try await serve(lineage, world)
    }

    /// Takes the bundle out of HAProxy; certbot's own files stay, so that no order is wasted if the
    /// step comes back.
    func remove(_ world: World) async throws {
        try await edge.withdraw(world)
    }

    func detail(_ world: World) async -> String {
        guard let facts = edge.placed(world) else { return "no certificate yet" }
        let renewal = renewal(of: facts, world)
        return ServedCertificate(
            serial: facts.serialHex, notAfter: facts.notAfter, renewsFrom: renewal.date,
            notBefore: facts.notBefore, note: renewal.note
        ).description
    }

    func publicCertificate(_ world: World) async -> PublicCertificate? {
        edge.placed(world)?.summary
    }

    /// What is on disk and in HAProxy's memory now; reads only.
    func held(_ world: World) async -> HeldCertificate {
        HeldCertificate(
            keyType: spec.keyType, disk: edge.placed(world)?.summary,
            memory: await edge.memory(world))
    }

    /// How many more certificates the agent allows itself to order now.
    func ordersLeft(_ world: World) throws -> Int { try order.left(world) }

    /// Makes what is there due now: the next pass replaces it, and tries again until it has. Throws
    /// why the last try failed, and when the next may be, unless that is now.
    func wishRenewal(_ world: World) throws {
        try order.requireTurn(world)
        guard
            let lineage = try Lineage.read(of: spec.domain, spec.keyType, certbot, world.files)
        else { return }
        try RenewalWish(serial: lineage.facts.serial).save(wishFile, world.files)
    }

    /// What the CA of the spec can be asked about; nil if there is nothing good of its own.
    func ownCertificate(_ world: World) async throws -> CertificateFacts? {
        guard case .usable(let lineage) = try await certificate(world),
            !isFromAnotherCA(lineage)
        else { return nil }
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
        case absent
        /// `mends` if certbot puts it right by itself when it runs.
        case unusable(Failure, mends: Bool)
        case usable(Lineage)
        /// Good, but older than what it would replace: somebody turned certbot's files back.
        case older(Lineage, Failure)

        /// Whether certbot must be told to order what it would think too early.
        var isForced: Bool {
            switch self {
            case .absent: false
            case .unusable(_, let mends): !mends
            case .usable, .older: true
            }
        }
    }

    /// Bundles of the types that the domain is not to be served with.
    private var unwanted: [EdgeBundle] {
        KeyType.allCases.filter { !spec.keyTypes.contains($0) && $0 != spec.keyType }
            .map(bundle)
    }

    private func serve(_ lineage: Lineage, _ world: World) async throws {
        try await edge.serve(lineage, world)
        for bundle in unwanted where try bundle.leftover(world) != nil {
            try await bundle.withdraw(world)
        }
    }

    private func certificate(_ world: World) async throws -> Found {
        do {
            let found = try Lineage.read(of: spec.domain, spec.keyType, certbot, world.files)
            guard let lineage = found else { return .absent }
            do {
                try lineage.bundle.judge(
                    domain: spec.domain, rootsPEM: spec.trustPEM, now: world.clock.now())
                return await refusal(of: lineage, world).map { .older(lineage, $0) }
                    ?? .usable(lineage)
            } catch let failure as Failure {
                // A new order would not help against a clock that is wrong.
                if lineage.facts.notBefore > world.clock.now() {
                    throw Failure(
                        failure.code, failure.message, fix: OrderPreflight.clockFix)
                }
                return .unusable(failure, mends: false)
            }
        } catch let failure as Failure where failure.code == .unavailable {
            return .unusable(failure, mends: true)
        }
    }

    private var readLog: String { "read \(certbot.log) on the node" }

    private func usable(_ world: World) async throws -> Lineage {
        switch try await certificate(world) {
        case .usable(let lineage): return lineage
        case .older(_, let refusal): throw refusal
        case .absent:
            throw Failure(
                .failed, "looking for what certbot left: there is nothing", fix: readLog)
        case .unusable(let failure, _):
            throw Failure(
                .failed, failure.message, fix: failure.fix.isEmpty ? readLog : failure.fix)
        }
    }

    /// Why `lineage`, judged good, may not be served; nil if it may.
    private func refusal(of lineage: Lineage, _ world: World) async -> Failure? {
        let newer = await edge.newer(than: lineage, rootsPEM: spec.trustPEM, world)
        return newer.map { served in
            let name = certbot.lineage(of: spec.domain, spec.keyType)
            return Failure(
                .conflict,
                "judging the new certificate: it is older than the one that is served: certbot's "
                    + "serial \(lineage.facts.serial) of "
                    + "\(lineage.facts.notBefore.formatted(.iso8601)), served "
                    + "\(served.serial) of \(served.notBefore.formatted(.iso8601))",
                fix:
                    "point \(layout.certbotConfig)/live/\(name) at its newest generation again, or "
                    + "have a new one made: `jeeves cert renew`")
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
