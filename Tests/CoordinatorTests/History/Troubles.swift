import Model
import Support

@testable import Coordinator

/// What goes wrong around a coordinator, without anybody who wants it.
struct Troubles {
    let estate: Estate

    /// Lets it go wrong in the next drive.
    func arrange(_ trouble: Turn.Trouble) {
        let estate = estate
        switch trouble {
        case .none, .aborted, .paused, .overtaken: break
        case .killedAfter(let effect): estate.fake.crash(after: effect)
        case .killedAt(let wait): estate.after(waits: wait) { estate.fake.kill() }
        case .down(let node, let wait, let length):
            estate.after(waits: wait) { await estate.agents.fall(node) }
            estate.after(waits: wait + length) { await estate.agents.wake(node) }
        case .refused(let node):
            let address = "module.worker[\"\(node)\"].aws_instance.this"
            estate.terraform.change { $0.breaksAt = address }
        case .broken(let step, let isOutside):
            let failure = Failure(isOutside ? .unavailable : .failed, "trying: it does not work")
            estate.agents.change { $0.broken["*/\(step)"] = .failed(failure) }
        case .helm(let isLie):
            let error = "Error: context deadline exceeded"
            estate.cluster.change {
                ($0.upgradeError, $0.upgradeLie) = isLie ? (nil, error) : (error, nil)
            }
        case .join(let isLost):
            let answer = Failure(.timeout, "no answer within 7m 00s")
            estate.agents.change {
                if isLost { $0.lostJoins = 1 } else { $0.joinAnswer = .failure(answer) }
            }
        case .drain:
            estate.cluster.change { $0.drainError = "error when evicting pods" }
        case .outage(let wait, let calls):
            estate.after(waits: wait) { estate.cluster.change { $0.outages = calls } }
        }
    }

    /// Nothing goes wrong any more.
    func mend() async {
        estate.fake.restart()
        estate.forgetWaits()
        estate.terraform.change { $0.breaksAt = nil }
        estate.agents.change { ($0.broken, $0.lostJoins, $0.joinAnswer) = ([:], 0, nil) }
        estate.cluster.change {
            ($0.upgradeError, $0.upgradeLie, $0.drainError, $0.outages) = (nil, nil, nil, 0)
        }
        for node in estate.agents.look(\.silent) { await estate.agents.wake(node) }
    }
}
