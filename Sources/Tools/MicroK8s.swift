import Model
import Outside

/// MicroK8s on this node: argument vectors and where its files lie. It runs nothing itself.
///
/// Its exit codes mean little: a worker answers most commands with an English sentence and 0. So
/// the parsers beside this file read what was printed.
public enum MicroK8s {
    public static let program = "/snap/bin/microk8s"
    /// Where the install hook looks for the launch configuration, after
    /// ``overridingConfigurations``.
    public static let launchConfiguration = "/var/snap/microk8s/common/.microk8s.yaml"
    /// Read before ours by the install hook, which takes the first one that it finds.
    public static let overridingConfigurations = [
        "/etc/microk8s.yaml", "/root/snap/microk8s/common/.microk8s.yaml",
    ]
    /// There until the cluster agent has applied the add-ons of the launch configuration.
    public static let pendingConfiguration = "/var/snap/microk8s/common/etc/launcher/install.yaml"
    /// There on a node that joined as a worker.
    public static let workerLock = "/var/snap/microk8s/current/var/lock/clustered.lock"
    /// Control planes that a worker's apiserver-proxy leads to.
    public static let proxyEndpoints = "/var/snap/microk8s/current/args/traefik/provider.yaml"
    /// Members of the datastore as a controller knows them: itself, until another one joins.
    public static let datastoreMembers =
        "/var/snap/microk8s/current/var/kubernetes/backend/cluster.yaml"
    public static let serverCertificate = "/var/snap/microk8s/current/certs/server.crt"
    /// One `TOKEN|expiry` a line.
    public static let tokens = "/var/snap/microk8s/current/credentials/cluster-tokens.txt"
    /// Port of the Kubernetes API on every node.
    public static let apiPort: UInt16 = 16443
    /// Port of the datastore on every controller.
    public static let datastorePort: UInt16 = 19001

    /// `--timeout` always: without it the wait has no end.
    public static func status(timeout: Duration) -> Command {
        Command(
            program,
            [
                "status", "--wait-ready", "--timeout", "\(Int(timeout.seconds))", "--format",
                "yaml",
            ])
    }

    /// One add-on at a time: several in one command are deprecated.
    public static func enable(_ addon: String) -> Command { Command(program, ["enable", addon]) }

    /// Without a time to live a token works once, so it may stand in argv (invariant I7).
    public static func addNode(token: Secret) -> Command {
        Command(
            program, ["add-node", "--token", token.reveal(), "--format", "json"],
            shownAs: "\(program) add-node")
    }

    /// The ticket is the written exception to "no secret in argv" (invariant I7), and to nothing
    /// else: it does not print.
    public static func join(_ ticket: JoinTicket, as role: MicroK8sSpec.Role) -> Command {
        var command = join(at: ticket.url.reveal(), as: role)
        command.shownAs = join(at: ticket.controller, as: role).description
        return command
    }

    /// As above, at any place: for a name that holds no ticket.
    public static func join(at place: String, as role: MicroK8sSpec.Role) -> Command {
        Command(program, ["join", place] + (role == .worker ? ["--worker"] : []))
    }

    public static func leave() -> Command { Command(program, ["leave"]) }

    /// Forced, so that a controller leaves the datastore too, which would count it as a voter for
    /// ever otherwise; of a worker it makes no difference.
    public static func removeNode(_ node: NodeName) -> Command {
        Command(program, ["remove-node", node.rawValue, "--force"])
    }

    /// The admin's kubeconfig with the server at 127.0.0.1.
    public static func config() -> Command { Command(program, ["config", "--use-loopback"]) }

    /// Objects of a kind in all namespaces, for a person.
    public static func list(_ kind: String) -> Command {
        Command(program, ["kubectl", "get", kind, "--all-namespaces", "--output=wide"])
    }

    /// The cluster agent's journal, where a launch configuration that cannot be applied is told.
    public static func clusterAgentLog() -> Command {
        Command(
            "journalctl",
            [
                "--no-pager", "--output=cat", "--lines=20",
                "--unit=snap.microk8s.daemon-cluster-agent.service",
            ])
    }
}
