import FoundationEssentials
import Model
import Outside
import Support
import Synchronization
import Wire

@testable import Coordinator

/// The agents of the cluster's machines as a coordinator meets them: each obeys the newest spec and
/// says so. They outlive coordinators, and time passes for them when a coordinator waits.
final class FakeAgents: Sendable {
    struct Agent {
        let bootID: String
        var spec: NodeSpec?
        var states: [StepID: StepState] = [:]
        var hasJoined = false
        var refused: Failure?
        /// What it said last over the link of now.
        var told: NodeStatus?
        /// Whether the coordinator has heard it.
        var isHeard = false
        /// Who drives at the other end of that link.
        var welcome: Welcome?

        /// Obeys the spec unless its fence forbids it; whether it is a new one.
        mutating func take(_ new: NodeSpec) -> Bool {
            do {
                if let spec { try Fence(of: spec).admit(new) }
                let isNew = spec?.generation != new.generation
                if isNew {
                    states = [:]
                } else if new.mendsDrift == true, new != spec {
                    states = states.filter { $0.value.drift == nil }
                }
                (spec, refused) = (new, nil)
                return isNew
            } catch {
                refused = error as? Failure
                return false
            }
        }

        /// An older copy of the state folder may ask nothing of it.
        func admitRequest() throws {
            guard let spec, let welcome else { return }
            try Fence(of: spec).admit(
                epoch: welcome.epoch, run: welcome.run, for: "answering the coordinator")
        }

        /// Whether a failed step is due again.
        func isRested(at now: Date) -> Bool {
            told.map { now.timeIntervalSince($0.reportedAt) >= 60 } ?? true
        }
    }

    struct State {
        var agents: [NodeName: Agent] = [:]
        var links: [NodeName: AgentLink] = [:]
        var downlinks: Downlinks?
        var serving: [Task<Void, Never>] = []
        /// Machines whose agent never dials.
        var silent: Set<NodeName> = []
        /// What a step comes to instead of `converged`.
        var endings: [StepID: StepState] = [:]
        /// The same on one node only, by `node/step`, or on all, by `*/step`.
        var broken: [String: StepState] = [:]
        /// Steps that are tried again whenever they have failed.
        var retried: Set<StepID> = []
        /// What a request to join is answered with, although the join works.
        var joinAnswer: Reply.Body?
        /// What a controller's kubeconfig says.
        var kubeconfig = StageStand.kubeconfig
        /// What every log and every diagnosis says; an agent without knows no such request.
        var journal: String?
        /// Joins that only look as if they worked.
        var lostJoins = 0
        /// `node/step` each time that a step was made right.
        var applied: [String] = []
        /// As above, with `node gets generation` each time that a node took a new spec.
        var story: [String] = []
        /// What each ticket is good for: the controller that minted it.
        var tickets: [String: NodeName] = [:]
        var minted = 0
        /// `node through controller` for each join that worked.
        var joins: [String] = []
        /// Who was asked to have a member forgotten, each time.
        var removers: [NodeName] = []
        var boots = 0
        /// Machines in the order in which they became members, by what they booted as.
        var joinedMachines: [String] = []
        /// What each machine has obeyed, in its order, by what it booted as.
        var obeyed: [String: [Fence]] = [:]
    }

    private let state = Mutex(State())
    private let fake: FakeWorld
    private let cluster: FakeCluster

    init(_ fake: FakeWorld, _ cluster: FakeCluster) {
        self.fake = fake
        self.cluster = cluster
    }

    func look<Value: Sendable>(_ body: (State) -> Value) -> Value { state.withLock { body($0) } }
    func change(_ body: (inout State) -> Void) { state.withLock { body(&$0) } }

    // MARK: Machines

    /// A machine was made, or is no more.
    func machine(_ node: NodeName, _ action: Change.Action) async {
        guard action == .create else {
            // A control plane forgets nobody by itself.
            let wasMember = look { $0.agents[node]?.hasJoined == true }
            cluster.change { state in
                if wasMember, !state.emptied.contains(node.rawValue) {
                    state.endedFull.append(node.rawValue)
                }
                state.drains.append("end \(node)")
                state.unready.insert(node.rawValue)
            }
            let link = state.withLock { state in
                state.agents[node] = nil
                return state.links.removeValue(forKey: node)
            }
            await link?.close()
            return
        }
        change {
            $0.boots += 1
            $0.agents[node] = Agent(bootID: "boot-\($0.boots)")
        }
        await dial(node)
    }

    /// A coordinator listens; every agent dials it.
    func attach(_ downlinks: Downlinks) async {
        change { $0.downlinks = downlinks }
        for node in look({ $0.agents.keys.sorted() }) { await dial(node) }
    }

    /// The coordinator is gone.
    func detach() async {
        let (links, serving) = state.withLock { state in
            defer {
                state.downlinks = nil
                state.links = [:]
                state.serving = []
                for node in state.agents.keys {
                    state.agents[node]?.told = nil
                    state.agents[node]?.welcome = nil
                }
            }
            return (state.links, state.serving)
        }
        for link in links.values { await link.close() }
        for task in serving { await task.value }
    }

    /// A machine's agent dials after all.
    func wake(_ node: NodeName) async {
        change { _ = $0.silent.remove(node) }
        await dial(node)
    }

    /// A machine goes down: its link ends and it dials no more.
    func fall(_ node: NodeName) async {
        let link = state.withLock { state in
            state.silent.insert(node)
            state.agents[node]?.told = nil
            return state.links.removeValue(forKey: node)
        }
        await link?.close()
        while await look({ $0.downlinks })?.connected().contains(node) == true {
            await Task.yield()
        }
    }

    private func dial(_ node: NodeName) async {
        let found = look { ($0.downlinks, $0.agents[node], $0.silent.contains(node)) }
        guard let downlinks = found.0, let agent = found.1, !found.2 else { return }
        let link = AgentLink(node) { [weak self] in self?.hear($0, node) ?? [] }
        change { state in
            state.links[node] = link
            state.serving.append(Task { await downlinks.serve(link) })
        }
        link.say(
            .hello(
                Hello(
                    node: node, agentVersion: "1", bootID: agent.bootID,
                    fence: agent.spec.map(Fence.init(of:)))))
        while look({ $0.agents[node]?.welcome == nil }) { await Task.yield() }
    }

    /// Lets every agent do one more thing, and returns when the coordinator has heard of it.
    func settle() async {
        for (node, link) in look({ $0.links }) {
            for message in state.withLock({ Self.work(node, &$0, self) }) { link.say(message) }
        }
        guard let downlinks = look({ $0.downlinks }) else { return }
        let unheard = look { $0.agents.filter { $0.value.told != nil && !$0.value.isHeard } }
        for node in unheard.keys {
            // It may say more meanwhile: then that is what has to be heard.
            while await downlinks.connected().contains(node),
                let told = look({ $0.agents[node]?.told }),
                await downlinks.status(of: node) != told
            { await Task.yield() }
            let heard = await downlinks.status(of: node)
            change { state in
                if state.agents[node]?.told == heard { state.agents[node]?.isHeard = true }
            }
        }
    }

    // MARK: One agent

    private func hear(_ message: Message, _ node: NodeName) -> [Message] {
        state.withLock { state in
            switch message {
            case .welcome(let welcome):
                state.agents[node]?.welcome = welcome
                return [Self.status(node, &state, fake)]
            case .spec(let spec):
                if state.agents[node]?.take(spec) == true {
                    state.story.append("\(node) gets \(spec.generation)")
                }
                if let agent = state.agents[node], agent.refused == nil {
                    state.obeyed[agent.bootID, default: []].append(Fence(of: spec))
                }
                return [Self.status(node, &state, fake)]
            case .request(let request):
                return [.reply(Reply(id: request.id, body: reply(request.body, node, &state)))]
            default: return []
            }
        }
    }

    private func reply(
        _ request: AgentRequest, _ node: NodeName, _ state: inout State
    ) -> Reply.Body {
        do { try state.agents[node]?.admitRequest() } catch {
            return .failure(Failure(error, trying: "on \(node)"))
        }
        return answer(request, node, &state)
    }

    private func answer(
        _ request: AgentRequest, _ node: NodeName, _ state: inout State
    ) -> Reply.Body {
        switch request {
        case .kubeconfig:
            guard cluster.look({ $0.members.contains(node.rawValue) }) else {
                return .failure(
                    Failure(.unavailable, "reading the kubeconfig: MicroK8s is not running"))
            }
            return .secret(Secret(state.kubeconfig))
        case .mintJoinTicket:
            state.minted += 1
            let token = "token-\(state.minted)"
            state.tickets[token] = node
            let number = Int(node.rawValue.split(separator: "-").last ?? "") ?? 0
            let ticket = JoinTicket(
                controller: "10.42.0.\(9 + number)", token: Secret(token),
                certificate: Digest(unchecked: String(repeating: "c", count: 64)))
            guard let bytes = try? JSON.encode(ticket) else { return .done }
            return .secret(Secret(String(decoding: bytes, as: UTF8.self)))
        case .logs, .diagnostics:
            return state.journal.map { .text($0) } ?? Self.ignorance
        case .join(let ticket): return join(ticket, node, &state)
        case .removeMember(let member):
            state.removers.append(node)
            return remove(member)
        case .check(let spec):
            let findings = spec.steps.map { Self.finding($0, state.agents[node]) }
            guard let bytes = try? JSON.encode(findings) else { return .done }
            return .text(String(decoding: bytes, as: UTF8.self))
        default: return Self.ignorance
        }
    }

    private static let ignorance = Reply.Body.failure(
        Failure(.unsupported, "answering: a fake agent cannot"))

    /// A ticket admits one node, once, to a control plane that its controller is a member of.
    private func join(
        _ ticket: JoinTicket, _ node: NodeName, _ state: inout State
    ) -> Reply.Body {
        guard let controller = state.tickets.removeValue(forKey: ticket.token.reveal()),
            cluster.look({ $0.members.contains(controller.rawValue) })
        else { return .failure(Failure(.unauthorized, "joining: the ticket is not valid")) }
        if state.lostJoins > 0 {
            state.lostJoins -= 1
        } else {
            state.agents[node]?.hasJoined = true
            state.joinedMachines.append(state.agents[node]?.bootID ?? "")
            state.joins.append("\(node) through \(controller)")
            cluster.change { $0.admit(node.rawValue) }
        }
        return state.joinAnswer ?? .done
    }

    private func remove(_ member: NodeName) -> Reply.Body {
        do {
            try fake.effect("member.remove") { cluster.change { $0.forget(member.rawValue) } }
            return .done
        } catch { return .failure(Failure(error, trying: "removing \(member)")) }
    }

    /// What is right stays so until it is wanted otherwise.
    private static func finding(_ step: StepSpec, _ agent: Agent?) -> StepFinding {
        let had = agent?.spec?.steps.first { $0.id == step.id }
        switch agent?.states[step.id] {
        case .failed(let failure): return StepFinding(id: step.id, verdict: .failed(failure))
        case .converged where had == step: return StepFinding(id: step.id, verdict: .found(.right))
        case .converged:
            let difference = Difference("step", found: "as it was", wanted: "otherwise")
            return StepFinding(
                id: step.id, verdict: .found(.differs([difference])), diff: "-old\n+new")
        default: return StepFinding(id: step.id, verdict: .found(.missing))
        }
    }

    /// Brings the first step that is not right one state further.
    private static func work(
        _ node: NodeName, _ state: inout State, _ agents: FakeAgents
    ) -> [Message] {
        guard let agent = state.agents[node], let spec = agent.spec else { return [] }
        let broken = state.broken
        let endings = state.endings
        func ending(_ id: StepID) -> StepState {
            broken["\(node)/\(id)"] ?? broken["*/\(id)"] ?? endings[id] ?? .converged
        }
        let next = spec.steps.first { step in
            let needs = step.needs.allSatisfy { agent.states[$0] == .converged }
            let isJoin = step.id.rawValue == NodeSpecs.joinStep && !agent.hasJoined
            let isEnded =
                agent.states[step.id] == ending(step.id)
                && !(state.retried.contains(step.id) && agent.isRested(at: agents.fake.clock.now()))
            let hasDrifted = agent.states[step.id]?.drift != nil
            return needs && !isJoin && !isEnded && !hasDrifted
        }
        guard let next else { return [] }
        let ending = ending(next.id)
        let isNew = agent.states[next.id] != .converging(attempt: 1)
        state.agents[node]?.states[next.id] = isNew ? .converging(attempt: 1) : ending
        if !isNew, ending == .converged {
            state.applied.append("\(node)/\(next.id)")
            state.story.append("\(node)/\(next.id)")
            // Whoever joins nobody has a cluster of its own.
            let isFounder = next.body.kind == "microk8s" && spec.join == nil
            agents.cluster.change { cluster in
                if isFounder { cluster.admit(node.rawValue) }
            }
        }
        return [status(node, &state, agents.fake)]
    }

    private static func status(
        _ node: NodeName, _ state: inout State, _ fake: FakeWorld
    ) -> Message {
        let agent = state.agents[node]
        let status = NodeStatus(
            node: node, generation: agent?.spec?.generation ?? 0,
            steps: agent?.spec?.steps.map {
                StepStatus(id: $0.id, state: agent?.states[$0.id] ?? .waiting)
            } ?? [],
            checkedFor: agent?.spec?.run,
            facts: Facts(
                system: "ubuntu 24.04", kernel: "6.8", bootID: agent?.bootID ?? "",
                address: "", instanceID: ""),
            agentVersion: "1", reportedAt: fake.clock.now(), refused: agent?.refused)
        state.agents[node]?.told = status
        state.agents[node]?.isHeard = false
        return .status(status)
    }
}

/// A link whose far end answers at once, so that nothing has to be waited for.
final class AgentLink: Link {
    let peer: Peer?
    let incoming: AsyncThrowingStream<Message, any Error>
    private let inlet: AsyncThrowingStream<Message, any Error>.Continuation
    private let hear: @Sendable (Message) -> [Message]

    init(_ node: NodeName, hear: @escaping @Sendable (Message) -> [Message]) {
        peer = Peer(uri: "spiffe://chat/agent/\(node)", serial: "1", expired: false)
        (incoming, inlet) = AsyncThrowingStream.makeStream(of: Message.self)
        self.hear = hear
    }

    func say(_ message: Message) { inlet.yield(message) }

    func send(_ message: Message) async throws {
        for answer in hear(message) { inlet.yield(answer) }
    }

    func close() async { inlet.finish() }
}
