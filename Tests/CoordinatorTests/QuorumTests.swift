import Model
import Testing

@testable import Coordinator

@Suite struct QuorumTests {
    private func name(_ number: Int) -> NodeName { NodeName(unchecked: "controller-\(number)") }

    /// So many controllers, all there but for those.
    private func quorum(
        of count: Int, unready: Set<Int> = [], away: Set<Int> = []
    ) -> Quorum {
        func names(_ without: Set<Int>) -> Set<NodeName> {
            Set((1...count).filter { !without.contains($0) }.map(name))
        }
        return Quorum(members: names([]), ready: names(unready), connected: names(away))
    }

    private func refusal(_ body: () throws -> Void) -> Failure? {
        do {
            try body()
            return nil
        } catch { return error as? Failure }
    }

    @Test("an only controller may change: nobody else keeps the state")
    func alone() {
        #expect(refusal { try quorum(of: 1, unready: [1]).admitChange(of: name(1)) } == nil)
    }

    @Test("with all others there any controller may change, also one that is not right itself")
    func allThere() {
        for count in [3, 5] {
            for number in 1...count {
                let admitted = quorum(of: count, unready: [number], away: [number])
                #expect(refusal { try admitted.admitChange(of: name(number)) } == nil)
            }
        }
    }

    @Test("beside one that is not there none may change, and it is named")
    func oneMissing() {
        let down = refusal { try quorum(of: 3, unready: [3]).admitChange(of: name(1)) }
        #expect(down?.code == .unavailable)
        #expect(down?.message.hasPrefix("changing controller-1: controller-3 is not ready") == true)
        #expect(down?.fix.contains("jeeves up --replace controller-3") == true)
        let away = refusal { try quorum(of: 5, away: [2]).admitChange(of: name(1)) }
        #expect(away?.message.contains("controller-2 is not connected") == true)
    }

    @Test("one of two may not change: the other is no majority")
    func two() {
        let refused = refusal { try quorum(of: 2).admitChange(of: name(2)) }
        #expect(refused?.code == .unavailable)
        #expect(refused?.message.contains("1 of 2 controllers") == true)
    }

    @Test("one that lives may leave while all others are there, down to one")
    func leaves() {
        for count in [2, 3, 5] {
            #expect(refusal { try quorum(of: count).admitLoss(of: name(count)) } == nil)
        }
        let refused = refusal { try quorum(of: 3, unready: [3]).admitLoss(of: name(2)) }
        #expect(refused?.message.hasPrefix("letting controller-2 go: controller-3") == true)
    }

    @Test("one that is dead may leave while the others are a majority without it")
    func dead() {
        #expect(refusal { try quorum(of: 3, unready: [2]).admitLoss(of: name(2)) } == nil)
        let two = quorum(of: 5, unready: [2, 3], away: [2, 3])
        #expect(refusal { try two.admitLoss(of: name(2)) } == nil)
        #expect(refusal { try two.admitLoss(of: name(4)) } != nil, "one that lives stays")
        let three = quorum(of: 5, unready: [2, 3, 4])
        #expect(refusal { try three.admitLoss(of: name(2)) }?.code == .unavailable)
        let pair = refusal { try quorum(of: 2, unready: [2]).admitLoss(of: name(2)) }
        #expect(pair?.message.contains("no majority of 2 controllers") == true)
    }

    @Test("the dead leave first, then the highest number")
    func order() {
        let leaving = [name(2), name(4), name(3)]
        #expect(quorum(of: 5).order(leaving) == [name(4), name(3), name(2)])
        #expect(quorum(of: 5, unready: [2]).order(leaving) == [name(2), name(4), name(3)])
        let left = quorum(of: 3, unready: [3]).without(name(3))
        #expect(left.members == [name(1), name(2)])
        #expect(left.ready == left.members)
    }
}
