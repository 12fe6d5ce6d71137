import Model
import Support

/// What a person wants at some time: an edited cluster file, drawn from a seed.
struct DrawnWish: Hashable {
    let workers: Int
    /// How many of them may change at once.
    let batch: Int
    private let channel, chat, traefik, connections, canary, addons, stableSeconds: Int

    init(_ chance: SeededChance) {
        (channel, chat, traefik) = (chance.number(3), chance.number(3), chance.number(2))
        (connections, batch, canary) = (chance.number(2), 1 + chance.number(2), chance.number(2))
        workers = chance.number(3) == 0 ? 2 : 3
        (addons, stableSeconds) = (chance.number(2), chance.number(4) == 0 ? 30 : 5)
    }

    var edits: [(String, String)] {
        let addon = addons == 0 ? "" : ", metrics-server"
        return [
            ("workers:\n    count: 1", "workers:\n    count: \(workers)"),
            ("channel: 1.34/stable", "channel: 1.\(34 + channel)/stable"),
            ("hostpath-storage, rbac]", "hostpath-storage, rbac\(addon)]"),
            ("version: 8.6.1", "version: 8.6.\(1 + chat)"),
            ("version: 3.5.0", "version: 3.5.\(traefik)"),
            ("connectionsMax: 4000", "connectionsMax: \(4000 + connections)"),
            ("batch: 1\n", "batch: \(batch)\n"), ("canary: 1\n", "canary: \(canary)\n"),
            ("stableSeconds: 30", "stableSeconds: \(stableSeconds)"),
        ]
    }
}

/// One `jeeves up`, and what goes wrong in it.
struct Turn {
    enum Trouble: Hashable {
        case none
        /// The coordinator dies right after this effect, or at this wait.
        case killedAfter(effect: Int)
        case killedAt(wait: Int)
        /// It is stuck at this wait while another one takes its place and comes to its end.
        case overtaken(wait: Int)
        /// A person ends the rollout, or lets it rest for a while.
        case aborted(wait: Int)
        case paused(wait: Int)
        /// A machine goes down and comes back later, perhaps after the coordinator has given up.
        case down(node: NodeName, wait: Int, length: Int)
        /// EC2 has no room for a machine.
        case refused(node: NodeName)
        /// A step fails wherever it is tried, for a reason of its own or of somebody outside.
        case broken(step: String, isOutside: Bool)
        /// Helm says that it failed, which may be a lie.
        case helm(isLie: Bool)
        /// A join says the opposite of what became of it, once.
        case join(isLost: Bool)
        /// A drain fails, the API server is away for some calls.
        case drain
        case outage(wait: Int, calls: Int)
    }

    let wish: DrawnWish
    /// What is named by `--replace`.
    let replaced: Set<NodeName>
    let trouble: Trouble
}

/// Some turns of one cluster, after which a person has it finished without trouble.
struct Schedule {
    /// What a copy of the state folder makes of the cluster before all of them, if there is one.
    let copied: DrawnWish?
    let turns: [Turn]

    /// A person edits now and then, most often before the first turn.
    init(_ chance: SeededChance) {
        copied = chance.number(8) == 0 ? DrawnWish(chance) : nil
        var wish = DrawnWish(chance)
        turns = (0...chance.number(3)).map { _ in
            if chance.number(4) == 0 { wish = DrawnWish(chance) }
            let replaced: Set<NodeName> = chance.number(6) == 0 ? [Self.worker(chance)] : []
            return Turn(wish: wish, replaced: replaced, trouble: Self.trouble(chance))
        }
    }

    private static func worker(_ chance: SeededChance) -> NodeName {
        NodeName(unchecked: "worker-\(1 + chance.number(3))")
    }

    private static func trouble(_ chance: SeededChance) -> Turn.Trouble {
        let wait = 1 + chance.number(90)
        return switch chance.number(15) {
        case 0: .none
        case 1, 2: .killedAfter(effect: 1 + chance.number(40))
        case 3: .killedAt(wait: wait)
        case 4: .overtaken(wait: wait)
        case 5: .aborted(wait: wait)
        case 6: .paused(wait: wait)
        case 7, 8: .down(node: worker(chance), wait: wait, length: 1 + chance.number(200))
        case 9: .refused(node: worker(chance))
        case 10:
            .broken(
                step: ["haproxy", "microk8s", "certificate"][chance.number(3)],
                isOutside: chance.number(2) == 0)
        case 11: .helm(isLie: chance.number(2) == 0)
        case 12: .join(isLost: chance.number(2) == 0)
        case 13: .drain
        default: .outage(wait: wait, calls: 1 + chance.number(5))
        }
    }
}

extension SeededChance {
    /// One of 0, 1, … below `end`.
    func number(_ end: Int) -> Int { Int(fraction() * Double(end)) }
}
