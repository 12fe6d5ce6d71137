import FoundationEssentials
import Model
import Outside

/// What `jeeves-agent status` tells: what the daemon wrote last, whether it still runs, and how
/// near each certificate is to its end now. It needs neither a coordinator nor the daemon.
public struct NodeReport: Sendable {
    /// One certificate by the clock of now.
    struct Certificate: Encodable, Hashable, Sendable {
        let step: StepID
        let alert: ServedCertificate.Alert
        /// Part of its lifetime, from 1 to 0; nil if that is not known.
        let left: Double?
        let notAfter: Date
    }

    let status: NodeStatus
    let daemon: DaemonState
    let certificates: [Certificate]

    init(_ status: NodeStatus, daemon: DaemonState, now: Date) {
        self.status = status
        self.daemon = daemon
        certificates = status.steps.compactMap { step in
            ServedCertificate(step.detail).map {
                Certificate(
                    step: step.id, alert: $0.alert(now: now), left: $0.left(now: now),
                    notAfter: $0.notAfter)
            }
        }
    }

    /// Throws `notFound`, with what systemd says, if the daemon wrote nothing since the boot.
    public static func read(
        _ world: World, path: String = StatusFile.path
    ) async throws -> NodeReport {
        let daemon = await DaemonState.look(world)
        do {
            return NodeReport(
                try StatusFile(files: world.files, path: path).read(), daemon: daemon,
                now: world.clock.now())
        } catch let failure as Failure where failure.code == .notFound {
            throw Failure(
                .notFound, "\(failure.message); \(daemon.sentence)",
                fix: daemon.fix.isEmpty ? failure.fix : daemon.fix)
        }
    }
}

/// The status as it was written, and two keys more.
extension NodeReport: Encodable {
    private enum Keys: String, CodingKey { case daemon, certificates }

    public func encode(to encoder: any Encoder) throws {
        try status.encode(to: encoder)
        var more = encoder.container(keyedBy: Keys.self)
        try more.encode(daemon, forKey: .daemon)
        try more.encode(certificates, forKey: .certificates)
    }
}

extension NodeReport {
    /// Text for a person.
    public var table: String {
        let width = status.steps.map(\.id.rawValue.count).max() ?? 0
        var lines = [
            "node \(status.node), generation \(status.generation), \(status.facts.system)",
            "as of \(status.reportedAt.formatted(.iso8601))",
        ]
        if daemon.word != .running {
            lines.append("\(daemon.sentence): what follows is the last that it wrote")
            lines.append("fix: \(daemon.fix)")
        }
        if let refused = status.refused {
            lines.append("spec refused: \(refused.message)")
            if !refused.fix.isEmpty { lines.append("fix: \(refused.fix)") }
        }
        if status.steps.isEmpty { lines.append("no spec yet") }
        for step in status.steps {
            let name = step.id.rawValue.padded(to: width)
            lines.append("  \(name)  \(step.state.word.padded(to: 10))  \(step.detail)")
            lines += notes(on: step).map { "  \("".padded(to: width))  \($0)" }
        }
        return lines.joined(separator: "\n")
    }

    private func notes(on step: StepStatus) -> [String] {
        var notes = certificates.filter { $0.step == step.id && $0.alert != .quiet }
            .map { "alert: \($0.alert.rawValue)" }
        if case .failed(let failure) = step.state {
            notes.append(failure.message)
            if !failure.fix.isEmpty { notes.append("fix: \(failure.fix)") }
        }
        if let drift = step.state.drift {
            notes.append(drift.what)
            notes += drift.diff.split(separator: "\n", omittingEmptySubsequences: false).map {
                "  \($0)"
            }
            notes.append("fix: `jeeves up` makes it right")
        }
        return notes
    }
}

extension String {
    fileprivate func padded(to width: Int) -> String {
        self + String(repeating: " ", count: max(0, width - count))
    }
}
