import FoundationEssentials
import Model
import Outside
import Tools
import Trust

/// Compares what clients are shown at a controller's public address with what that node holds on
/// disk and in HAProxy's memory. Reads only, and judges what it sees as a browser would.
public struct CertificateCheck: Sendable {
    /// A handshake with an address; with a type of key as a client that knows no other.
    typealias Look = @Sendable (_ address: String, KeyType?) async throws -> Probe.Served

    let domain: DomainName
    /// What the domain is to be served with.
    let keyTypes: [KeyType]
    let look: Look

    init(domain: DomainName, keyTypes: [KeyType], look: @escaping Look) {
        (self.domain, self.keyTypes, self.look) = (domain, keyTypes, look)
    }

    /// Throws `notFound` or `invalid` if the cluster file or a file that it names cannot be read.
    public init(_ project: Project, world: World) throws {
        let cluster = try project.spec(world.files)
        let roots = try project.trustPEM(of: cluster, world.files)
        self.init(domain: cluster.domain, keyTypes: cluster.certificate.keyTypes) {
            address, type in
            try await Probe.connect(
                host: address, port: 443, name: cluster.domain, keyType: type, rootsPEM: roots,
                deadline: .seconds(10), judgedAt: world.clock.now())
        }
    }

    /// One comparison for each type of key that is wanted or held. `answer` is what the node said
    /// to ``Question/certificates``; a node that said nothing is looked at from outside all the
    /// same.
    public func compare(
        _ node: ClusterStatus.Node, answer: Result<String, any Error>
    ) async -> [CertificateComparison] {
        let held = Result {
            try JSON.decode(
                [HeldCertificate].self, from: try answer.get().utf8,
                what: "the answer of \(node.name)")
        }
        let found = ((try? held.get()) ?? []).map(\.keyType)
        let types = KeyType.allCases.filter { keyTypes.contains($0) || found.contains($0) }
        var all: [CertificateComparison] = []
        for type in types {
            let shown: Result<Probe.Served, any Error>
            do {
                let address = try Self.address(of: node)
                shown = .success(try await look(address, types.count > 1 ? type : nil))
            } catch { shown = .failure(error) }
            all.append(
                CertificateComparison(
                    node: node.name, address: node.publicAddress, keyType: type, domain: domain,
                    shown: shown, held: held))
        }
        return all
    }

    private static func address(of node: ClusterStatus.Node) throws -> String {
        guard !node.publicAddress.isEmpty else {
            throw Failure(
                .notFound, "looking for its public address: there is none",
                fix: Failure.Fix.publicAddress)
        }
        return node.publicAddress
    }
}
