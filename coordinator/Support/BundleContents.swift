import FoundationEssentials
import Model

/// What a support bundle holds so far. No text gets in but through the redactor.
struct BundleContents: Sendable {
    /// More of one part is cut out of its middle.
    static let partBytesMax = 4 << 20

    struct Part: Sendable, Hashable {
        /// Relative to the bundle's folder.
        let path: String
        let about: String
        let text: String
    }

    struct Omission: Sendable, Hashable {
        let path: String
        let reason: String
    }

    let redactor: Redactor
    private(set) var parts: [Part] = []
    private(set) var omissions: [Omission] = []

    init(redactor: Redactor) { self.redactor = redactor }

    /// Takes what `text` gives, or the reason why it gives nothing, which is returned too. Throws
    /// `CancellationError` only.
    @discardableResult
    mutating func add(
        _ path: String, _ about: String, _ text: () async throws -> String
    ) async throws -> Failure? {
        do {
            let cleaned = redactor.clean(try await text())
            parts.append(Part(path: path, about: about, text: Self.cut(cleaned)))
            return nil
        } catch {
            try Task.checkCancellation()
            let failure = Failure(error, trying: "asking")
            omit(path, failure.message)
            return failure
        }
    }

    mutating func omit(_ path: String, _ reason: String) {
        omissions.append(Omission(path: path, reason: redactor.clean(reason)))
    }

    /// Its beginning and its end.
    private static func cut(_ text: String) -> String {
        let bytes = text.utf8
        guard bytes.count > partBytesMax else { return text }
        let half = partBytesMax / 2
        return String(decoding: bytes.prefix(half), as: UTF8.self)
            + "\n[\(bytes.count - 2 * half) bytes left out]\n"
            + String(decoding: bytes.suffix(half), as: UTF8.self)
    }

    /// What a person reads first.
    func readme(of cluster: String, at now: Date, since: Date) -> String {
        let held = parts.map { "  \($0.path) (\($0.text.utf8.count) bytes): \($0.about)" }
        let left = omissions.map { "  \($0.path): \($0.reason)" }
        return """
            Support bundle of \(cluster), made at \(now.formatted(.iso8601)) by jeeves \
            \(Release.version). Events and the timeline begin at \(since.formatted(.iso8601)).

            It holds
            \(held.joined(separator: "\n"))

            It does not hold
            \((left.isEmpty ? ["  nothing was left out of what was asked for"] : left)
                .joined(separator: "\n"))

            Never in it: keys and passphrases of the authority, AWS keys, the database's URI, the
            licence, the kubeconfig, Terraform's state, contents of Kubernetes' Secrets, and
            messages of the chat. Secrets that this machine knows, and what looks like one, stand
            as \(Redactor.mark). A secret that nobody knows and that looks like any other word
            cannot be told from one: look through it before you hand it to somebody.

            """
    }
}
