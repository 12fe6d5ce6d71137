import ArgumentParser
import Coordinator
import FoundationEssentials
import Model
import Outside

/// `jeeves why`: from what is wrong down to its cause.
struct WhyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "why",
        abstract: "Say what keeps the chat, a node or a stage from being right, down to the cause.",
        discussion: """
            Follows the way of a request, from the name in Route 53 to the pods, and what
            each part stands on, to the last thing that is not right itself; then says what
            to type. Without a name it looks at everything. Where a coordinator runs, its
            last look counts; else it looks itself, and waits up to 45 seconds for the
            agents. Exit status 0 if nothing is wrong, also while something is being made
            right; 3 if something is wrong or cannot be asked.

              jeeves why
              jeeves why https://chat.example.org
              jeeves why worker-2
              jeeves why app --output json
            """)

    @OptionGroup var target: ProjectOptions

    @Argument(
        help: "A node, a stage of the last rollout, the chat's URL, or a part: service/nats.")
    var subject: String?

    @Option(name: .shortAndLong, help: "Output format.")
    var output = OutputFormat.table

    func run() async throws {
        do {
            let picture = try await read()
            let answer = WhyAnswer(picture, of: subject, chains: try Blame(picture).chains(subject))
            try output.write(answer, on: target.terminal, table: Self.text)
            if let verdict = answer.verdict { throw verdict }
        } catch { throw Ending.report(error) }
    }

    /// Where a coordinator runs, the agents talk to that one, and it looks every minute.
    private func read() async throws -> Picture {
        let project = try target.project()
        guard try !ClusterStatus.isDriven(project, world: World.live()) else {
            return try Picture.cached(project, world: World.live())
        }
        return try await Drive.run(target, resume: resumption) { try await $0.freshPicture() }
    }

    var resumption: Resumption {
        Resumption("jeeves why", of: target, subject.map { [$0] } ?? [])
    }

    static func text(_ answer: WhyAnswer) -> String {
        guard !answer.chains.isEmpty else {
            return "Nothing is wrong with \(Printable.escape(answer.subject))."
        }
        return answer.chains.map { chain in
            let rows = chain.parts.map { part in
                [
                    part.id.description, part.state.rawValue,
                    part.since.map {
                        Duration.seconds(max(0, answer.at.timeIntervalSince($0))).ageText
                    } ?? "-",
                    part.why,
                ]
            }
            let way = Printable.escape(chain.parts.map(\.id.description).joined(separator: " ← "))
            let next = chain.next.isEmpty ? "" : "\nnext: \(Printable.escape(chain.next))"
            return way + "\n\n" + Terminal.table([["PART", "STATE", "FOR", "WHY"]] + rows) + next
        }.joined(separator: "\n\n")
    }
}

/// What `jeeves why` says: nothing, or each chain from a symptom to its cause.
struct WhyAnswer: Encodable {
    struct Chain: Encodable {
        let parts: [Picture.Part]
        let next: String
    }

    let cluster: ClusterID
    let at: Date
    let subject: String
    let chains: [Chain]

    init(_ picture: Picture, of subject: String?, chains: [Blame.Chain]) {
        cluster = picture.cluster
        at = picture.at
        self.subject = subject ?? "cluster \(picture.cluster)"
        self.chains = chains.map { chain in
            // What the cause itself cannot be helped with, the part above it may be.
            Chain(parts: chain, next: chain.last { !$0.next.isEmpty }?.next ?? "")
        }
    }

    /// Nil if nothing is wrong: what is being made right is not.
    var verdict: Failure? {
        let wrong = chains.filter { $0.parts.last.map { $0.state != .changing } ?? false }
        guard let first = wrong.first, let cause = first.parts.last else { return nil }
        let more = wrong.count == 1 ? "" : ", and \(wrong.count - 1) more"
        return Failure(
            .gate,
            "looking at \(subject): the cause is \(cause.id) (\(cause.state.rawValue))\(more)",
            fix: first.next)
    }
}
