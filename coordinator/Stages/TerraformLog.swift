import Model
import Outside
import Synchronization
import Tools

/// Collects what one Terraform run says, and tells a person about it line by line.
final class TerraformLog: Sendable {
    private struct Seen {
        var changes: [Change] = []
        var errors: [String] = []
        var summary = ""
    }

    /// More errors than this are counted, not kept.
    private static let errorsMax = 20

    private let seen = Mutex(Seen())
    private let say: @Sendable (String) -> Void

    init(say: @escaping @Sendable (String) -> Void) { self.say = say }

    func note(_ line: String) {
        guard let event = TerraformEvent(line: line) else { return }
        switch event {
        case .planned(let change, _): seen.withLock { $0.changes.append(change) }
        case .completed(let address, let seconds): say("\(address) done after \(seconds)s")
        case .summary(let add, let change, let remove):
            seen.withLock { $0.summary = "\(add) added, \(change) changed, \(remove) removed" }
        case .error(let summary, let detail, let address):
            let place = address.isEmpty ? "" : "\(address): "
            let text = "\(place)\(summary)\(detail.isEmpty ? "" : ": \(detail)")"
            seen.withLock { if $0.errors.count < Self.errorsMax { $0.errors.append(text) } }
        case .started, .failed: break
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
