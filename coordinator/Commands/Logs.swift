import ArgumentParser
import Coordinator
import Model
import Outside

/// `jeeves logs`: the last lines of a node's logs.
struct Logs: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show the last lines of a node's logs.",
        discussion: """
            It is read through the node's agent, which must be connected, by the
            coordinator that runs already or by one that this starts.

              jeeves logs controller-1
              jeeves logs controller-1 --source certbot --lines 50
            """)

    @OptionGroup var target: ProjectOptions

    @Argument(help: "The node.", transform: NodeName.typed)
    var node: NodeName

    @Option(
        help: "agent, haproxy, certbot or microk8s.",
        completion: .list(["agent", "haproxy", "certbot", "microk8s"]))
    var source = "agent"

    @Option(help: "How many lines, from 1 to 2000.")
    var lines = 200

    func validate() throws {
        guard Question.logSources.contains(source) else {
            let sources = Question.logSources.joined(separator: ", ")
            throw ValidationError("--source is one of \(sources).")
        }
        guard (1...2000).contains(lines) else {
            throw ValidationError("--lines is a number from 1 to 2000.")
        }
    }

    func run() async throws {
        do {
            let question = try Question.logs(source: source, lines: lines)
            try await Asking.each([node], question, target, resume: resumption) {
                Terminal.pass(Terminal.shown($1))
            }
        } catch { throw Ending.report(error) }
    }

    var resumption: Resumption {
        Resumption(
            "jeeves logs", of: target,
            [node.rawValue, "--source", source, "--lines", "\(lines)"])
    }
}

/// Asks nodes through the coordinator that runs already, or embeds one that does.
enum Asking {
    /// One node after another; `heard` gets each answer as it comes. A node that fails is told of
    /// and the next is asked; throws the last such failure in the end. Throws `notFound`, and asks
    /// none, if the cluster does not know one of them.
    static func each(
        _ nodes: [NodeName], _ question: Question, _ target: ProjectOptions, resume: Resumption,
        heard: @Sendable @escaping (NodeName, String) -> Void
    ) async throws {
        let beside = Beside(try target.project(), world: World.live())
        for node in nodes { try beside.require(node, trying: "asking \(node)") }
        try await with(question, target, resume: resume) { ask in
            var last: Failure?
            for node in nodes {
                do { heard(node, try await ask(node)) } catch let failure as Failure {
                    if let last { Terminal.complain(Ending.text(last)) }
                    last = failure
                }
            }
            if let last { throw last }
        }
    }

    typealias Ask = @Sendable (NodeName) async throws -> String

    /// Gives `body` the way to ask a node that question.
    static func with<Result: Sendable>(
        _ question: Question, _ target: ProjectOptions, resume: Resumption,
        _ body: @Sendable @escaping (@escaping Ask) async throws -> Result
    ) async throws -> Result {
        let beside = Beside(try target.project(), world: World.live())
        if try beside.isDriven() {
            return try await body { try await beside.ask(question, of: $0) }
        }
        return try await Drive.run(target, resume: resume) { driver in
            try await body { try await driver.ask(question, of: $0) }
        }
    }
}
