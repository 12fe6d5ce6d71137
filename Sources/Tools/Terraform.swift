import Model
import Outside

/// Command lines for Terraform in one working folder. It runs nothing itself.
///
/// Plans are saved to a file and applied from it, so what was shown is what happens.
public struct Terraform: Sendable, Hashable {
    /// Folder with the root module, the variables and the state.
    public let folder: String
    /// AWS region, endpoint and the like.
    public let environment: [String: String]
    /// AWS keys: passed in the child's environment only.
    public let secrets: [String: Secret]

    public static let planFile = "jeeves.tfplan"

    public init(folder: String, environment: [String: String], secrets: [String: Secret]) {
        self.folder = folder
        self.environment = environment
        self.secrets = secrets
    }

    public func version() -> Command { command(["version", "-json"]) }

    /// What is done with a state when the place for it was changed.
    public enum Initialization: Sendable { case plain, anew, moving, looking }

    /// Refuses another place than the last one, unless `anew` begins there with what is found, or
    /// `moving` copies the state to it. `looking` fetches no provider, and fails for that reason
    /// once it has set up the place of a state that needs one.
    public func initialize(_ way: Initialization = .plain) -> Command {
        let flags =
            switch way {
            case .plain: [String]()
            case .anew: ["-reconfigure"]
            case .moving: ["-migrate-state", "-force-copy"]
            case .looking: ["-reconfigure", "-plugin-dir=."]
            }
        return command(["init", "-input=false", "-no-color"] + flags)
    }

    /// Writes the plan file and prints events; exit 0 whether or not something changes. The
    /// machines of `replacing` are made anew although nothing about them differs.
    public func plan(
        destroying: Bool = false, replacing: [NodeName: MicroK8sSpec.Role] = [:]
    ) -> Command {
        command(
            ["plan", "-input=false", "-json", "-lock-timeout=60s", "-out=\(Self.planFile)"]
                + (destroying ? ["-destroy"] : [])
                + replacing.sorted { $0.key < $1.key }.map {
                    "-replace=module.\($0.value.rawValue)[\"\($0.key)\"].aws_instance.this"
                })
    }

    /// Applies the plan file and prints events.
    public func apply() -> Command {
        command(["apply", "-input=false", "-json", "-lock-timeout=60s", Self.planFile])
    }

    public func output() -> Command { command(["output", "-json", "-no-color"]) }

    /// Prints the plan file with every attribute. It starts the provider once more for its schema,
    /// which takes seconds.
    public func show() -> Command { command(["show", "-json", "-no-color", Self.planFile]) }

    /// Prints the state, which names every resource that Terraform knows.
    public func state() -> Command { command(["state", "pull"]) }

    private func command(_ arguments: [String]) -> Command {
        var environment = Command.environmentBase.merging(self.environment) { $1 }
        environment["TF_IN_AUTOMATION"] = "1"
        environment["TF_INPUT"] = "0"
        environment["CHECKPOINT_DISABLE"] = "1"
        return Command(
            "terraform", ["-chdir=\(folder)"] + arguments, environment: environment,
            secrets: secrets)
    }
}

/// One line of `-json` output (Terraform's machine-readable UI, version 1.2). Kinds that Jeeves
/// does not need, and kinds of later versions, are nil.
public enum TerraformEvent: Hashable, Sendable {
    case planned(Change, reason: String)
    case started(address: String, action: String)
    case completed(address: String, seconds: Int)
    case failed(address: String)
    case summary(add: Int, change: Int, remove: Int)
    /// An error with its detail; warnings are nil.
    case error(summary: String, detail: String, address: String)

    /// Longest line that is looked at; longer ones are nil.
    static let lineBytesMax = 1 << 20

    public init?(line: String) {
        guard line.utf8.count <= Self.lineBytesMax,
            let raw = try? JSON.decode(Line.self, from: line.utf8, what: "a Terraform event")
        else { return nil }
        switch raw.type {
        case "planned_change":
            guard let change = raw.change, let action = change.planned else { return nil }
            self = .planned(
                Change(
                    action, change.resource.addr,
                    effects: [.delete, .replace].contains(action) ? [.irreversible] : []),
                reason: change.reason ?? "")
        case "apply_start":
            guard let hook = raw.hook, hook.action != "read" else { return nil }
            self = .started(address: hook.resource.addr, action: hook.action ?? "")
        case "apply_complete":
            guard let hook = raw.hook, hook.action != "read" else { return nil }
            self = .completed(address: hook.resource.addr, seconds: hook.elapsed_seconds ?? 0)
        case "apply_errored":
            guard let hook = raw.hook else { return nil }
            self = .failed(address: hook.resource.addr)
        case "change_summary":
            guard let changes = raw.changes else { return nil }
            self = .summary(add: changes.add, change: changes.change, remove: changes.remove)
        case "diagnostic":
            guard let diagnostic = raw.diagnostic, diagnostic.severity == "error" else {
                return nil
            }
            self = .error(
                summary: diagnostic.summary, detail: diagnostic.detail ?? "",
                address: diagnostic.address ?? "")
        default: return nil
        }
    }

    private struct Line: Decodable {
        struct Resource: Decodable { let addr: String }
        struct Planned: Decodable {
            let resource: Resource
            let action: String
            let reason: String?

            var planned: Change.Action? {
                switch action {
                case "create": .create
                case "update": .update
                case "replace": .replace
                case "delete": .delete
                default: nil
                }
            }
        }
        struct Hook: Decodable {
            let resource: Resource
            let action: String?
            let elapsed_seconds: Int?
        }
        struct Changes: Decodable { let add, change, remove: Int }
        struct Diagnostic: Decodable {
            let severity, summary: String
            let detail, address: String?
        }
        let type: String
        let change: Planned?
        let hook: Hook?
        let changes: Changes?
        let diagnostic: Diagnostic?
    }
}

extension Change {
    /// Whether Terraform would take away something that people depend on: a controller's machine,
    /// its network interface or address, or any volume.
    public var losesController: Bool {
        guard action == .delete || action == .replace else { return false }
        let kinds = ["aws_instance", "aws_network_interface", "aws_eip"]
        let isController =
            subject.contains("module.controller")
            && kinds.contains { subject.contains(".\($0).") }
        return isController || subject.contains("aws_ebs_volume")
    }

    /// The node whose machine it is about. A module's key is the node's name.
    public var machine: NodeName? {
        guard subject.hasSuffix("].aws_instance.this") else { return nil }
        return subject.split(separator: "\"").dropFirst().first.flatMap {
            NodeName(rawValue: String($0))
        }
    }
}
