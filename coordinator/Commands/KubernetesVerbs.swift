import ArgumentParser
import Coordinator
import Model
import Outside

/// `jeeves kubectl`: kubectl through the agents' links.
struct KubectlVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kubectl",
        abstract: "Run kubectl against the cluster, through a controller's agent.",
        discussion: """
            Its exit status is kubectl's. Commands that need a terminal of their own
            (exec --tty, edit) do not work through it.

              jeeves kubectl -- get pods --all-namespaces
              jeeves kubectl -- describe node worker-1
            """)

    @OptionGroup var target: ProjectOptions

    @Argument(parsing: .postTerminator, help: "Arguments of kubectl, after --.")
    var arguments: [String] = []

    func run() async throws {
        let wanted = arguments
        try await Through.cluster(of: target, resume: resumption) { beside, kubeconfig in
            try await beside.kubectl(wanted, kubeconfig: kubeconfig)
        }.passOn()
    }

    var resumption: Resumption {
        Resumption("jeeves kubectl", of: target, ["--"] + arguments)
    }
}

/// `jeeves helm`: Helm through the agents' links.
struct HelmVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "helm",
        abstract: "Run Helm against the cluster, through a controller's agent.",
        discussion: """
            Its exit status is Helm's.

              jeeves helm -- list --all-namespaces
              jeeves helm -- history rocketchat --namespace psautoinfra
            """)

    @OptionGroup var target: ProjectOptions

    @Argument(parsing: .postTerminator, help: "Arguments of Helm, after --.")
    var arguments: [String] = []

    func run() async throws {
        let wanted = arguments
        try await Through.cluster(of: target, resume: resumption) { beside, kubeconfig in
            try await beside.helm(
                wanted, kubeconfig: kubeconfig, environment: Working.environment)
        }.passOn()
    }

    var resumption: Resumption {
        Resumption("jeeves helm", of: target, ["--"] + arguments)
    }
}

/// Goes the way to the cluster that a running coordinator keeps, or embeds one that opens it.
private enum Through {
    static func cluster(
        of target: ProjectOptions, resume: Resumption,
        _ body: @Sendable @escaping (Beside, _ kubeconfig: String) async throws -> Finished
    ) async throws -> Finished {
        do {
            let beside = Beside(try target.project(for: resume), world: World.live())
            if let kubeconfig = try beside.kubeconfig() {
                return try await body(beside, kubeconfig)
            }
            return try await Drive.run(target, resume: resume) { driver in
                try await body(beside, driver.kubeconfig())
            }
        } catch { throw Ending.report(error) }
    }
}

extension Finished {
    /// Prints what a child printed and ends as it ended.
    fileprivate func passOn() throws {
        Terminal.pass(output, errors: errors)
        switch ending {
        case .exited(0): return
        case .exited(let code): throw ExitCode(code)
        case .signalled(let signal): throw ExitCode(128 + signal)
        }
    }
}

/// `jeeves kubeconfig`: the admin's kubeconfig as a controller has it.
struct KubeconfigVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kubeconfig",
        abstract: "Write the kubeconfig and keep its tunnel open until Ctrl-C.",
        discussion: """
            Prints the file's path; it holds the administrator's keys and is private to
            you. Beside a coordinator that runs already it prints the path of that one
            and ends.

              jeeves kubeconfig &
              kubectl --kubeconfig .jeeves/kube/config get nodes
            """)

    @OptionGroup var target: ProjectOptions

    func run() async throws {
        do {
            let beside = Beside(try target.project(), world: World.live())
            if let path = try beside.kubeconfig() { return Terminal.write(path) }
        } catch { throw Ending.report(error) }
        let resumption = Resumption("jeeves kubeconfig", of: target)
        try await Drive.run(target, resume: resumption) { driver in
            Terminal.write(try await driver.kubeconfig())
            try await driver.serve()
        }
    }
}
