import Model
import Outside
import Store
import Support
import Testing

@testable import Coordinator

@Suite struct ProvisionTests {
    @Test("an empty account gets the machines; a second run changes nothing")
    func converges() async throws {
        try await withEstate { estate in
            try await estate.drive { run in
                let planned = try await Provision().plan(run)
                #expect(planned.count == 6)
                #expect(estate.account.look(\.resources).isEmpty, "a plan only reads")
                #expect(try await Provision().run(run) == "6 added, 0 changed, 0 removed")
                let found = try run.infrastructure()
                #expect(found.edgeAddress == "203.0.113.9")
                #expect(found.nodes(.worker).map(\.rawValue) == ["worker-1"])
                #expect(found.account == FakeAccount.number)
                let made = estate.account.look(\.resources)
                estate.fake.forgetOps()
                #expect(try await Provision().run(run) == nothingToDo)
                #expect(try await Provision().plan(run).isEmpty)
                #expect(estate.account.look(\.resources) == made)
                #expect(estate.terraform.look(\.applies) == 1)
                #expect(Set(estate.fake.ops).isDisjoint(with: ["assets.file", "terraform.apply"]))
                #expect(try run.ledger.open().isEmpty)
            }
        }
    }

    @Test("a state with all machines and without outputs gets them by one more apply")
    func outputsMissing() async throws {
        try await withEstate { estate in
            try await estate.run(upTo: .provision)
            let known = try estate.infrastructure()
            let ids = estate.terraform.ids
            estate.terraform.change { $0.outputs = "{}" }
            try estate.store.delete(.meta, StageRun.infrastructureKey)
            try await estate.drive { run in
                let first = try await Provision().run(run)
                #expect(first == "0 added, 0 changed, 0 removed")
                #expect(try run.infrastructure() == known)
                #expect(try await Provision().run(run) == nothingToDo)
            }
            #expect(estate.terraform.ids == ids)
            #expect(estate.terraform.look(\.applies) == 2)
        }
    }

    @Test("the modules and private variables are beside the state; user data holds no secret")
    func folder() async throws {
        try await withEstate { estate in
            try await estate.run(upTo: .provision)
            let folder = "/p/.jeeves/terraform"
            #expect(estate.fake.files["\(folder)/modules/network/main.tf"] == "resource")
            let path = "\(folder)/terraform.tfvars.json"
            #expect(estate.fake.files.mode(of: path) == 0o600)
            #expect(estate.fake.files[path]?.contains("wJalrXUtnFEMI") == false)
            for argv in estate.fake.processes.argvs {
                #expect(!argv.joined().contains("wJalrXUtnFEMI"))
            }
        }
    }

    @Test("a changed cluster file changes the machines in place")
    func differs() async throws {
        try await withEstate { estate in
            try await estate.run(upTo: .provision)
            let ids = estate.terraform.ids
            try await estate.drive(edits: [("t3.large", "t3.xlarge")]) { run in
                let planned = try await Provision().plan(run)
                #expect(planned.map(\.action) == [.update, .update])
                #expect(planned.allSatisfy { $0.diff.hasPrefix("-instance_type: ") })
                #expect(planned.map(\.effects) == [[.restart], [.restart]])
                #expect(try await Provision().run(run) == "0 added, 2 changed, 0 removed")
            }
            #expect(estate.terraform.ids == ids)
        }
    }

    @Test("killed after any of its effects, it ends with one of everything")
    func crashes() async throws {
        try await withEstates { make in
            var estate = try make()
            try await crashMatrix(
                setup: {
                    estate = try make()
                    return estate.fake
                },
                run: { _ in try await estate.drive { _ = try await Provision().run($0) } },
                verify: { _ in
                    try await Self.verifyOneOfEach(estate)
                    #expect(estate.terraform.look(\.applies) <= 2)
                })
        }
    }

    private static func verifyOneOfEach(_ estate: Estate) async throws {
        let kinds = estate.account.look(\.resources).map(\.kind).sorted()
        #expect(kinds == ["elastic-ip", "instance", "instance", "network-interface", "vpc"])
        #expect(try estate.infrastructure()?.machines.count == 2)
        #expect(try Ledger(estate.store).open().isEmpty)
    }

    @Test("a Terraform that outlived its coordinator is awaited, and nothing is made twice")
    func survivor() async throws {
        try await withEstate { estate in
            let address = #"module.controller["controller-1"].aws_eip.this"#
            estate.terraform.change { $0.killsAt = address }
            try await estate.drive { run in
                await #expect(throws: FakeTerraform.Killed.self) { try await Provision().run(run) }
            }
            try await estate.drive { run in
                let child = try #require(run.ledger.open(op: "terraform.apply").first?.child)
                estate.fake.processes.survive(child)
                estate.fake.forgetOps()
                estate.after(waits: 3) {
                    #expect(estate.fake.ops.isEmpty, "nothing begins while it still runs")
                    await estate.terraform.finish()
                    estate.fake.processes.end(child)
                }
                #expect(try await Provision().run(run) == nothingToDo)
            }
            #expect(estate.lines.contains { $0.contains("waiting for the terraform.apply of an") })
            try await Self.verifyOneOfEach(estate)
            #expect(estate.terraform.look(\.applies) == 1)
        }
    }

    @Test("a Terraform that never ends stops the next run with its pid")
    func endlessSurvivor() async throws {
        try await withEstate { estate in
            try await estate.drive { run in
                let child = ChildID(pid: 4711, startTicks: 1)
                estate.fake.processes.survive(child)
                let intent = try run.ledger.begin(
                    "provision", op: "terraform.apply", inputs: run.pin, now: run.world.clock.now())
                try run.ledger.attach(child, to: intent)
                await Sentence(
                    .timeout, "waiting for pid 4711, which an earlier run started",
                    fix: "kill 4711"
                ).check { try await Provision().run(run) }
                #expect(try run.ledger.open().count == 1, "it is still awaited next time")
            }
            #expect(estate.terraform.look(\.applies) == 0)
        }
    }

    @Test("an error in the middle of an apply is told with its resource, and the rest is kept")
    func partial() async throws {
        try await withEstate { estate in
            let address = #"module.worker["worker-1"].aws_instance.this"#
            estate.terraform.change { $0.breaksAt = address }
            try await estate.stops(
                Provision(),
                Sentence(
                    .failed, "applying the plan with Terraform: \(address): ",
                    "operation error EC2: RunInstances: VcpuLimitExceeded",
                    fix: "mend the cause and run `jeeves up` again: what exists already is kept"))
            #expect(try Ledger(estate.store).open().isEmpty)
            let kept = estate.terraform.ids
            #expect(kept.count == 5)
            #expect(try await estate.says(Provision()) == "1 added, 0 changed, 0 removed")
            #expect(estate.terraform.ids.prefix(5) == kept[...])
            try await Self.verifyOneOfEach(estate)
        }
    }

    @Test(
        "a plan that would lose a controller or its address stops with exit 7 and touches nothing",
        arguments: ["aws_instance", "aws_eip", "aws_network_interface"])
    func losses(kind: String) async throws {
        try await withEstate { estate in
            try await estate.run(upTo: .provision)
            let address = "module.controller[\"controller-1\"].\(kind).this"
            estate.terraform.change { $0.tainted = [address] }
            let before = estate.account.look(\.resources)
            let sentence = Sentence(
                .conflict, "planning: this would lose \(address) (replace)",
                fix: "jeeves up --replace controller-1")
            #expect(sentence.code.exitStatus == 7)
            try await estate.stops(Provision(), sentence)
            let other = RolloutOptions(replace: [NodeName(unchecked: "controller-11")])
            try await estate.stops(Provision(), options: other, sentence)
            #expect(estate.account.look(\.resources) == before)
            let named = RolloutOptions(replace: [NodeName(unchecked: "controller-1")])
            let said = try await estate.says(Provision(), options: named)
            #expect(said == "1 added, 0 changed, 1 removed")
        }
    }

    @Test("fewer controllers in the cluster file stop with exit 7 until each is named")
    func fewerControllers() async throws {
        try await withEstate { estate in
            let three = (
                "controllers:\n    # 1, 3 or 5.\n    count: 1", "controllers:\n    count: 3"
            )
            _ = try await estate.says(Provision(), edits: [three])
            let names = ["controller-2", "controller-3"].map(NodeName.init(unchecked:))
            let one = RolloutOptions(replace: [names[0]])
            try await estate.stops(
                Provision(), options: one,
                Sentence(
                    .conflict, #"module.controller["controller-3"].aws_instance.this (delete)"#,
                    #"module.controller["controller-3"].aws_eip.this (delete)"#,
                    fix: "jeeves up --replace controller-2 --replace controller-3"))
            #expect(estate.terraform.ids.count == 12)
            let said = try await estate.says(
                Provision(), options: RolloutOptions(replace: Set(names)))
            #expect(said == "0 added, 0 changed, 6 removed")
        }
    }

    @Test("a worker goes without asking")
    func worker() async throws {
        try await withEstate { estate in
            try await estate.run(upTo: .provision)
            let edit = ("workers:\n    count: 1", "workers:\n    count: 0")
            let said = try await estate.says(Provision(), edits: [edit])
            #expect(said == "0 added, 0 changed, 1 removed")
            #expect(try estate.infrastructure()?.nodes(.worker) == [])
        }
    }

    @Test("what carries our tag and is in no state is told with the command that takes it away")
    func orphans() async throws {
        try await withEstate { estate in
            let lost = FakeAccount.Resource(id: "eipalloc-lost", kind: "elastic-ip")
            estate.account.change { $0.resources = [lost] }
            try await estate.run(upTo: .provision)
            #expect(
                estate.lines.contains {
                    $0.contains("`aws ec2 release-address --allocation-id eipalloc-lost`")
                })
        }
    }

    @Test("destroying proves that nothing is left, and names what is")
    func destroy() async throws {
        try await withEstate { estate in
            try await estate.run(upTo: .provision)
            estate.account.change { $0.resources.append(.init(id: "vol-lost", kind: "volume")) }
            try await estate.drive { run in
                // The second time Terraform has nothing to do, and what is left is still there.
                for _ in 1...2 {
                    await Sentence(
                        .conflict, "proving that nothing is left: ",
                        "`aws ec2 delete-volume --volume-id vol-lost`", fix: "run `jeeves destroy`"
                    ).check { try await Provision().destroy(run) }
                }
                estate.account.change { $0.resources = [] }
                let said = try await Provision().destroy(run)
                #expect(said == nothingToDo)
            }
            #expect(try estate.infrastructure() == nil)
        }
    }

    @Test("destroying takes all of it; what only EC2 remembers is not there any more")
    func destroyed() async throws {
        try await withEstate { estate in
            try await estate.run(upTo: .provision)
            try await estate.drive { run in
                let said = try await Provision().destroy(run)
                #expect(said == "0 added, 0 changed, 6 removed")
            }
            #expect(estate.account.look(\.resources).map(\.isTerminated) == [true, true])
            #expect(try estate.infrastructure() == nil)
        }
    }

    @Test("a machine that was destroyed does not speak for a later one of its name")
    func destroyedForGood() async throws {
        try await withEstate { estate in
            try await estate.run(upTo: .provision)
            let before = try #require(try estate.infrastructure()).machines
            try await estate.drive { _ = try await Provision().destroy($0) }
            let departures = Departures(estate.store)
            for (node, machine) in before {
                let left = try #require(try departures.last(of: node))
                #expect(left.phase == .gone)
                #expect(throws: Failure.self) { try departures.admit(node, issuedAt: left.at) }
                #expect(throws: Failure.self) {
                    try departures.admit(node, instanceID: machine.instanceID)
                }
            }
            #expect(before.count == 2)
        }
    }

    @Test("an error while planning is told, and nothing is applied")
    func planError() async throws {
        try await withEstate { estate in
            estate.terraform.change { $0.planError = "creating AMI lookup: no such image" }
            try await estate.stops(
                Provision(),
                Sentence(
                    .failed, "planning with Terraform: creating AMI lookup: no such image",
                    fix: "run `jeeves up` again"))
            #expect(estate.terraform.look(\.applies) == 0)
        }
    }

    @Test("a Terraform that cannot prepare says how to see all of it")
    func unprepared() async throws {
        try await withEstate { estate in
            estate.fake.processes.on("terraform") { _ in
                Finished(ending: .exited(1), errors: "Error: Failed to query available providers")
            }
            try await estate.stops(
                Provision(),
                Sentence(
                    .failed, "preparing Terraform: exit 1: Error: Failed to query",
                    fix: "terraform -chdir=/p/.jeeves/terraform init"))
        }
    }

    @Test("an incomplete installation is told as such")
    func incomplete() async throws {
        try await withEstate { estate in
            estate.fake.files["\(Assets.installed)/Terraform"] = nil
            try await estate.stops(
                Provision(),
                Sentence(
                    .notFound, "reading /usr/share/jeeves/Terraform", fix: "install the package"))
        }
    }
}
