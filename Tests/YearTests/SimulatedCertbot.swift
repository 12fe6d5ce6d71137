import Crypto
import Foundation
import Model
import Outside
import Support
import Synchronization
import Tools

/// certbot 2.1 as the agent sees it: files of a lineage if the CA gave a certificate, else exit
/// code 1 with its words and its log.
struct SimulatedCertbot: Sendable {
    let domain: DomainName
    let ca: SimulatedCA
    let lifetime: Duration
    let files: FakeFiles
    private let key: P256.Signing.PrivateKey
    private let runs = Runs()
    private let certbot = Certbot()

    private final class Runs: Sendable { let count = Mutex(0) }

    init(
        domain: DomainName, ca: SimulatedCA, lifetime: Duration, files: FakeFiles,
        _ chance: SeededChance
    ) throws {
        self.domain = domain
        self.ca = ca
        self.lifetime = lifetime
        self.files = files
        key = try P256.Signing.PrivateKey(rawRepresentation: chance.bytes(32))
    }

    func run(_ command: Command, isReachable: Bool, at now: Date) throws -> Finished {
        files[certbot.log] = ""
        if command.arguments.contains("--dry-run") {
            return isReachable
                ? Finished(ending: .exited(0), output: "The dry run was successful.\n") : unproven
        }
        let answer = try ca.order(
            domain, key.publicKey, lifetime: lifetime, isReachable: isReachable, at: now)
        switch answer {
        case .issued(let chain):
            write(chain)
            return Finished(ending: .exited(0), output: "Successfully received certificate.\n")
        case .refusedConnection:
            return failed(
                "requests.exceptions.ConnectionError: Max retries exceeded: Connection refused")
        case .inTrouble: return failed("acme.errors.ClientError: <Response [503]>")
        case .limited(let retryAfter, let detail):
            files[certbot.log] = """
                HTTP 429
                Retry-After: \(Int(retryAfter.seconds.rounded(.up)))
                {
                  "type": "urn:ietf:params:acme:error:rateLimited",
                  "detail": "\(detail)",
                  "status": 429
                }

                """
            return failed("AttributeError: can't set attribute")
        case .unproven: return unproven
        }
    }

    private var unproven: Finished {
        Finished(
            ending: .exited(1),
            output: """
                  Domain: \(domain)
                  Type:   connection
                  Detail: 192.0.2.1: Timeout during connect (likely firewall problem)

                """, errors: "Some challenges have failed.\n")
    }

    private func failed(_ words: String) -> Finished {
        Finished(ending: .exited(1), errors: "An unexpected error occurred:\n\(words)\n")
    }

    private func write(_ chain: String) {
        let number = runs.count.withLock { count in
            count += 1
            return count
        }
        for (part, text) in [
            (Certbot.Part.key, key.pemRepresentation + "\n"), (Certbot.Part.chain, chain),
        ] {
            let path = certbot.archived(part, of: domain, generation: number)
            files.put(Array(text.utf8), at: path, mode: 0o600)
            files.link(
                certbot.live(part, of: domain),
                to: "../../archive/\(domain)/\(part.rawValue)\(number).pem")
            // Old generations are of no use to anybody and slow the fake down.
            files[certbot.archived(part, of: domain, generation: number - 2)] = nil
        }
        files[certbot.renewalFile(of: domain)] = """
            [renewalparams]
            server = \(ca.directory)

            """
    }
}
