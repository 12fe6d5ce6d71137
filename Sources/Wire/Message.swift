import FoundationEssentials
import Model

/// Everything that can be said on a link, one case a message. There is no message that carries a
/// command line: what a node can be asked is the closed list ``AgentRequest``.
public enum Message: Codable, Hashable, Sendable {
    // Agent to coordinator.
    case hello(Hello)
    case status(NodeStatus)
    case events(EventBatch)
    case reply(Reply)
    case renewal(CertificateRequest)

    // Coordinator to agent.
    case welcome(Welcome)
    case spec(NodeSpec)
    case eventsSeen(upTo: UInt64)
    case request(Request)
    case certificate(CertificateChain)

    // Enrolment, before there is a client certificate.
    case challenge(EnrolmentChallenge)
    case enrolment(EnrolmentRequest)
    case refusal(Failure)

    // A connection that becomes a tunnel.
    case tunnel(TunnelHello)

    // Either way: noticing a dead peer within fifteen seconds.
    case ping(UInt64)
    case pong(UInt64)
}

/// First word of an agent.
public struct Hello: Codable, Hashable, Sendable {
    public let node: NodeName
    public let agentVersion: String
    public let bootID: String
    /// What the node obeys already; nil before its first spec.
    public let fence: Fence?

    public init(node: NodeName, agentVersion: String, bootID: String, fence: Fence?) {
        self.node = node
        self.agentVersion = agentVersion
        self.bootID = bootID
        self.fence = fence
    }
}

/// First word of a coordinator.
public struct Welcome: Codable, Hashable, Sendable {
    public let coordinatorVersion: String
    public let epoch: UInt64
    public let run: RunID
    /// Window for the agent's full-jitter redial, in seconds; at least 1, at most 600.
    public let redialWindowSeconds: Int
    /// True on a link that was opened with an expired certificate: only a renewal is answered.
    public let renewalOnly: Bool

    public init(
        coordinatorVersion: String, epoch: UInt64, run: RunID, redialWindowSeconds: Int = 2,
        renewalOnly: Bool = false
    ) {
        self.coordinatorVersion = coordinatorVersion
        self.epoch = epoch
        self.run = run
        self.redialWindowSeconds = redialWindowSeconds
        self.renewalOnly = renewalOnly
    }
}

/// Events with a sequence number each, so that none is lost or counted twice over a reconnect.
public struct EventBatch: Codable, Hashable, Sendable {
    /// Which count the numbers belong to: a rebuilt node begins another one.
    public let spool: UUID
    /// Sequence number of the first event.
    public let first: UInt64
    public let events: [Event]

    public init(spool: UUID, first: UInt64, events: [Event]) {
        self.spool = spool
        self.first = first
        self.events = events
    }
}

/// What a node can be asked.
public enum AgentRequest: Codable, Hashable, Sendable {
    /// A ``JoinTicket``, minted on a controller; the answer is its JSON as a secret.
    case mintJoinTicket
    /// Joins this worker to the cluster that minted the ticket.
    case join(JoinTicket)
    /// Removes a Kubernetes member that has left.
    case removeMember(NodeName)
    /// The admin kubeconfig, server at 127.0.0.1.
    case kubeconfig
    /// Last `lines` lines of the journal of the agent, HAProxy or MicroK8s, or of certbot's log.
    case logs(LogSource, lines: Int)
    /// Renew the public certificate now, within the order budget.
    case renewCertificate
    /// What the node holds of each certificate of its edge; the answer is the JSON of a list of
    /// ``HeldCertificate``.
    case certificates
    /// What a part of the node says about itself, as text for a person.
    case diagnostics(Diagnostic)
    /// What the agent costs and HAProxy does; the answer is the JSON of ``NodeFigures``.
    case figures
    /// Dial a new connection and carry it to this node's Kubernetes API.
    case openTunnel(UInt64)
    /// Checks every step of a spec that the node need not have; the answer is the JSON of a list of
    /// ``StepFinding``. Changes nothing.
    case check(NodeSpec)
    /// One of a newer coordinator. It is refused by an answer: the link is not to blame.
    case unknown(kind: String)
}

extension AgentRequest {
    fileprivate static func isKnown(_ kind: String) -> Bool { CodingKeys(stringValue: kind) != nil }
}

public enum LogSource: String, Codable, Hashable, Sendable, CaseIterable {
    case agent, haproxy, certbot, microk8s
}

public struct Request: Codable, Hashable, Sendable {
    public let id: UInt64
    public let body: AgentRequest

    public init(id: UInt64, body: AgentRequest) {
        self.id = id
        self.body = body
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        id = try container.decode(UInt64.self, forKey: .id)
        let kinds = try container.nestedContainer(keyedBy: AnyKey.self, forKey: .body).allKeys
        if kinds.count == 1, !AgentRequest.isKnown(kinds[0].stringValue) {
            body = .unknown(kind: String(kinds[0].stringValue.prefix(Self.kindCharactersMax)))
        } else {
            body = try container.decode(AgentRequest.self, forKey: .body)
        }
    }

    /// Of a kind that this version does not know, so much is repeated.
    private static let kindCharactersMax = 64

    /// Any key of an object.
    private struct AnyKey: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }

        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }
}

/// The answer to the request with the same id.
public struct Reply: Codable, Hashable, Sendable {
    public enum Body: Codable, Hashable, Sendable {
        case done
        case text(String)
        case secret(Secret)
        case failure(Failure)
    }

    public let id: UInt64
    public let body: Body

    public init(id: UInt64, body: Body) {
        self.id = id
        self.body = body
    }
}

/// A PKCS#10 request in PEM, of which only the public key is used.
public struct CertificateRequest: Codable, Hashable, Sendable {
    public let csrPEM: String
    public init(csrPEM: String) { self.csrPEM = csrPEM }
}

/// Leaf, intermediate and root in PEM, in that order.
public struct CertificateChain: Codable, Hashable, Sendable {
    public let pem: String
    public init(pem: String) { self.pem = pem }
}

/// What the coordinator asks of a stranger: sign this nonce.
public struct EnrolmentChallenge: Codable, Hashable, Sendable {
    /// 32 random bytes in hexadecimal.
    public let nonce: String
    public init(nonce: String) { self.nonce = nonce }
}

/// A stranger's answer: who it says it is, its key, and the proof.
public struct EnrolmentRequest: Codable, Hashable, Sendable {
    public enum Proof: Codable, Hashable, Sendable {
        /// Headers of a signed STS GetCallerIdentity, the nonce and the key's hash among them.
        case aws(headers: [String: String])
        /// A single-use token.
        case token(Secret)
    }

    public let node: NodeName
    public let csrPEM: String
    public let proof: Proof

    public init(node: NodeName, csrPEM: String, proof: Proof) {
        self.node = node
        self.csrPEM = csrPEM
        self.proof = proof
    }
}

/// First and last frame of a tunnel's connection; raw bytes follow.
public struct TunnelHello: Codable, Hashable, Sendable {
    public let number: UInt64
    public init(number: UInt64) { self.number = number }
}
