import FoundationEssentials
import Model
import Outside
import Store
import Support
import Testing

@testable import Coordinator

/// What one driving start leaves to the next.
@Suite(.timeLimit(.minutes(2))) struct SuccessionTests {
    @Test("a rollout whose coordinator was killed is interrupted as soon as another one begins")
    func killed() async throws {
        try await Fleet.with { fleet in
            let start = fleet.fake.clock.now()
            try await fleet.drive { driver in
                var rollout = Rollout(
                    id: driver.run.driving.run, epoch: driver.run.driving.epoch, startedAt: start)
                rollout.stages = [Rollout.Progress(stage: .provision, startedAt: start)]
                try Rollouts(driver.run.store).save(rollout)
            }
            fleet.fake.clock.advance(by: .seconds(60))
            try await fleet.drive { driver in
                let rollout = try Rollouts(driver.run.store).last()
                #expect(rollout?.state == .interrupted)
                #expect(rollout?.endedAt == start.addingTimeInterval(60))
                #expect(rollout?.stages.map(\.state) == [.interrupted])
            }
        }
    }

    @Test("a coordinator that lost its claim unnoticed can write nothing more")
    func outrun() async throws {
        try await Fleet.with { fleet in
            try await fleet.drive { driver in
                let (store, clock) = (driver.run.store, driver.run.world.clock)
                try store.put(.meta, "test", 1)
                let others = try Store.open(path: driver.run.project.store)
                // As after a long sleep of this machine: for the others the claim was over.
                _ = try others.acquireLease(
                    holder: "ann@desk", now: clock.now().addingTimeInterval(60), ttl: Tenure.ttl)
                let late = Result { try store.put(.meta, "test", 2) }
                let failure = #expect(throws: Failure.self) { try late.get() }
                #expect(failure?.code == .locked)
                let token = Result {
                    try Tokens(store).make(
                        for: NodeName(unchecked: "worker-1"), lifetime: .seconds(60),
                        now: clock.now(), chance: driver.run.world.chance)
                }
                #expect(throws: Failure.self) { try token.get() }
                let kept = try others.get(Int.self, .meta, "test")
                #expect(kept == 1)
            }
        }
    }
}
