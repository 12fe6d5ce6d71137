import Model
import Outside
import Trust
import Wire

/// Gets this node its first certificate: answers the coordinator's challenge with a proof of who it
/// is and a request for its own key.
struct Enroller: Sendable {
    let settings: Settings
    let world: World
    let identity: IdentityFile

    /// Throws `unauthorized` if the coordinator does not believe the proof, or others may read the
    /// token; `unavailable` if the coordinator cannot be reached.
    func enrol(_ dial: @Sendable () async throws -> any Link) async throws {
        let key = try identity.pendingPair()
        let csr = try key.csrPEM()
        let link = try await dial()
        do {
            for try await message in link.incoming {
                switch message {
                case .challenge(let challenge):
                    let proof = try await proof(nonce: challenge.nonce, csr: csr)
                    try await link.send(
                        .enrolment(
                            EnrolmentRequest(node: settings.node, csrPEM: csr, proof: proof)))
                case .certificate(let chain):
                    try identity.saveCandidate(
                        Credentials(chainPEM: chain.pem, keyPEM: key.keyPEM))
                    return await link.close()
                case .refusal(let failure): throw failure
                default:
                    throw Failure(
                        .invalid, "enrolling: an unexpected message came",
                        fix: Failure.Fix.sameVersions)
                }
            }
            throw Failure(.unavailable, "enrolling: the coordinator closed the connection")
        } catch {
            await link.close()
            throw Failure(error, trying: "enrolling as \(settings.node)")
        }
    }

    private func proof(nonce: String, csr: String) async throws -> EnrolmentRequest.Proof {
        if let tokenFile = settings.tokenFile {
            guard try world.files.info(tokenFile) != nil else {
                throw Failure(
                    .notFound, "reading \(tokenFile): there is no enrolment token",
                    fix: "make one with `jeeves token create \(settings.node)` at the "
                        + "coordinator, and put it there with mode 0600")
            }
            return .token(
                try PrivateFile.read(
                    tokenFile, named: "`tokenFile` in \(Settings.path)", files: world.files))
        }
        let role = try await InstanceMetadata(world: world).credentials()
        let credentials = AWSCredentials(
            accessKeyID: role.accessKeyID, secretAccessKey: role.secretAccessKey,
            sessionToken: role.token, expires: role.expiration)
        return .aws(
            headers: try IdentityProof.sign(
                nonce: nonce, csrPEM: csr, cluster: settings.cluster, credentials: credentials,
                region: settings.region, now: world.clock.now()))
    }
}
