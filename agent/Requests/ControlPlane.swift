import FoundationEssentials
import Model
import Outside
import Tools
import Trust

/// What a controller can be asked about its cluster. What its children print is secret, so they run
/// as children and not as units, whose output is written to a file.
struct ControlPlane: Sendable {
    let world: World

    /// Marks our tokens, so that leftovers are told from a person's.
    static let tokenPrefix = "jeeves"
    private static let commandMax = Duration.seconds(60)

    /// A new ticket, after ours of earlier attempts were removed.
    ///
    /// Throws `unsupported` on a worker, `conflict` if the certificate changed meanwhile.
    func mintTicket() async throws -> JoinTicket {
        let tried = "minting a join ticket"
        let address = Facts.defaultAddress(world.files)
        guard !address.isEmpty else {
            throw Failure(
                .failed, "\(tried): this node has no address towards its gateway",
                fix: "look at `ip route` on the node")
        }
        try removeLeftovers()
        let token = Secret(
            Self.tokenPrefix
                + String(
                    Hash.sha256(world.chance.bytes(32)).rawValue
                        .prefix(32)))
        let finished = try await run(
            MicroK8s.addNode(token: token), op: "ticket.mint")
        let prefix = try MicroK8s.fingerprint(ofMinted: token, in: finished)
        let certificate = try self.certificate()
        guard certificate.rawValue.hasPrefix(prefix) else {
            throw Failure(
                .conflict, "\(tried): the certificate of this controller changed meanwhile",
                fix: "run `jeeves up` again")
        }
        return JoinTicket(controller: address, token: token, certificate: certificate)
    }

    /// Removes a member that has left; nothing happens if it is gone.
    func removeMember(_ node: NodeName) async throws {
        let finished = try await run(MicroK8s.removeNode(node), op: "member.remove")
        guard MicroK8s.isRemoved(finished) else {
            throw Failure(
                .failed, "removing \(node) from the cluster: \(MicroK8s.sentence(finished))",
                fix: "run `jeeves kubectl -- get nodes`")
        }
    }

    /// The admin's kubeconfig, server at 127.0.0.1.
    func kubeconfig() async throws -> Secret {
        try MicroK8s.kubeconfig(in: await run(MicroK8s.config(), op: "kubeconfig.read"))
    }

    private func run(_ command: Command, op: Op) async throws -> Finished {
        try await world.processes.run(
            command, limits: Limits(deadline: Self.commandMax, outputBytesMax: 64 << 10), op: op)
    }

    private func certificate() throws -> Digest {
        let path = MicroK8s.serverCertificate
        let pem = try world.files.text(path, bytesMax: 64 << 10) ?? ""
        let body = pem.split(whereSeparator: \.isNewline)
            .drop { $0 != "-----BEGIN CERTIFICATE-----" }.dropFirst()
            .prefix { $0 != "-----END CERTIFICATE-----" }
        guard let der = Data(base64Encoded: body.joined()), !der.isEmpty else {
            throw Failure(
                .failed, "reading \(path): it holds no certificate",
                fix: "run `microk8s inspect` on the node")
        }
        return Hash.sha256(der)
    }

    /// The first line with a token decides over it, and dead lines stay for ever otherwise.
    private func removeLeftovers() throws {
        guard let text = try world.files.text(MicroK8s.tokens, bytesMax: 256 << 10) else { return }
        let lines = text.split(whereSeparator: \.isNewline)
        let kept = lines.filter { !$0.hasPrefix(Self.tokenPrefix) }
        guard kept.count < lines.count else { return }
        try world.files.replace(
            MicroK8s.tokens, with: Array(kept.map { $0 + "\n" }.joined().utf8), mode: 0o600,
            op: "ticket.leftovers")
    }
}
