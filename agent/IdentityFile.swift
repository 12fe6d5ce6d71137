import Model
import Outside
import Trust
import Wire

/// The node's key and certificate chain on disk, in one file so that both change together.
///
/// A new pair is kept beside the old one as the candidate until a link has been opened with it.
public struct IdentityFile: Sendable {
    private let files: any Files
    private let folder: String

    public init(files: any Files, state: StateFolder) {
        self.files = files
        folder = state.identity
    }

    private var current: String { "\(folder)/identity.pem" }
    private var next: String { "\(folder)/identity.next.pem" }
    /// Key of an enrolment or renewal under way: a retry must present the same one, because a
    /// token is bound to the first key it comes with.
    private var pendingKey: String { "\(folder)/pending.key.pem" }

    /// The files that the pairs are read from.
    var sources: [String] { [next, current] }

    /// The candidate first, then the one in use.
    func pairs() throws -> [Pair] {
        try [(next, true), (current, false)].compactMap { path, isCandidate in
            guard let text = try files.text(path, bytesMax: 64 << 10) else { return nil }
            let credentials = try Self.split(text, path: path)
            return Pair(credentials: credentials, isCandidate: isCandidate)
        }
    }

    /// The credentials of the last link that was opened; nil before enrolment.
    public func inUse() throws -> Credentials? {
        try pairs().last?.credentials
    }

    struct Pair: Sendable {
        let credentials: Credentials
        let isCandidate: Bool
    }

    func saveCandidate(_ credentials: Credentials) throws {
        let text = credentials.keyPEM.reveal() + credentials.chainPEM
        try files.replace(next, with: Array(text.utf8), mode: 0o600, op: "identity.candidate")
        try files.remove(pendingKey, op: "identity.pending.remove")
    }

    /// The candidate has opened a link: from now on it is the identity.
    func promote(_ credentials: Credentials) throws {
        let text = credentials.keyPEM.reveal() + credentials.chainPEM
        try files.replace(current, with: Array(text.utf8), mode: 0o600, op: "identity.promote")
        try files.remove(next, op: "identity.candidate.remove")
    }

    func dropCandidate() throws { try files.remove(next, op: "identity.candidate.drop") }

    /// The key of the request under way, made by `make` and saved if there is none yet.
    func pending(make: () throws -> Secret) throws -> Secret {
        if let text = try files.text(pendingKey, bytesMax: 16 << 10) { return Secret(text) }
        let key = try make()
        try files.replace(
            pendingKey, with: Array(key.reveal().utf8), mode: 0o600, op: "identity.pending")
        return key
    }

    /// The pair of the request under way, a new one if there is none. Throws `invalid`, naming the
    /// file, if its key is damaged.
    func pendingPair() throws -> KeyPair {
        let key = try pending { try KeyPair.make().keyPEM }
        do { return try KeyPair(keyPEM: key) } catch let failure as Failure {
            throw Failure(
                failure.code, "using \(pendingKey): \(failure.message)",
                fix: "remove \(pendingKey) on the node: jeeves-agent makes another key")
        }
    }

    private static func split(_ text: String, path: String) throws -> Credentials {
        let marker = "PRIVATE KEY-----\n"
        guard let end = text.ranges(of: marker).dropFirst().first?.upperBound else {
            throw Failure(
                .invalid, "reading \(path): it does not start with a private key",
                fix: "remove \(path) and restart jeeves-agent to enrol again")
        }
        return Credentials(
            chainPEM: String(text[end...]), keyPEM: Secret(String(text[..<end])))
    }
}
