import Model
import Support

/// What a person wants at some time: an edited cluster file, drawn from a seed.
struct DrawnWish: Hashable {
    private let channel, chat, traefik, connections, batch, canary: Int

    init(_ chance: SeededChance) {
        (channel, chat, traefik) = (chance.number(3), chance.number(3), chance.number(2))
        (connections, batch, canary) = (chance.number(2), 1 + chance.number(2), chance.number(2))
    }

    /// Of the example, with three workers.
    var edits: [(String, String)] {
        [
            ("workers:\n    count: 1", "workers:\n    count: 3"),
            ("channel: 1.34/stable", "channel: 1.\(34 + channel)/stable"),
            ("version: 8.6.1", "version: 8.6.\(1 + chat)"),
            ("version: 3.5.0", "version: 3.5.\(traefik)"),
            ("connectionsMax: 4000", "connectionsMax: \(4000 + connections)"),
            ("batch: 1\n", "batch: \(batch)\n"), ("canary: 1\n", "canary: \(canary)\n"),
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
        /// A person ends the rollout, or lets it rest for a while.
        case aborted(wait: Int)
        case paused(wait: Int)
        /// A machine goes down and comes back later, perhaps after the coordinator has given up.
        case down(node: Int, wait: Int, length: Int)
        /// A step fails wherever it is tried, for a reason of its own or of somebody outside.
        case broken(step: String, isOutside: Bool)
        /// Helm fails, a drain fails, the API server is away for some calls.
        case helm
        case drain
        case outage(wait: Int, calls: Int)
    }

    let wish: DrawnWish
    let trouble: Trouble
}

/// Some turns of one cluster, after which a person has it finished without trouble.
struct Schedule {
    let turns: [Turn]

    /// A person edits now and then, most often before the first turn.
    init(_ chance: SeededChance) {
        var wish = DrawnWish(chance)
        turns = (0...chance.number(3)).map { _ in
            if chance.number(4) == 0 { wish = DrawnWish(chance) }
            return Turn(wish: wish, trouble: Self.trouble(chance))
        }
    }

    private static func trouble(_ chance: SeededChance) -> Turn.Trouble {
        let wait = 1 + chance.number(90)
        return switch chance.number(11) {
        case 0: .none
        case 1, 2: .killedAfter(effect: 1 + chance.number(40))
        case 3: .killedAt(wait: wait)
        case 4: .aborted(wait: wait)
        case 5: .paused(wait: wait)
        case 6: .down(node: 1 + chance.number(3), wait: wait, length: 1 + chance.number(200))
        case 7:
            .broken(
                step: ["haproxy", "microk8s", "certificate"][chance.number(3)],
                isOutside: chance.number(2) == 0)
        case 8: .helm
        case 9: .drain
        default: .outage(wait: wait, calls: 1 + chance.number(5))
        }
    }
}

extension SeededChance {
    /// One of 0, 1, … below `end`.
    func number(_ end: Int) -> Int { Int(fraction() * Double(end)) }
}
