import FoundationEssentials
import Model
import Outside
import Support
import Synchronization
import Tools

@testable import Coordinator

/// Terraform as a child program: a state of its own, saved plans, and the event stream of `-json`
/// (the machine-readable UI 1.2, as Terraform 1.11.4 printed it). What it makes is in the account.
final class FakeTerraform: Sendable {
    struct Resource: Hashable, Sendable {
        let address: String
        let id: String
        /// What a change of leads to an update in place.
        let settings: String
    }

    struct State {
        var version = "1.11.4"
        /// The state file, in the order in which things were made.
        var made: [Resource] = []
        var serial = 0
        var saved: Saved?
        /// Addresses that the next plan replaces.
        var tainted: Set<String> = []
        /// What planning ends with instead of a plan.
        var planError: String?
        /// Making this address ends the apply with an error, once.
        var breaksAt: String?
        /// Making this address kills the coordinator, and Terraform goes on by itself.
        var killsAt: String?
        /// What is left to do for the Terraform that nobody waits for any more.
        var left: [Step] = []
        var nextID = 0
        var applies = 0
        /// As of the last apply that came to its end.
        var outputs = "{}"
        /// What is found where only the backend is set up; nil for this state.
        var elsewhere: String?
    }

    /// What the coordinator sees of its own end: nothing it could handle.
    struct Killed: Error {}

    struct Saved: Hashable {
        let serial: Int
        let steps: [Step]
    }

    struct Step: Hashable {
        let action: Change.Action
        let resource: Resource
    }

    private let state = Mutex(State())
    private let fake: FakeWorld
    private let account: FakeAccount
    /// Called with the name of each machine that was made, or is no more.
    private let machine: @Sendable (NodeName, Change.Action) async -> Void

    init(
        _ fake: FakeWorld, _ account: FakeAccount,
        machine: @escaping @Sendable (NodeName, Change.Action) async -> Void
    ) {
        self.fake = fake
        self.account = account
        self.machine = machine
        // The world is held by this one, and would never be gone if it held it too.
        fake.processes.on("terraform") { [weak self] command in
            guard let self else { throw Failure(.notFound, "starting terraform: its test is over") }
            return try await self.run(command)
        }
    }

    func look<Value: Sendable>(_ body: (State) -> Value) -> Value { state.withLock { body($0) } }
    func change(_ body: (inout State) -> Void) { state.withLock { body(&$0) } }

    /// Somebody ended the machine of a node by hand.
    func lose(_ node: String) {
        change {
            $0.made.removeAll { $0.address == "module.worker[\"\(node)\"].aws_instance.this" }
        }
    }

    /// Ids of what the state names.
    var ids: [String] { look { $0.made.map(\.id) } }

    /// The Terraform of a killed coordinator comes to its end.
    func finish() async {
        for step in look({ $0.left }) { _ = await perform(step) }
        change { $0.left = [] }
        saveOutputs()
    }

    private func run(_ command: Command) async throws -> Finished {
        let folder = command.arguments[0].dropFirst("-chdir=".count)
        let words = command.arguments.dropFirst()
        if words.first == "version" {
            return Finished(
                ending: .exited(0), output: #"{"terraform_version":"\#(look { $0.version })"}"#)
        }
        guard command.secrets["AWS_ACCESS_KEY_ID"]?.reveal() == FakeAccount.keyID else {
            return Finished(ending: .exited(1), errors: "Error: No valid credential sources found")
        }
        let lock = "\(folder)/.terraform.lock.hcl"
        if words.first == "init" {
            let roots = ["main.tf", TerraformBackend.file]
            guard roots.contains(where: { fake.files["\(folder)/\($0)"] != nil }) else {
                return Finished(ending: .exited(1), errors: "Error: no configuration files")
            }
            fake.files[lock] = "provider"
            return Finished(ending: .exited(0))
        }
        guard fake.files[lock] != nil else {
            return Finished(
                ending: .exited(1), errors: "Error: Inconsistent dependency lock file")
        }
        switch words.first {
        case "plan":
            let start = "-replace="
            let anew = words.filter { $0.hasPrefix(start) }.map {
                String($0.dropFirst(start.count))
            }
            return try plan(
                String(folder), destroying: words.contains("-destroy"), replacing: Set(anew))
        case "show": return Finished(ending: .exited(0), output: shown())
        case "apply": return try await apply()
        case "output": return Finished(ending: .exited(0), output: look { $0.outputs })
        case "state":
            let isElsewhere = fake.files["\(folder)/main.tf"] == nil
            let found = isElsewhere ? look { $0.elsewhere } : nil
            return Finished(ending: .exited(0), output: found ?? pulled())
        default: return Finished(ending: .exited(1), errors: "Error: unknown command")
        }
    }

    private func pulled() -> String {
        let ids = ids.map { "\"\($0)\"" }.joined(separator: ",")
        return #"{"lineage":"ours","serial":\#(look { $0.serial }),"resources":[\#(ids)]}"#
    }

    // MARK: Planning

    private func plan(
        _ folder: String, destroying: Bool, replacing anew: Set<String>
    ) throws -> Finished {
        if let error = look({ $0.planError }) {
            return Self.errors([Self.version, Self.diagnostic(error, "", nil)])
        }
        let text = fake.files["\(folder)/terraform.tfvars.json"] ?? ""
        let variables = try JSON.decode(
            TerraformVariables.self, from: text.utf8, what: "terraform.tfvars.json")
        let wanted = destroying ? [] : Self.wanted(variables)
        let steps = state.withLock { state in
            var steps: [Step] = []
            for want in wanted {
                let found = state.made.first { $0.address == want.address }
                if found == nil { steps.append(Step(action: .create, resource: want)) }
                guard let found else { continue }
                let action: Change.Action? =
                    state.tainted.union(anew).contains(want.address)
                    ? .replace : found.settings == want.settings ? nil : .update
                if let action { steps.append(Step(action: action, resource: want)) }
            }
            let kept = Set(wanted.map(\.address))
            for gone in state.made.reversed() where !kept.contains(gone.address) {
                steps.append(Step(action: .delete, resource: gone))
            }
            state.saved = Saved(serial: state.serial, steps: steps)
            return steps
        }
        let lines = steps.map { step in
            #"{"type":"planned_change","change":{"resource":"# + Self.place(step.resource)
                + #","action":"\#(step.action.rawValue)"}}"#
        }
        return Finished(
            ending: .exited(0),
            output: ([Self.version] + lines + [Self.summary(steps, "plan")]).joined(
                separator: "\n"))
    }

    /// The saved plan, attribute by attribute.
    private func shown() -> String {
        let changes = look { state in
            (state.saved?.steps ?? []).map { step in
                let old = state.made.first { $0.address == step.resource.address }?.settings ?? ""
                let address = step.resource.address.replacing("\"", with: "\\\"")
                let key =
                    Self.kind(step.resource.address) == "instance" ? "instance_type" : "settings"
                return #"{"address":"\#(address)","change":{"before":{"\#(key)":"\#(old)"},"#
                    + #""after":{"\#(key)":"\#(step.resource.settings)"}}}"#
            }
        }
        return #"{"resource_changes":[\#(changes.joined(separator: ","))]}"#
    }

    /// The resources that matter here, in the order of their needs.
    private static func wanted(_ variables: TerraformVariables) -> [Resource] {
        func resource(_ address: String, _ settings: String = "") -> Resource {
            Resource(address: address, id: "", settings: settings)
        }
        var wanted = [
            resource("aws_iam_role.node"), resource("module.network.aws_vpc.this", variables.cidr),
        ]
        for (name, node) in variables.controllers.sorted(by: { $0.key < $1.key }) {
            let module = "module.controller[\"\(name)\"]"
            wanted += [
                resource("\(module).aws_network_interface.this"),
                resource("\(module).aws_eip.this"),
                resource("\(module).aws_instance.this", node.instance_type),
            ]
        }
        for (name, node) in variables.workers.sorted(by: { $0.key < $1.key }) {
            wanted.append(
                resource("module.worker[\"\(name)\"].aws_instance.this", node.instance_type))
        }
        return wanted
    }

    // MARK: Applying

    private func apply() async throws -> Finished {
        let saved = state.withLock { state in
            state.applies += 1
            defer { state.saved = nil }
            return state.saved?.serial == state.serial ? state.saved : nil
        }
        guard let saved else {
            return Self.errors([Self.diagnostic("Saved plan is stale", "", nil)])
        }
        var lines = [Self.version]
        for (number, step) in saved.steps.enumerated() {
            let address = step.resource.address
            if look({ $0.breaksAt }) == address {
                change { $0.breaksAt = nil }
                return Self.errors(
                    lines + [
                        Self.hook("apply_start", step), Self.hook("apply_errored", step),
                        Self.diagnostic(
                            "creating EC2 Instance: operation error EC2: RunInstances",
                            "VcpuLimitExceeded", address),
                    ])
            }
            if look({ $0.killsAt }) == address {
                change {
                    $0.killsAt = nil
                    $0.left = Array(saved.steps[number...])
                }
                throw Killed()
            }
            lines.append(Self.hook("apply_start", step))
            lines.append(Self.hook("apply_complete", await perform(step)))
        }
        saveOutputs()
        return Finished(
            ending: .exited(0),
            output: (lines + [Self.summary(saved.steps, "apply")]).joined(separator: "\n"))
    }

    /// Makes or unmakes one resource: in the account first, then in the state.
    private func perform(_ step: Step) async -> Step {
        let old = step.resource.address
        if step.action != .create, step.action != .update {
            await forget(old)
            if step.action == .delete { return step }
        }
        let done = state.withLock { state in
            state.serial += 1
            state.tainted.remove(old)
            let index = state.made.firstIndex { $0.address == old }
            if index == nil { state.nextID += 1 }
            let id = index.map { state.made[$0].id } ?? Self.id(old, state.nextID)
            let made = Resource(address: old, id: id, settings: step.resource.settings)
            if let index { state.made[index] = made } else { state.made.append(made) }
            return made
        }
        if step.action != .update {
            let kind = Self.kind(old)
            if !kind.isEmpty {
                account.change { $0.resources.append(.init(id: done.id, kind: kind)) }
            }
            if let node = Self.node(old) { await machine(node, .create) }
        }
        return Step(action: step.action, resource: done)
    }

    private func forget(_ address: String) async {
        let id = state.withLock { state in
            state.serial += 1
            let index = state.made.firstIndex { $0.address == address }
            return index.map { state.made.remove(at: $0).id } ?? ""
        }
        account.change { state in
            state.resources = state.resources.compactMap { resource in
                guard resource.id == id else { return resource }
                var ended = resource
                ended.isTerminated = true
                return resource.kind == "instance" ? ended : nil
            }
        }
        if let node = Self.node(address) { await machine(node, .delete) }
    }
}

/// Addresses and the event stream.
extension FakeTerraform {
    private static let kinds = [
        "aws_vpc": "vpc", "aws_network_interface": "network-interface", "aws_eip": "elastic-ip",
        "aws_instance": "instance",
    ]

    /// EC2's word for the resource; empty if it is none of EC2's.
    private static func kind(_ address: String) -> String {
        kinds.first { address.contains(".\($0.key).") }?.value ?? ""
    }

    private static func id(_ address: String, _ number: Int) -> String {
        "\(["instance": "i", "elastic-ip": "eipalloc"][kind(address)] ?? "r")-\(number)"
    }

    /// The machine that an instance is.
    private static func node(_ address: String) -> NodeName? {
        guard address.hasSuffix("aws_instance.this") else { return nil }
        return NodeName(rawValue: String(address.split(separator: "\"")[1]))
    }

    private func saveOutputs() {
        let nodes = look { $0.made }.compactMap { made -> String? in
            guard let node = Self.node(made.address) else { return nil }
            let isController = made.address.contains("module.controller")
            let number = Int(node.rawValue.split(separator: "-").last ?? "") ?? 0
            let place = isController ? "10.42.0.\(9 + number)" : "10.42.0.\(19 + number)"
            let edge = isController ? "\"203.0.113.\(8 + number)\"" : "null"
            return """
                "\(node)":{"role":"\(isController ? "controller" : "worker")",\
                "instance_id":"\(made.id)","private_ip":"\(place)","public_ip":\(edge)}
                """
        }
        let text = """
            {"account_id":{"value":"\(FakeAccount.number)"},\
            "role_name":{"value":"jeeves-chat"},"nodes":{"value":{\(nodes.joined(separator: ","))}}}
            """
        change { $0.outputs = text }
    }

    private static let version =
        #"{"@level":"info","@message":"Terraform 1.11.4","type":"version","ui":"1.2"}"#

    private static func place(_ resource: Resource) -> String {
        #"{"addr":"\#(resource.address.replacing("\"", with: "\\\""))"}"#
    }

    private static func hook(_ type: String, _ step: Step) -> String {
        #"{"type":"\#(type)","hook":{"resource":"# + place(step.resource)
            + #","action":"\#(step.action.rawValue)","elapsed_seconds":1}}"#
    }

    private static func summary(_ steps: [Step], _ operation: String) -> String {
        func count(_ actions: Change.Action...) -> Int {
            steps.count { actions.contains($0.action) }
        }
        return """
            {"type":"change_summary","changes":{"add":\(count(.create, .replace)),\
            "change":\(count(.update)),"import":0,"remove":\(count(.delete, .replace)),\
            "operation":"\(operation)"}}
            """
    }

    private static func diagnostic(_ text: String, _ detail: String, _ address: String?) -> String {
        let place = address.map { #","address":"\#($0.replacing("\"", with: "\\\""))""# } ?? ""
        return #"{"@level":"error","type":"diagnostic","diagnostic":{"severity":"error","#
            + #""summary":"\#(text)","detail":"\#(detail)"\#(place)}}"#
    }

    private static func errors(_ lines: [String]) -> Finished {
        Finished(ending: .exited(1), output: lines.joined(separator: "\n"))
    }
}
