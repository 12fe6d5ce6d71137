import Model
import Outside

/// Command lines for kubectl against one kubeconfig. It runs nothing itself.
public struct Kubectl: Sendable, Hashable {
    /// Owner of the fields that we set (server-side apply): one name, so nothing is owned twice.
    public static let fieldManager = "jeeves"

    /// Path of the kubeconfig: holds keys, so it is a private file and never an argument's value.
    public let kubeconfig: String

    public init(kubeconfig: String) { self.kubeconfig = kubeconfig }

    /// Any kubectl command against this cluster.
    public func command(_ arguments: [String], input: Secret? = nil) -> Command {
        Command("kubectl", ["--kubeconfig=\(kubeconfig)"] + arguments, input: input)
    }

    /// Prints its own version; needs no cluster.
    public static func version() -> Command {
        Command("kubectl", ["version", "--client", "--output=json"])
    }

    public func nodes() -> Command { command(["get", "nodes", "--output=json"]) }

    /// Makes the cluster agree with `manifest`, which comes on standard input. A field that was
    /// changed by hand is taken back: the cluster file says what it should be.
    public func apply(_ manifest: Secret) -> Command {
        command(["apply"] + Self.serverSide, input: manifest)
    }

    /// Says whether `apply` would change anything, without changing it: see ``Difference``.
    public func diff(_ manifest: Secret) -> Command {
        command(["diff"] + Self.serverSide, input: manifest)
    }

    private static let serverSide = [
        "--server-side", "--field-manager=\(fieldManager)", "--force-conflicts", "--filename=-",
    ]

    /// A list of objects of one kind, as JSON.
    public func list(
        _ kind: String, namespace: String, selector: String = "", fields: String = ""
    ) -> Command {
        var arguments = ["get", kind, "--namespace=\(namespace)", "--output=json"]
        if !selector.isEmpty { arguments.append("--selector=\(selector)") }
        if !fields.isEmpty { arguments.append("--field-selector=\(fields)") }
        return command(arguments)
    }

    /// One object as JSON; prints nothing if it is not there.
    public func get(_ kind: String, _ name: String, namespace: String) -> Command {
        command([
            "get", kind, name, "--namespace=\(namespace)", "--ignore-not-found", "--output=json",
        ])
    }

    /// Takes one object away and waits until it is gone; fine if it is not there.
    public func delete(_ kind: String, _ name: String, namespace: String) -> Command {
        command([
            "delete", kind, name, "--namespace=\(namespace)", "--ignore-not-found", "--wait",
            "--timeout=60s",
        ])
    }

    /// What a pod's only container printed.
    public func logs(_ pod: String, namespace: String) -> Command {
        command(["logs", pod, "--namespace=\(namespace)"])
    }

    /// Waits until a Deployment's newest version serves.
    public func rolledOut(_ deployment: String, namespace: String, timeout: Duration) -> Command {
        command([
            "rollout", "status", "deployment/\(deployment)", "--namespace=\(namespace)",
            "--timeout=\(timeout.components.seconds)s",
        ])
    }

    /// Starts the pods of all Deployments anew, a few at a time.
    public func restart(selector: String, namespace: String) -> Command {
        command([
            "rollout", "restart", "deployment", "--namespace=\(namespace)",
            "--selector=\(selector)",
        ])
    }

    /// Waits until a condition holds for every one of `objects`: `crd/tlsstores.traefik.io`.
    public func wait(_ condition: String, for objects: [String], timeout: Duration) -> Command {
        command(
            ["wait", "--for=condition=\(condition)", "--timeout=\(timeout.components.seconds)s"]
                + objects)
    }
}
