import Foundation
import Model
import Outside

/// The Kubernetes programs, built once from Debian 12's source package with Debian's Go.
///
/// `JEEVES_LAB_KUBERNETES` names a folder with ready-made programs instead, for example those of an
/// official release.
struct KubernetesPrograms {
    static let version = "1.20.2"
    static let names = [
        "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy",
    ]

    /// Debian packages of this machine that the build needs.
    static let hostPackages = [
        "dpkg-dev", "gcc", "golang-github-modern-go-reflect2-dev", "golang-go", "libc6-dev",
        "make", "rsync", "xz-utils",
    ]

    let cache: Cache
    let host = Host()

    /// The folder that holds ``names``. Throws `notFound` if `JEEVES_LAB_KUBERNETES` lacks one.
    func folder() async throws -> String {
        if let chosen = ProcessInfo.processInfo.environment["JEEVES_LAB_KUBERNETES"] {
            for name in Self.names where access("\(chosen)/\(name)", X_OK) != 0 {
                throw Failure(
                    .notFound, "looking for Kubernetes in \(chosen): no program \(name)",
                    fix: "unset JEEVES_LAB_KUBERNETES to build them from source")
            }
            return chosen
        }
        return try await cache.artifact(
            "kubernetes", key: [Self.version] + Self.hostPackages, usually: "6 to 12 minutes"
        ) { try await build(in: $0) }
    }

    /// Fetches, unpacks and compiles; only the programs stay in `folder`.
    private func build(in folder: String) async throws {
        let work = "\(folder)/build"
        try FileManager.default.createDirectory(
            atPath: work, withIntermediateDirectories: false)
        try await installPackages(Self.hostPackages, of: host)
        try await fetchSource(into: work)
        // GOPATH mode: the tree must lie where its import path says.
        let tree = "\(work)/go/src/k8s.io/kubernetes"
        try FileManager.default.createDirectory(
            atPath: "\(work)/go/src/k8s.io", withIntermediateDirectories: true)
        let description = try FileManager.default.contentsOfDirectory(atPath: work)
            .first { $0.hasSuffix(".dsc") }
        guard let description else {
            throw Failure(.notFound, "fetching the source of kubernetes: no .dsc came")
        }
        try await host.output(
            "dpkg-source", ["-x", "\(work)/\(description)", tree], deadline: .seconds(300))
        try await replaceReflection(in: tree)
        try await compile(tree, into: folder, work: work)
        try FileManager.default.removeItem(atPath: work)
    }

    /// The vendored reflect2 1.0.1 knows Go's map iterator as it was before 1.18; with it the API
    /// server dies of a memory fault when custom resources are used. Debian packages 1.0.2.
    private func replaceReflection(in tree: String) async throws {
        let path = "github.com/modern-go/reflect2"
        let vendored = "\(tree)/vendor/\(path)"
        try FileManager.default.removeItem(atPath: vendored)
        try await host.output(
            "cp", ["-rL", "/usr/share/gocode/src/\(path)", vendored])
    }

    private func compile(_ tree: String, into folder: String, work: String) async throws {
        let environment = [
            "GOPATH": "\(work)/go", "GOCACHE": "\(work)/gocache", "GO111MODULE": "off",
            "GOFLAGS": "-p=2", "CGO_ENABLED": "0",
        ]
        say("kubernetes: generating code, about 2 minutes")
        try await host.output(
            "nice", ["-n", "10", "make", "generated_files"], environment: environment,
            directory: tree, log: "\(work)/make.log", deadline: .seconds(1800))
        say("kubernetes: compiling \(Self.names.count) programs, about 6 minutes")
        // In GOPATH mode a vendored package has its long name.
        let stamp = "k8s.io/kubernetes/vendor/k8s.io/component-base/version"
        let parts = Self.version.split(separator: ".")
        let flags = [
            "-s", "-w", "-X \(stamp).gitVersion=v\(Self.version)",
            "-X \(stamp).gitMajor=\(parts[0])", "-X \(stamp).gitMinor=\(parts[1])",
        ].joined(separator: " ")
        try await host.output(
            "nice",
            ["-n", "10", "go", "build", "-p", "2", "-ldflags", flags, "-o", "\(folder)/"]
                + Self.names.map { "./cmd/\($0)" },
            environment: environment, directory: tree, log: "\(work)/go.log",
            deadline: .seconds(3600))
    }

    /// Downloads the source package through a sources file and lists of its own, so that the
    /// machine's apt is not changed.
    private func fetchSource(into work: String) async throws {
        let mirror = try await debianMirror(of: host)
        let keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"
        let line = "deb-src [signed-by=\(keyring)] \(mirror) bookworm main\n"
        try Data(line.utf8).write(to: URL(filePath: "\(work)/sources.list"))
        try FileManager.default.createDirectory(
            atPath: "\(work)/lists/partial", withIntermediateDirectories: true)
        let options = [
            "-o", "Dir::Etc::SourceList=\(work)/sources.list",
            "-o", "Dir::Etc::SourceParts=/dev/null", "-o", "Dir::State::Lists=\(work)/lists",
            "-o", "APT::Sandbox::User=root",
        ]
        say("kubernetes: fetching the source package, about 1 minute")
        try await host.output("apt-get", options + ["update"], deadline: .seconds(300))
        try await host.output(
            "apt-get", options + ["source", "--download-only", "kubernetes"], directory: work,
            deadline: .seconds(600))
    }
}

/// The address of the Debian mirror that this machine's own apt uses. Throws `notFound` if its
/// sources name none for the main component.
func debianMirror(of host: Host) async throws -> String {
    let listed = try await host.output(
        "apt-get",
        ["indextargets", "--format", "$(REPO_URI) $(COMPONENT)", "Created-By: Packages"])
    for line in listed.split(separator: "\n") {
        let parts = line.split(separator: " ").map(String.init)
        if parts.count == 2, parts[1] == "main", !parts[0].contains("security") {
            return parts[0]
        }
    }
    throw Failure(
        .notFound, "looking for a Debian mirror: this machine's apt sources name none",
        fix: "apt-get update")
}

/// Installs Debian packages on this machine, unless they are all there.
func installPackages(_ names: [String], of host: Host) async throws {
    let known = try await host.run(
        "dpkg-query", ["--show", "--showformat", "${db:Status-Status}\n"] + names)
    let states = known.output.split(separator: "\n")
    if known.succeeded, states.count == names.count, states.allSatisfy({ $0 == "installed" }) {
        return
    }
    say("installing Debian packages: \(names.joined(separator: " "))")
    try await host.output("apt-get", ["update"], deadline: .seconds(300))
    try await host.output(
        "apt-get", ["install", "--yes", "--no-install-recommends"] + names,
        environment: ["DEBIAN_FRONTEND": "noninteractive"], deadline: .seconds(900))
}
