import Model
import Wire

/// What a person can ask of one node. Its answer is one text, and never a secret: it may lie in the
/// store for a moment.
public enum Question: Codable, Hashable, Sendable {
    case logs(LogSource, lines: Int)
    /// Renew the public certificate now, within the node's order budget.
    case renewCertificate
    /// What is on disk and in HAProxy's memory now.
    case certificates
    /// What a part of the node says about itself.
    case diagnostics(Diagnostic)

    /// What ``logs(source:lines:)`` can be asked for.
    public static let logSources = LogSource.allCases.map(\.rawValue)

    /// The last lines of a journal. Throws `invalid` for an unknown source.
    public static func logs(source: String, lines: Int) throws -> Question {
        guard let source = LogSource(rawValue: source) else {
            throw Failure(
                .invalid, "asking for the log \"\(source)\": there is none of that name",
                fix: "choose one of \(logSources.joined(separator: ", "))")
        }
        return .logs(source, lines: lines)
    }

    var request: AgentRequest {
        switch self {
        case .logs(let source, let lines): .logs(source, lines: lines)
        case .renewCertificate: .renewCertificate
        case .certificates: .certificates
        case .diagnostics(let part): .diagnostics(part)
        }
    }

    /// Whether its answer is what programs wrote, which may repeat a secret.
    fileprivate var isFreeText: Bool {
        switch self {
        case .logs, .diagnostics: true
        case .renewCertificate, .certificates: false
        }
    }

    /// Certbot has ten minutes on the node, after the pass that is in flight there.
    var deadline: Duration {
        switch self {
        case .logs, .certificates: .seconds(30)
        case .diagnostics: .seconds(120)
        case .renewCertificate: .seconds(720)
        }
    }
}

extension StageRun {
    /// A node's answer without the secrets of this cluster. Throws what ``Downlinks/ask`` throws,
    /// and `invalid` for an answer that is no text.
    func answer(to question: Question, of node: NodeName) async throws -> String {
        let answer = try await downlinks.ask(node, question.request, deadline: question.deadline)
        guard case .text(let text) = answer else {
            throw Failure(
                .invalid, "asking \(node): it answered something else",
                fix: Failure.Fix.sameVersions)
        }
        return question.isFreeText ? redactor().clean(text) : text
    }
}
