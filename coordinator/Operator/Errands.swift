import FoundationEssentials
import Logging
import Model
import Outside
import Store

/// A question that a verb hands to the coordinator that runs beside it, because that one has the
/// link to the node.
struct Errand: Codable, Hashable, Sendable {
    enum Answer: Codable, Hashable, Sendable {
        case text(String)
        case failure(Failure)
    }

    let node: NodeName
    let question: Question
    /// Who asked has gone by then.
    let until: Date
    var answer: Answer?
}

/// The way between a verb and a coordinator that runs beside it: rows of the store, which both have
/// open anyway. There is no socket to guard.
struct Errands: Sendable {
    /// More at once are refused.
    static let openMax = 16
    static let interval = Duration.milliseconds(250)

    let store: Store
    let world: World

    /// Asks, and waits for the answer. Throws the failure that came back, `timeout` if nothing did,
    /// `unavailable` if too many ask or the coordinator has ended.
    func ask(_ question: Question, of node: NodeName) async throws -> String {
        let tried = "asking \(node) through the running coordinator"
        guard try store.list(.errands).count < Self.openMax else {
            throw Failure(
                .unavailable, "\(tried): too many questions are open",
                fix: "wait until the others are answered, then ask again")
        }
        let id = world.chance.runID().rawValue
        let deadline = question.deadline + .seconds(5)
        let errand = Errand(
            node: node, question: question,
            until: world.clock.now().addingTimeInterval(deadline.seconds))
        try store.put(.errands, id, errand)
        defer { try? store.delete(.errands, id) }
        let answer = try await world.clock.poll(
            every: Self.interval, atMost: deadline, waitingFor: "the answer of \(node)",
            op: "errand.wait"
        ) {
            if let answer = try store.get(Errand.self, .errands, id)?.answer { return answer }
            guard try store.lease(at: world.clock.now()) != nil else {
                throw Failure(.unavailable, "\(tried): it has ended", fix: "try again")
            }
            return nil as Errand.Answer?
        }
        switch answer {
        case .text(let text): return text
        case .failure(let failure): throw failure
        }
    }

    /// Answers what is asked until it is cancelled. What goes wrong with one question becomes its
    /// answer, and what goes wrong with the store is tried again.
    func serve(
        log: Logger, _ answer: @Sendable @escaping (Question, NodeName) async throws -> String
    ) async {
        await withDiscardingTaskGroup { group in
            var begun: Set<String> = []
            while !Task.isCancelled {
                do {
                    let open = try due()
                    begun.formIntersection(open.keys)
                    for (id, errand) in open where begun.insert(id).inserted {
                        group.addTask { await run(errand, id: id, log: log, answer) }
                    }
                } catch {
                    log.warning("questions for nodes not read", metadata: ["reason": "\(error)"])
                }
                try? await world.clock.sleep(Self.interval, op: "errands.idle")
            }
            group.cancelAll()
        }
    }

    /// What nobody has answered yet, without what nobody waits for any more.
    private func due() throws -> [String: Errand] {
        var open: [String: Errand] = [:]
        for document in try store.list(.errands) {
            let errand = try? JSON.decode(
                Errand.self, from: document.value, what: "errands/\(document.key)")
            if let errand, errand.until > world.clock.now() {
                if errand.answer == nil { open[document.key] = errand }
            } else {
                try store.delete(.errands, document.key)
            }
        }
        return open
    }

    private func run(
        _ errand: Errand, id: String, log: Logger,
        _ answer: @Sendable (Question, NodeName) async throws -> String
    ) async {
        var answered = errand
        do {
            answered.answer = .text(try await answer(errand.question, errand.node))
        } catch is CancellationError {
            answered.answer = .failure(
                Failure(
                    .unavailable, "asking \(errand.node): the coordinator ended meanwhile",
                    fix: "try again"))
        } catch {
            answered.answer = .failure(
                error as? Failure ?? Failure(error, trying: "asking \(errand.node)"))
        }
        do {
            // Who asked may be gone, and a row that came back would have no owner.
            guard let found = try store.get(.errands, id) else { return }
            try store.commit(
                [Compare(.errands, id, at: found.revision)],
                [.put(.errands, id, JSON.encode(answered))])
        } catch {
            log.warning("question for a node not answered", metadata: ["reason": "\(error)"])
        }
    }
}
