import FoundationEssentials
import Model
import Wire

/// One message of every kind, and the odds and ends that tests share.
enum Samples {
    static let node = NodeName(unchecked: "controller-1")
    static let run = RunID(unchecked: "0123456789abcdef")
    static let digest = Digest(unchecked: String(repeating: "ab", count: 32))
    static let failure = Failure(.invalid, "trying: \"happened\" \\ é 🦭", fix: "type")

    static let hello = Message.hello(
        Hello(node: node, agentVersion: "1.0", bootID: "boot", fence: Fence(of: nodeSpec)))
    static let welcome = Message.welcome(
        Welcome(coordinatorVersion: "1.0", epoch: 3, run: run))
    static let status = Message.status(
        NodeStatus(
            node: node, generation: 2,
            steps: [StepStatus(id: StepID(unchecked: "packages"), state: .failed(failure))],
            checkedFor: run,
            facts: Facts(
                system: "debian 12", kernel: "6.1", bootID: "b", address: "10.0.0.1",
                instanceID: "i-1"),
            agentVersion: "1.0", reportedAt: Date(timeIntervalSince1970: 1_700_000_000)))
    static let nodeSpec = NodeSpec(
        cluster: ClusterID(unchecked: "prod"), node: node, epoch: 3, run: run, generation: 2,
        digest: digest,
        steps: [
            StepSpec(
                id: StepID(unchecked: "packages"), body: .packages(PackagesSpec(names: ["curl"])))
        ])
    static let enrolment = Message.enrolment(
        EnrolmentRequest(node: node, csrPEM: "csr", proof: .token(Secret("t0ken"))))

    static let all: [Message] = [
        hello, status, welcome, .spec(nodeSpec), enrolment,
        .events(
            EventBatch(
                spool: UUID(), first: 7,
                events: [
                    Event(
                        at: Date(timeIntervalSince1970: 1_700_000_000), actor: "agent",
                        subject: "s",
                        cause: "c", outcome: .done, detail: "d")
                ])),
        .reply(Reply(id: 1, body: .secret(Secret("s")))),
        .renewal(CertificateRequest(csrPEM: "csr")),
        .eventsSeen(upTo: .max),
        .request(Request(id: 1, body: .logs(.haproxy, lines: 10))),
        .certificate(CertificateChain(pem: "pem")),
        .challenge(EnrolmentChallenge(nonce: "00")),
        .refusal(failure),
        .tunnel(TunnelHello(number: .max)),
        .ping(.max), .pong(.max),
    ]

    /// A frame by hand: any length, any kind, any body.
    static func frame(length: UInt32? = nil, kind: UInt8, body: String) -> [UInt8] {
        let bytes = Array(body.utf8)
        let length = length ?? UInt32(bytes.count + 1)
        return [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: length >> UInt32($0)) } + [kind]
            + bytes
    }
}

/// SplitMix64: the same sequence for the same seed, everywhere.
struct SeededChance: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
