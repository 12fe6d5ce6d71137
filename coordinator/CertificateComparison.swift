import FoundationEssentials
import Model
import Tools
import Trust

/// One certificate of one controller in three places, and whether they agree.
public struct CertificateComparison: Codable, Hashable, Sendable {
    /// What is in one place.
    public struct Place: Codable, Hashable, Sendable {
        /// Nil if nothing is there, or nobody knows.
        public let serial: String?
        /// Nil where only the serial number is known.
        public let certificate: PublicCertificate?
        /// What is wrong with it, or why nobody knows; nil if nothing.
        public let trouble: String?
        /// What to type about that.
        let fix: String?

        init(
            _ certificate: PublicCertificate? = nil, serial: String? = nil, trouble: String? = nil,
            fix: String? = nil
        ) {
            self.serial = serial ?? certificate?.serial
            self.certificate = certificate
            self.trouble = trouble
            self.fix = fix
        }
    }

    public let node: NodeName
    /// The controller's own public address, where clients were played.
    public let address: String
    public let keyType: KeyType
    /// As a client is shown it.
    public let wire: Place
    public let disk: Place
    public let haproxy: Place
    /// Whether the three are the same and chain, name and dates are right.
    public let isRight: Bool
    /// What is wrong first; nil if it is right.
    public let trouble: Failure?

    init(
        node: NodeName, address: String, keyType: KeyType, domain: DomainName,
        shown: Result<Probe.Served, any Error>, held: Result<[HeldCertificate], any Error>
    ) {
        self.node = node
        self.address = address
        self.keyType = keyType
        wire = Self.wire(shown, domain: domain, node)
        (disk, haproxy) = Self.held(held, keyType, node)
        let trouble = Self.trouble(wire, disk, haproxy, node, address)
        self.trouble = trouble
        isRight = trouble == nil
    }
}

extension CertificateComparison {
    /// The first difference: from the node outwards, because what is wrong inside is seen outside.
    private static func trouble(
        _ wire: Place, _ disk: Place, _ haproxy: Place, _ node: NodeName, _ address: String
    ) -> Failure? {
        let tried = "verifying the certificate of \(node)"
        for (name, place) in [("disk", disk), ("HAProxy", haproxy), ("wire", wire)] {
            guard let trouble = place.trouble else { continue }
            return Failure(.gate, "\(tried): \(name): \(trouble)", fix: place.fix ?? "")
        }
        if !isSame(disk, haproxy) {
            return Failure(
                .gate, "\(tried): HAProxy has another one in memory than lies on disk",
                fix: "the agent mends that within five minutes; if not, look at `jeeves logs "
                    + "\(node) --source agent`")
        }
        if !isSame(disk, wire) {
            return Failure(
                .gate, "\(tried): clients are shown another one than the node holds",
                fix: "look at who answers at \(address), and with `jeeves status` at whose address "
                    + "that is; on the node `jeeves logs \(node) --source haproxy`")
        }
        return nil
    }

    /// By fingerprint where both have one: serial numbers are unique for one CA only.
    private static func isSame(_ one: Place, _ other: Place) -> Bool {
        if let one = one.certificate, let other = other.certificate {
            return one.fingerprint == other.fingerprint
        }
        guard let one = one.serial, let other = other.serial else { return false }
        return HAProxyRuntime.serial(one) == HAProxyRuntime.serial(other)
    }

    private static func wire(
        _ shown: Result<Probe.Served, any Error>, domain: DomainName, _ node: NodeName
    ) -> Place {
        do {
            let served = try shown.get()
            let certificate = served.facts.summary
            guard served.facts.covers(domain) else {
                let names = certificate.names.prefix(5).joined(separator: ", ")
                return Place(
                    certificate,
                    trouble: "it is for \(names.isEmpty ? "no name" : names), not for \(domain)",
                    fix: "run `jeeves cert renew \(node)`")
            }
            return Place(
                certificate, trouble: served.distrust.map { "it is not trusted: \($0)" },
                fix: "`jeeves cert show` says what hinders its renewal, `jeeves cert renew \(node)`"
                    + " tries it now; a CA that is not the system's is to be named in "
                    + "`certificate.acme.trustFile`")
        } catch {
            let failure = Failure(error, trying: "playing a client")
            return Place(
                trouble: failure.message,
                fix: failure.fix.isEmpty
                    ? "open port 443 to everybody in the security group; is HAProxy up: "
                        + "`jeeves status`, `jeeves logs \(node) --source haproxy`"
                    : failure.fix)
        }
    }

    private static func held(
        _ held: Result<[HeldCertificate], any Error>, _ type: KeyType, _ node: NodeName
    ) -> (disk: Place, haproxy: Place) {
        do {
            guard let found = try held.get().first(where: { $0.keyType == type }) else {
                let none = Place(
                    trouble: "the node keeps no certificate with an \(type.rawValue) key",
                    fix: "run `jeeves up`")
                return (none, none)
            }
            let disk =
                found.disk.map { Place($0) }
                ?? Place(
                    trouble: "there is none yet",
                    fix: "`jeeves cert show` says what hinders it")
            return (disk, haproxy(found.memory, node))
        } catch {
            let failure = error as? Failure ?? Failure(error, trying: "asking \(node)")
            let silent = Place(
                trouble: failure.message,
                fix: failure.fix.isEmpty
                    ? "on the node look at `jeeves-agent status`" : failure.fix)
            return (silent, silent)
        }
    }

    private static func haproxy(_ memory: HeldCertificate.Memory, _ node: NodeName) -> Place {
        let fix = "look at `jeeves logs \(node) --source haproxy`"
        return switch memory {
        case .serial(let serial, isUsed: true): Place(serial: serial)
        case .serial(let serial, isUsed: false):
            Place(serial: serial, trouble: "it is in memory, but not in its list", fix: fix)
        case .nothing: Place(trouble: "it has none in memory", fix: fix)
        case .unknown(let failure): Place(trouble: failure.message, fix: fix)
        }
    }
}
