import AWS
import Model
import Outside

/// The secrets that this machine holds, read so that they can be taken out of what leaves it. What
/// cannot be read cannot leave by us either, and is passed over.
struct KnownSecrets: Sendable {
    /// A shorter word of a private file is no secret: `apiVersion`.
    private static let wordCharactersMin = 16

    let project: Project
    /// Nil if the cluster file cannot be read.
    let cluster: ClusterSpec?
    let environment: [String: String]
    let files: any Files

    func all() -> [Secret] {
        let database = (cluster?.app.mongodb.external).map { text(project.path($0.uriFile)) } ?? ""
        let license = cluster?.app.licenseFile ?? ""
        let licenseText = license.isEmpty ? "" : text(project.path(license))
        let values =
            Self.parts(ofURI: database) + Self.lines(of: licenseText)
            + privateFiles().flatMap { Self.words(of: text($0)) } + variables()
        return values.filter { !$0.isEmpty }.map { Secret($0) }
    }

    /// Keys of the authority, the kubeconfig and the chart's passwords.
    private func privateFiles() -> [String] {
        let folder = "\(project.state)/kube"
        let kube = ((try? files.list(folder)) ?? []).map { "\(folder)/\($0)" }
        return kube + [project.rootKey, project.intermediateKey]
    }

    private func variables() -> [String] {
        let written = DotEnv.parse(text("\(project.folder)/.env"))
        return (Array(environment) + Array(written)).compactMap { name, value in
            let name = name.lowercased()
            return ["key", "key_id", "secret", "token", "password", "passphrase"]
                .contains(where: name.hasSuffix) ? value : nil
        }
    }

    private func text(_ path: String) -> String {
        (try? files.readIfThere(path)).flatMap { $0 }.map { String(decoding: $0, as: UTF8.self) }
            ?? ""
    }

    /// All of it, each line, and each word that is long enough to be a secret by itself.
    private static func lines(of text: String) -> [String] {
        let whole = text.matches(of: /(?s)\S(?:.*\S)?/)
        let lines = text.matches(of: /\S(?:.*\S)?/)
        return (whole + lines).map { String($0.output) } + words(of: text)
    }

    /// Each word that is long enough to be a secret by itself. Addresses are none.
    private static func words(of text: String) -> [String] {
        text.split { $0.isWhitespace || "\"',".contains($0) }.map(String.init).filter {
            $0.count >= wordCharactersMin && !$0.contains("://")
        }
    }

    /// A connection's URI, and its password as it stands there and as it is meant (RFC 3986 §2.1).
    private static func parts(ofURI text: String) -> [String] {
        let uri = String(text.filter { !$0.isWhitespace })
        guard let match = uri.firstMatch(of: /:\/\/[^:\/@]*:([^@\/]+)@/) else { return [uri] }
        let password = String(match.1)
        return [uri, password, password.removingPercentEncoding ?? password]
    }
}

extension StageRun {
    /// What takes this cluster's secrets out of a text.
    func redactor() -> Redactor {
        let known = KnownSecrets(
            project: project, cluster: cluster, environment: [:], files: world.files)
        return Redactor(known.all() + cloud.childSecrets.values)
    }
}
