import FoundationEssentials
import Model
import Outside
import Support
import Synchronization
import Tools

/// A cluster in memory behind kubectl and Helm: what one command leaves the next one finds.
final class FakeCluster: Sendable {
    struct Object: Hashable {
        let kind: String
        let name: String
        var text: String
    }

    struct State {
        var objects: [Object] = []
        var secret: (value: String, version: Int)?
        var revisions: [[String: String]] = []
        var restarts = 0
        /// What mongosh prints about the database.
        var database = #"{"set":"rs0","version":"8.2.1"}"#
        var values = ""
        /// What the next upgrade does instead of working.
        var upgradeError: String?
        /// What the next upgrades print and exit 1 with, although they work.
        var upgradeLie: String?
        /// How many of the only pod are available, once a look; 1 when there is no more.
        var available: [Int] = []
        /// Whether the cluster has given up on that pod.
        var isStuck = false
        /// Minor version of Kubernetes.
        var minor = 34
        /// PodDisruptionBudgets of others, by name, with the label of the pods that they select.
        var foreignBudgets: [String: String] = [:]
        /// Calls that find the API server away.
        var outages = 0
        /// The control plane's members, all of them ready.
        var members = ["controller-1", "worker-1"]
        /// Members that the control plane does not call ready.
        var unready: Set<String> = []
        /// Members that take no new pods, and those of them that carry our mark.
        var closed: Set<String> = []
        var marked: Set<String> = []
        /// What drains print that fail; nil lets them work.
        var drainError: String?
        /// Nodes that were closed by us at each upgrade.
        var upgradedBeside: [Set<String>] = []
        /// What closed, drained, opened, removed or ended a node, in a word each.
        var drains: [String] = []
        /// Members that were emptied, and have neither been opened nor joined anew since.
        var emptied: Set<String> = []
        /// Members whose machine was ended while they were not.
        var endedFull: [String] = []
        /// Manifests that were read: the same ones come again and again.
        fileprivate var manifests: [String: [Object]] = [:]

        /// A kubelet has registered; one that was there under this name is that one from now on.
        mutating func admit(_ member: String) {
            emptied.remove(member)
            if !members.contains(member) { members.append(member) }
            unready.remove(member)
        }

        mutating func forget(_ member: String) {
            drains.append("remove \(member)")
            members.removeAll { $0 == member }
            unready.remove(member)
            closed.remove(member)
            marked.remove(member)
        }
    }

    private let state = Mutex(State())

    init(_ fake: FakeWorld) {
        fake.processes.on("kubectl") { try self.kubectl($0) }
        fake.processes.on("helm") { try self.helm($0) }
    }

    func look<Value: Sendable>(_ body: (State) -> Value) -> Value { state.withLock { body($0) } }
    func change(_ body: (inout State) -> Void) { state.withLock { body(&$0) } }

    func kinds() -> [String] { look { $0.objects.map(\.kind) } }
    func statuses() -> [String] { look { $0.revisions.compactMap { $0["status"] } } }

    /// Appends a revision, as Helm keeps them: ten, and the one that is deployed.
    static func add(_ status: String, _ description: String, to state: inout State) {
        let number = (state.revisions.last?["revision"].flatMap { Int($0) } ?? 0) + 1
        state.revisions.append([
            "revision": "\(number)", "status": status, "description": description,
        ])
        let old = state.revisions.dropLast(10).filter { $0["status"] == "deployed" }
        state.revisions = old + state.revisions.suffix(10)
    }

    // MARK: kubectl

    private func kubectl(_ command: Command) throws -> Finished {
        let words = command.arguments.filter { !$0.hasPrefix("--") }
        return state.withLock { state in
            if state.outages > 0 {
                state.outages -= 1
                return Finished(ending: .exited(1), errors: "dial tcp: connection refused")
            }
            let input = command.input?.reveal() ?? ""
            switch words.first {
            case "diff": return Self.diff(input, &state)
            case "apply": return Self.apply(input, &state)
            case "get": return Self.get(words, &state)
            case "patch": return Self.patch(command, words[2], &state)
            case "drain": return Self.drain(words[1], &state)
            case "delete" where words[1] == "poddisruptionbudget":
                state.objects.removeAll { $0.kind == "PodDisruptionBudget" && $0.name == words[2] }
                return Finished(ending: .exited(0))
            case "logs": return Finished(ending: .exited(0), output: state.database)
            case "rollout" where words.contains("restart"):
                state.restarts += 1
                return Finished(ending: .exited(0))
            default: return Finished(ending: .exited(0))
            }
        }
    }

    private static func objects(_ yaml: String, _ state: inout State) -> [Object] {
        if let known = state.manifests[yaml] { return known }
        let found = read(yaml)
        state.manifests[yaml] = found
        return found
    }

    private static func read(_ yaml: String) -> [Object] {
        yaml.split(separator: "---\n").compactMap { text in
            let lines = text.split(separator: "\n")
            func value(_ start: String) -> String? {
                lines.first { $0.hasPrefix(start) }.map { String($0.dropFirst(start.count)) }
            }
            guard let kind = value("kind: "), let name = value("  name: ") else { return nil }
            return Object(kind: kind, name: name, text: String(text))
        }
    }

    private static func diff(_ yaml: String, _ state: inout State) -> Finished {
        let differs = !Set(objects(yaml, &state)).isSubset(of: state.objects)
        return Finished(ending: .exited(differs ? 1 : 0))
    }

    private static func apply(_ text: String, _ state: inout State) -> Finished {
        if text.hasPrefix("{") {
            struct List: Decodable {
                struct Item: Decodable { let stringData: [String: String]? }
                let items: [Item]
            }
            let list = try? JSON.decode(List.self, from: text.utf8, what: "a list")
            let value = list?.items.compactMap { $0.stringData?["mongo-uri"] }.first ?? ""
            state.secret = (value, (state.secret?.version ?? 0) + 1)
            return Finished(ending: .exited(0))
        }
        for object in objects(text, &state) {
            state.objects.removeAll { $0.kind == object.kind && $0.name == object.name }
            state.objects.append(object)
        }
        return Finished(ending: .exited(0))
    }

    private static func deployments(_ state: inout State) -> String {
        guard state.revisions.last?["status"] == "deployed" else { return #"{"items":[]}"# }
        let available = state.available.isEmpty ? 1 : state.available.removeFirst()
        let reason = state.isStuck ? "ProgressDeadlineExceeded" : "ReplicaSetUpdated"
        return """
            {"items":[{"metadata":{"name":"chat","generation":2},"spec":{"replicas":1,
              "selector":{"matchLabels":{"app":"chat"}},
              "template":{"metadata":{"labels":{"app":"chat"}}}},
             "status":{"observedGeneration":2,"replicas":1,"updatedReplicas":1,
              "availableReplicas":\(available),
              "conditions":[{"type":"Progressing","reason":"\(reason)"}]}}]}
            """
    }

    private static func get(_ words: [String], _ state: inout State) -> Finished {
        func answer(_ text: String) -> Finished { Finished(ending: .exited(0), output: text) }
        switch words.dropFirst().first {
        case "poddisruptionbudgets": return answer(budgets(state))
        case "nodes": return answer(nodes(state))
        case "services": return answer(state.revisions.isEmpty ? #"{"items":[]}"# : services)
        case "secret":
            guard let secret = state.secret else { return answer("") }
            let data = Data(secret.value.utf8).base64EncodedString()
            return answer(
                """
                {"metadata":{"name":"jeeves-mongodb","uid":"u",
                 "resourceVersion":"\(secret.version)"},"data":{"mongo-uri":"\(data)"}}
                """)
        case "deployments": return answer(deployments(&state))
        case "pods": return answer(pods)
        case "pod": return answer(#"{"metadata":{"name":"p"},"status":{"phase":"Succeeded"}}"#)
        case "events": return answer(#"{"items":[{"reason":"Failed","message":"no image"}]}"#)
        default: return Finished(ending: .exited(1), errors: "unknown kind")
        }
    }

    private static func nodes(_ state: State) -> String {
        let items = state.members.enumerated().map { index, name in
            let address = name.hasPrefix("controller") ? "10.42.0.10" : "10.42.0.20"
            let mark = state.marked.contains(name) ? #""jeeves/closed":"true""# : ""
            return """
                {"metadata":{"name":"\(name)","annotations":{\(mark)}},
                 "spec":{"podCIDR":"10.1.\(index).0/24",
                 "unschedulable":\(state.closed.contains(name))},
                 "status":{"nodeInfo":{"kubeletVersion":"v1.\(state.minor).2"},
                 "addresses":[{"type":"InternalIP","address":"\(address)"}],
                 "conditions":[{"type":"Ready",
                 "status":"\(state.unready.contains(name) ? "False" : "True")"}]}}
                """
        }
        return "{\"items\":[\(items.joined(separator: ","))]}"
    }

    /// Those of the application's namespace.
    private static func budgets(_ state: State) -> String {
        let ours = state.objects.filter {
            $0.kind == "PodDisruptionBudget" && $0.text.contains("namespace: psautoinfra\n")
        }.map { budget($0.name, by: "jeeves", of: "chat") }
        let others = state.foreignBudgets.sorted { $0.key < $1.key }.map {
            budget($0.key, by: "Helm", of: $0.value)
        }
        return "{\"items\":[\((ours + others).joined(separator: ","))]}"
    }

    private static func budget(_ name: String, by owner: String, of app: String) -> String {
        """
        {"metadata":{"name":"\(name)","labels":{"app.kubernetes.io/managed-by":"\(owner)"}},
         "spec":{"selector":{"matchLabels":{"app":"\(app)"}}}}
        """
    }

    private static func patch(_ command: Command, _ node: String, _ state: inout State) -> Finished
    {
        let patch = command.arguments.last { $0.hasPrefix("--patch=") } ?? ""
        let isClosing = patch.contains(#""unschedulable":true"#)
        state.drains.append("\(isClosing ? "close" : "open") \(node)")
        if isClosing {
            state.closed.insert(node)
        } else {
            state.closed.remove(node)
            state.emptied.remove(node)
        }
        if patch.contains(#""jeeves/closed":"true""#) { state.marked.insert(node) }
        if patch.contains(#""jeeves/closed":null"#) { state.marked.remove(node) }
        return Finished(ending: .exited(0))
    }

    private static func drain(_ node: String, _ state: inout State) -> Finished {
        state.drains.append("drain \(node)")
        if let error = state.drainError { return Finished(ending: .exited(1), errors: error) }
        state.emptied.insert(node)
        return Finished(ending: .exited(0))
    }

    private static let services = """
        {"items":[
          {"metadata":{"name":"chat"},"spec":{"ports":[{"name":"http","port":80}],"selector":
           {"app.kubernetes.io/instance":"rocketchat","app.kubernetes.io/name":"rocketchat"}}},
          {"metadata":{"name":"ddp"},"spec":{"ports":[{"name":"http","port":3000}],"selector":
           {"app.kubernetes.io/instance":"rocketchat","app.kubernetes.io/name":"x-ddp-streamer"}}}]}
        """

    private static let pods = """
        {"items":[{"metadata":{"name":"chat-1"},"status":{"phase":"Pending","containerStatuses":[
          {"name":"chat","ready":false,"state":{"waiting":{"reason":"ImagePullBackOff"}}}]}}]}
        """
}

/// Helm.
extension FakeCluster {
    private func helm(_ command: Command) throws -> Finished {
        let words = command.arguments.filter { !$0.hasPrefix("--") }
        return state.withLock { state in
            switch words.first {
            case "history": return Self.history(state)
            case "get":
                return Finished(ending: .exited(0), output: Self.manifest(state.values))
            case "upgrade" where command.arguments.contains("--dry-run=server"):
                return Self.blockage(state) ?? Self.preview(command)
            case "upgrade": return Self.upgrade(command, &state)
            case "rollback":
                for index in state.revisions.indices
                where state.revisions[index]["status"] == "deployed" {
                    state.revisions[index]["status"] = "superseded"
                }
                Self.add("deployed", "Rollback to \(words.last ?? "")", to: &state)
                return Finished(ending: .exited(0))
            case "uninstall":
                state.revisions = []
                return Finished(ending: .exited(0))
            default: return Finished(ending: .exited(0), output: "v3.18.0")
            }
        }
    }

    /// A chart that hands the licence and the image's tag to the pods of one Deployment.
    private static func manifest(_ values: String) -> String {
        func value(_ key: String) -> String {
            let rest = values.split(separator: "\"\(key)\":\"", maxSplits: 1).dropFirst().first
            return rest.map { String($0.prefix { $0 != "\"" }) } ?? "none"
        }
        return """
            ---
            # Source: rocketchat/templates/chat.yaml
            kind: Deployment
            metadata: {name: chat}
            spec:
              template:
                image: chat:\(value("tag"))
                env: [{name: ROCKETCHAT_LICENSE, value: \(value("license"))}]
            ---
            kind: Secret
            metadata: {name: chat}
            data: {key: c2VjcmV0}

            """
    }

    private static func preview(_ command: Command) -> Finished {
        let text = manifest(command.input?.reveal() ?? "")
        let json = (try? JSON.encode(["manifest": text])) ?? []
        return Finished(ending: .exited(0), output: String(decoding: json, as: UTF8.self))
    }

    private static func history(_ state: State) -> Finished {
        guard !state.revisions.isEmpty else {
            return Finished(ending: .exited(1), errors: "Error: release: not found")
        }
        let items = state.revisions.map {
            """
            {"revision":\($0["revision"] ?? "0"),"status":"\($0["status"] ?? "")",
             "description":"\($0["description"] ?? "")"}
            """
        }
        return Finished(ending: .exited(0), output: "[\(items.joined(separator: ","))]")
    }

    /// What an upgrade says, and its preview too, of a release that was cut off.
    private static func blockage(_ state: State) -> Finished? {
        let status = state.revisions.last?["status"] ?? ""
        if status.hasPrefix("pending-") {
            return Finished(
                ending: .exited(1),
                errors: "Error: another operation (install/upgrade/rollback) is in progress")
        }
        guard status == "uninstalling" else { return nil }
        return Finished(
            ending: .exited(1), errors: "Error: \"rocketchat\" has no deployed releases")
    }

    private static func upgrade(_ command: Command, _ state: inout State) -> Finished {
        if let blockage = blockage(state) { return blockage }
        if let error = state.upgradeError {
            add("failed", "Upgrade failed", to: &state)
            return Finished(ending: .exited(1), errors: error)
        }
        state.values = command.input?.reveal() ?? ""
        state.upgradedBeside.append(state.marked)
        for index in state.revisions.indices where state.revisions[index]["status"] == "deployed" {
            state.revisions[index]["status"] = "superseded"
        }
        let start = "--description="
        let description = command.arguments.first { $0.hasPrefix(start) }?.dropFirst(start.count)
        add("deployed", String(description ?? ""), to: &state)
        return state.upgradeLie.map { Finished(ending: .exited(1), errors: $0) }
            ?? Finished(ending: .exited(0))
    }
}
