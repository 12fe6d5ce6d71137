import FoundationEssentials
import Model
import Outside

extension MicroK8s {
    /// What `status` said.
    public enum Status: Hashable, Sendable {
        /// Running, with the names of the add-ons that are enabled.
        case running(addons: Set<String>)
        /// A worker, which knows nothing of the cluster.
        case worker
        /// Stopped or not ready; `reason` is its own sentence.
        case notReady(reason: String)
    }

    /// Reads `status --format yaml`. The text is printed by hand upstream, not by a YAML library:
    /// two levels of `key: value`, of which only four matter.
    public static func status(in finished: Finished) -> Status {
        var isRunning = false
        var isInAddons = false
        var name: Substring = ""
        var enabled: Set<String> = []
        for line in finished.output.split(whereSeparator: \.isNewline) {
            if line.first != " " { isInAddons = line.hasPrefix("addons:") }
            let text = line.drop { $0 == " " || $0 == "-" }
            if text == "running: True" { isRunning = true }
            guard isInAddons else { continue }
            if text.hasPrefix("name: ") { name = text.dropFirst(6) }
            if text == "status: enabled", !name.isEmpty { enabled.insert(String(name)) }
        }
        if isRunning { return .running(addons: enabled) }
        if isWorker(finished) { return .worker }
        return .notReady(reason: sentence(finished))
    }

    /// Whether a command was refused because this node is a worker, whatever the exit code says.
    public static func isWorker(_ finished: Finished) -> Bool {
        (finished.output + finished.errors).contains("acting as a node in a cluster")
    }

    /// Checks that `add-node --format json` minted `token`, and returns the fingerprint prefix that
    /// MicroK8s put beside it.
    public static func fingerprint(ofMinted token: Secret, in finished: Finished) throws -> String {
        struct Minted: Decodable { let token: String }
        let tried = "minting a join ticket"
        guard
            let minted = try? JSON.decode(
                Minted.self, from: finished.output.utf8, what: "add-node's answer")
        else {
            // What it printed may hold the token: only a sentence of its own is repeated.
            throw Failure(
                isWorker(finished) ? .unsupported : .failed,
                "\(tried): " + (isWorker(finished) ? "this node is a worker" : "no ticket came"),
                fix: "run `microk8s status` on the controller")
        }
        let parts = minted.token.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0] == token.reveal(), parts[1].count >= 12 else {
            throw Failure(
                .failed, "\(tried): the ticket has no fingerprint",
                fix: "run `microk8s status` on the controller")
        }
        return String(parts[1])
    }

    /// Why a join did not end in membership, from what it printed.
    public static func joinFailure(_ finished: Finished) -> Failure {
        let text = finished.output + finished.errors
        let tried = "joining the cluster"
        if text.contains("Invalid token") {
            return Failure(
                .unavailable, "\(tried): the ticket was used already or has expired",
                fix: "run `jeeves up`: it asks for another one")
        }
        if text.contains("does not resolve to the IP") {
            return Failure(
                .invalid, "\(tried): \(sentence(finished))",
                fix: "let the controller resolve this node's host name to its private address")
        }
        if text.contains("already known to dqlite") || text.contains("has the same IP") {
            return Failure(
                .conflict, "\(tried): \(sentence(finished))",
                fix:
                    "run `microk8s remove-node NAME --force` on a controller for the old member of "
                    + "that name or address")
        }
        if finished.succeeded {
            return Failure(
                .failed, "\(tried): microk8s reported success, but nothing changed",
                fix: "run `microk8s inspect` on the node")
        }
        return Failure(
            .failed, "\(tried): \(sentence(finished))",
            fix: "run `microk8s inspect` on the node")
    }

    /// Whether the cluster no longer has the node after `remove-node`: gone now or gone before.
    public static func isRemoved(_ finished: Finished) -> Bool {
        if (finished.output + finished.errors).contains("does not exist in Kubernetes") {
            return true
        }
        return finished.succeeded && !isWorker(finished) && !isStopped(finished)
    }

    /// The kubeconfig that `config --use-loopback` printed. Throws `unsupported` on a worker and
    /// `unavailable` if MicroK8s is stopped: both exit 0.
    public static func kubeconfig(in finished: Finished) throws -> Secret {
        let tried = "reading the kubeconfig"
        if isWorker(finished) {
            throw Failure(
                .unsupported, "\(tried): this node is a worker", fix: "ask a controller for it")
        }
        guard finished.output.hasPrefix("apiVersion:"),
            finished.output.contains("server: https://127.0.0.1:\(apiPort)")
        else {
            // Whatever else it printed may hold a key.
            throw Failure(
                .unavailable, "\(tried): microk8s printed none", fix: "look at `jeeves status`")
        }
        return Secret(finished.output)
    }

    public static func isStopped(_ finished: Finished) -> Bool {
        finished.output.contains("microk8s is not running")
    }

    /// The last line it printed, bounded; stdout first, for that is where it explains itself.
    public static func sentence(_ finished: Finished) -> String {
        let lines = (finished.errors + "\n" + finished.output).split(whereSeparator: \.isNewline)
        guard let last = lines.last(where: { $0.contains { !$0.isWhitespace } }) else {
            return finished.sentence
        }
        return String(last.prefix(400))
    }
}

extension MicroK8s {
    /// Addresses of the control planes in a worker's ``proxyEndpoints``: `- address: IP:16443`.
    public static func controlPlanes(in text: String) -> [String] {
        addresses(in: text, key: "address:", port: apiPort)
    }

    /// Addresses of a datastore's members in ``datastoreMembers``: `- Address: IP:19001`.
    public static func datastoreMembers(in text: String) -> [String] {
        addresses(in: text, key: "Address:", port: datastorePort)
    }

    private static func addresses(in text: String, key: String, port: UInt16) -> [String] {
        text.split(whereSeparator: \.isNewline).compactMap { line in
            let words = line.drop { $0 == " " || $0 == "-" }
            guard words.hasPrefix(key) else { return nil }
            let value = words.dropFirst(key.count).filter { !" \"'".contains($0) }
            guard value.hasSuffix(":\(port)") else { return nil }
            return String(value.dropLast("\(port)".count + 1))
        }
    }
}
