import Model
import Outside
import Synchronization
import Tools

/// Collects what one Terraform run says, and tells a person how far it is.
final class TerraformLog: Sendable {
    private struct Seen {
        var changes: [Change] = []
        var running: Set<String> = []
        var done = 0
        var errors: [String] = []
        var summary = ""
    }

    /// More errors than this are counted, not kept.
    private static let errorsMax = 20

    private let seen = Mutex(Seen())
    /// How many resources it will make or take away; one that is replaced counts twice.
    private let total: Int
    private let tell: @Sendable (Activity) -> Void

    init(
        applying changes: [Change] = [], tell: @escaping @Sendable (Activity) -> Void = { _ in }
    ) {
        total = changes.reduce(0) { $0 + ($1.action == .replace ? 2 : 1) }
        self.tell = tell
    }

    func note(_ line: String) {
        guard let event = TerraformEvent(line: line) else { return }
        switch event {
        case .planned(let change, _): seen.withLock { $0.changes.append(change) }
        case .started(let address, _): tell(activity { _ = $0.running.insert(address) })
        case .completed(let address, let seconds):
            var now = activity {
                $0.running.remove(address)
                $0.done += 1
            }
            now.lines = ["\(address) done after \(seconds)s"]
            tell(now)
        case .failed(let address): tell(activity { _ = $0.running.remove(address) })
        case .summary(let add, let change, let remove):
            seen.withLock { $0.summary = "\(add) added, \(change) changed, \(remove) removed" }
        case .error(let summary, let detail, let address):
            let place = address.isEmpty ? "" : "\(address): "
            let text = "\(place)\(summary)\(detail.isEmpty ? "" : ": \(detail)")"
            seen.withLock { if $0.errors.count < Self.errorsMax { $0.errors.append(text) } }
        }
    }

    /// What Terraform does after `change` of what was seen.
    private func activity(after change: (inout Seen) -> Void) -> Activity {
        seen.withLock { seen in
            change(&seen)
            let first = seen.running.min() ?? ""
            let more = seen.running.count > 1 ? " and \(seen.running.count - 1) more" : ""
            return Activity("terraform", first + more, done: seen.done, of: total)
        }
    }

    func changes() -> [Change] { seen.withLock { $0.changes } }

    func summary() -> String { seen.withLock { $0.summary } }

    func failure(_ tried: String, _ finished: Finished) -> Failure {
        let errors = seen.withLock { $0.errors }
        let text = errors.isEmpty ? finished.sentence : errors.joined(separator: "; ")
        return Failure(
            .failed, "\(tried) with Terraform: \(String(text.prefix(2000)))",
            fix: "mend the cause and run `jeeves up` again: what exists already is kept")
    }
}

/// Reads `terraform output -json`.
enum TerraformOutputs {
    private struct Value<Wrapped: Decodable>: Decodable { let value: Wrapped }

    private struct Machine: Decodable {
        let role: MicroK8sSpec.Role
        let instance_id, private_ip: String
        let public_ip: String?
    }

    private struct Outputs: Decodable {
        let nodes: Value<[String: Machine]>
        let account_id: Value<String>
        let role_name: Value<String>
    }

    /// Throws `invalid` if an output is missing or has another shape.
    static func infrastructure(_ text: String) throws -> Infrastructure {
        let outputs = try JSON.decode(Outputs.self, from: text.utf8, what: "Terraform's outputs")
        var machines: [NodeName: Infrastructure.Machine] = [:]
        for (name, machine) in outputs.nodes.value {
            machines[try NodeName(name)] = Infrastructure.Machine(
                role: machine.role, instanceID: machine.instance_id,
                privateAddress: machine.private_ip, publicAddress: machine.public_ip ?? "")
        }
        return Infrastructure(
            account: outputs.account_id.value, roleName: outputs.role_name.value,
            machines: machines)
    }
}
