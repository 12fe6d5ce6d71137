import Model

/// The keys of the kubeconfig that a controller sent, and nothing else of it. kubectl and Helm
/// start programs, read files and dial servers that a kubeconfig names: a controller in other
/// hands shall not reach the coordinator's machine by them.
public struct Kubeconfig: Sendable {
    private static let authority = "certificate-authority-data"
    /// The token is that of MicroK8s 1.27 and earlier.
    private static let proofs = ["client-certificate-data", "client-key-data", "token"]

    private let keys: [String: Secret]

    /// Throws `invalid` if `text` has no keys of an administrator, or a key that is none.
    public init(_ text: Secret) throws {
        let tried = "reading the kubeconfig"
        var keys: [String: Secret] = [:]
        for line in text.reveal().split(whereSeparator: \.isNewline) {
            let parts = line.drop { $0 == " " || $0 == "-" }.split(separator: ":", maxSplits: 1)
            guard parts.count == 2, let name = parts.first.map(String.init),
                name == Self.authority || Self.proofs.contains(name), keys[name] == nil
            else { continue }
            let value = parts[1].filter { !" \"'".contains($0) }
            guard Self.isKey(value) else {
                throw Failure(
                    .invalid, "\(tried): its \(name) is no key", fix: Failure.Fix.sameVersions)
            }
            keys[name] = Secret(value)
        }
        let hasProof = keys["token"] != nil || keys.keys.count(where: Self.proofs.contains) == 2
        guard keys[Self.authority] != nil, hasProof else {
            throw Failure(
                .invalid, "\(tried): it holds no keys of an administrator",
                fix: "look at `microk8s config` on the controller")
        }
        self.keys = keys
    }

    /// Base64, or what a bearer token is made of (RFC 6750 §2.1).
    private static func isKey(_ text: String) -> Bool {
        !text.isEmpty
            && text.allSatisfy {
                $0.isASCII && ($0.isLetter || $0.isNumber || "+/=-._~".contains($0))
            }
    }

    /// A kubeconfig with these keys for the API behind a port of this machine.
    public func text(port: UInt16) -> Secret {
        func line(_ name: String) -> String? {
            keys[name].map { "    \(name): \"\($0.reveal())\"" }
        }
        let lines =
            [
                "apiVersion: v1", "kind: Config", "current-context: microk8s",
                "contexts:", "- name: microk8s", "  context:", "    cluster: microk8s",
                "    user: admin", "clusters:", "- name: microk8s", "  cluster:",
                "    server: \"https://127.0.0.1:\(port)\"",
            ] + [line(Self.authority)].compactMap(\.self)
            + ["users:", "- name: admin", "  user:"] + Self.proofs.compactMap(line)
        return Secret(lines.map { $0 + "\n" }.joined())
    }
}
