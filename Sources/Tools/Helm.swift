import Model
import Outside

/// Command lines for Helm 3 and 4 against one kubeconfig and one release, and what it prints. It
/// runs nothing itself.
public struct Helm: Sendable, Hashable {
    /// Where Helm finds a chart: a repository, or a folder or archive of this machine.
    public enum Chart: Sendable, Hashable {
        case repository(url: String, name: String, version: String)
        case local(path: String)

        fileprivate var arguments: [String] {
            switch self {
            case .local(let path): [path]
            case .repository(let url, let name, let version):
                [name, "--repo=\(url)", "--version=\(version)"]
            }
        }
    }

    public let kubeconfig: String
    /// Helm's own cache and settings; a person's are never used.
    public let home: String
    /// What else the child needs of the environment: a proxy for the chart's repository.
    public let environment: [String: String]

    /// What Helm needs of `environment` to fetch a chart; people write it in small letters too.
    public static func proxies(of environment: [String: String]) -> [String: String] {
        environment.filter { ["HTTPS_PROXY", "NO_PROXY"].contains($0.key.uppercased()) }
    }

    public init(kubeconfig: String, home: String, environment: [String: String] = [:]) {
        self.kubeconfig = kubeconfig
        self.home = home
        self.environment = environment
    }

    /// Any Helm command against this cluster.
    public func command(_ arguments: [String], input: Secret? = nil) -> Command {
        let own = [
            "HELM_CACHE_HOME": "\(home)/cache", "HELM_CONFIG_HOME": "\(home)/config",
            "HELM_DATA_HOME": "\(home)/data",
        ]
        return Command(
            "helm", ["--kubeconfig=\(kubeconfig)"] + arguments,
            environment: Command.environmentBase.merging(environment) { $1 }.merging(own) { $1 },
            input: input)
    }

    /// Prints its own version; needs no cluster.
    public static func version() -> Command {
        Command("helm", ["version", "--template={{.Version}}"])
    }

    /// Reads `version --template={{.Version}}`: `v3.18.0`. Throws `unsupported` unless it is 3 or
    /// 4, whose flags are those used here.
    public static func checkVersion(_ text: String) throws {
        let shown = text.prefix(64).split(whereSeparator: \.isNewline).first ?? ""
        let core = shown.drop { $0 == "v" }.prefix { $0 != "+" }
        guard let version = Version(String(core)), version >= Version(3, 13, 0),
            version < Version(5, 0, 0)
        else {
            throw Failure(
                .unsupported, "checking Helm: its version is \"\(shown)\"",
                fix: "install Helm 3.13 or newer, or Helm 4")
        }
    }

    /// Every revision that is kept of a release.
    public func history(_ release: String, namespace: String) -> Command {
        command(["history", release, "--namespace=\(namespace)", "--output=json"])
    }

    /// Installs or upgrades, and waits until everything runs. The values come on standard input:
    /// some are secrets. Bare `--wait` means the same in both majors; without it Helm 4 waits for
    /// hooks only.
    public func upgrade(
        _ release: String, _ chart: Chart, namespace: String, values: Secret, timeout: Duration,
        description: String
    ) -> Command {
        command(
            ["upgrade", "--install", release] + chart.arguments + [
                "--namespace=\(namespace)", "--create-namespace", "--values=-", "--reset-values",
                "--wait", "--timeout=\(timeout.components.seconds)s",
                "--description=\(description)",
            ], input: values)
    }

    /// What ``upgrade(_:_:namespace:values:timeout:description:)`` would make, as JSON; changes
    /// nothing. The chart may look things up in the cluster.
    public func preview(
        _ release: String, _ chart: Chart, namespace: String, values: Secret
    ) -> Command {
        command(
            ["upgrade", release] + chart.arguments + [
                "--namespace=\(namespace)", "--values=-", "--reset-values", "--dry-run=server",
                "--output=json",
            ], input: values)
    }

    /// The objects of the release as they were rendered, as YAML.
    public func manifest(_ release: String, namespace: String) -> Command {
        command(["get", "manifest", release, "--namespace=\(namespace)"])
    }

    /// The objects in what ``preview(_:_:namespace:values:)`` printed, as YAML. Throws `failed`
    /// with Helm's reason, `invalid` if it printed something else.
    public static func previewed(_ finished: Finished) throws -> String {
        struct Release: Decodable { let manifest: String }
        guard finished.succeeded else {
            throw Failure(
                .failed, "rendering the chart: \(finished.sentence)",
                fix: "mend the cluster file's `app`, and run `jeeves plan` again")
        }
        return try JSON.decode(
            Release.self, from: finished.output.utf8, what: "Helm's preview"
        ).manifest
    }

    public func rollback(
        _ release: String, to revision: Int, namespace: String, timeout: Duration
    ) -> Command {
        command([
            "rollback", release, "\(revision)", "--namespace=\(namespace)", "--wait",
            "--timeout=\(timeout.components.seconds)s",
        ])
    }

    /// Returns when the pods are gone too. In the background they would outlive the release: a
    /// StatefulSet that is made again at once finds its pods' names taken, and backs off for
    /// minutes.
    public func uninstall(_ release: String, namespace: String, timeout: Duration) -> Command {
        command([
            "uninstall", release, "--namespace=\(namespace)", "--wait", "--cascade=foreground",
            "--timeout=\(timeout.components.seconds)s",
        ])
    }

    /// One revision of a release.
    public struct Revision: Sendable, Hashable, Decodable {
        /// `deployed`, `failed`, `superseded`, `pending-install`, `uninstalling`, …
        public let status: String
        public let revision: Int
        public let description: String

        /// A Helm that was killed, or lost the API, leaves this behind, and every later upgrade
        /// fails with "another operation is in progress" or "has no deployed releases".
        public var isCutOff: Bool { status.hasPrefix("pending-") || status == "uninstalling" }
    }

    /// Reads `history --output=json`, oldest first; none if there is no such release. Throws
    /// `failed` if Helm could not tell, `invalid` if it printed something else.
    public static func revisions(_ finished: Finished) throws -> [Revision] {
        guard finished.succeeded else {
            if finished.errors.contains("release: not found") { return [] }
            throw Failure(
                .failed, "reading Helm's history: \(finished.sentence)",
                fix: "run `jeeves helm -- list --all-namespaces`")
        }
        return try JSON.decode(
            [Revision].self, from: finished.output.utf8, what: "Helm's history"
        ).sorted { $0.revision < $1.revision }
    }
}
