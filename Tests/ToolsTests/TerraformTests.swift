import Foundation
import Model
import Testing

@testable import Tools

@Suite struct TerraformTests {
    let terraform = Terraform(
        folder: "/srv/tf", environment: ["AWS_REGION": "eu-central-1"],
        secrets: ["AWS_SECRET_ACCESS_KEY": Secret("hunter2")])

    @Test("a plan is saved to a file, and that file is what is applied")
    func planAndApply() {
        #expect(
            terraform.plan().arguments == [
                "-chdir=/srv/tf", "plan", "-input=false", "-json", "-lock-timeout=60s",
                "-out=jeeves.tfplan",
            ])
        #expect(
            terraform.apply().arguments == [
                "-chdir=/srv/tf", "apply", "-input=false", "-json", "-lock-timeout=60s",
                "jeeves.tfplan",
            ])
        #expect(terraform.plan(destroying: true).arguments.last == "-destroy")
        let anew = terraform.plan(
            replacing: [
                NodeName(unchecked: "worker-2"): .worker,
                NodeName(unchecked: "controller-3"): .controller,
            ])
        #expect(
            anew.arguments.suffix(2) == [
                #"-replace=module.controller["controller-3"].aws_instance.this"#,
                #"-replace=module.worker["worker-2"].aws_instance.this"#,
            ])
    }

    @Test("a state is copied only where that was asked for, and looking fetches no provider")
    func initialization() {
        let start = ["-chdir=/srv/tf", "init", "-input=false", "-no-color"]
        #expect(terraform.initialize().arguments == start)
        #expect(terraform.initialize(.anew).arguments == start + ["-reconfigure"])
        #expect(
            terraform.initialize(.moving).arguments == start + ["-migrate-state", "-force-copy"])
        #expect(
            terraform.initialize(.looking).arguments == start + ["-reconfigure", "-plugin-dir=."])
    }

    @Test("a state says whose it is and what it names, and no text is no state")
    func state() throws {
        let text = #"{"version":4,"lineage":"a-b","serial":3,"resources":[{"id":"i-1"}]}"#
        let state = try #require(try TerraformState(text))
        #expect(state.lineage == "a-b" && state.serial == 3 && !state.isEmpty)
        #expect(state.names("i-1") && !state.names("i-"))
        #expect(try TerraformState("\n") == nil)
        let ended = try TerraformState(#"{"lineage":"a-b","serial":9,"resources":[]}"#)
        #expect(ended?.isEmpty == true)
        #expect(throws: Failure.self) { try TerraformState(String(text.dropLast())) }
    }

    @Test("keys reach the child in its environment and nowhere in what prints")
    func secretsStayApart() {
        let command = terraform.apply()
        #expect(command.secrets["AWS_SECRET_ACCESS_KEY"]?.reveal() == "hunter2")
        #expect(!"\(command) \(String(reflecting: command))".contains("hunter2"))
    }

    @Test(
        "events of Terraform 1.11 are understood and everything else is passed over",
        arguments: [
            (
                #"{"type":"planned_change","change":{"resource":{"addr":"aws_vpc.this"},"action":"create"}}"#,
                TerraformEvent.planned(Change(.create, "aws_vpc.this"), reason: "")
            ),
            (
                #"{"type":"apply_start","hook":{"resource":{"addr":"aws_vpc.this"},"action":"create"}}"#,
                .started(address: "aws_vpc.this", action: "create")
            ),
            (
                #"{"type":"apply_complete","hook":{"resource":{"addr":"aws_vpc.this"},"action":"create","elapsed_seconds":12}}"#,
                .completed(address: "aws_vpc.this", seconds: 12)
            ),
            (
                #"{"type":"change_summary","changes":{"add":24,"change":0,"import":0,"remove":1,"operation":"apply"}}"#,
                .summary(add: 24, change: 0, remove: 1)
            ),
            (
                #"{"type":"diagnostic","diagnostic":{"severity":"error","summary":"no","detail":"why","address":"a.b"}}"#,
                .error(summary: "no", detail: "why", address: "a.b")
            ),
        ])
    func eventsAreUnderstood(line: String, event: TerraformEvent) {
        #expect(TerraformEvent(line: line) == event)
    }

    @Test(
        "reads, warnings, unknown kinds and garbage are no events",
        arguments: [
            #"{"type":"apply_start","hook":{"resource":{"addr":"data.x"},"action":"read"}}"#,
            #"{"type":"diagnostic","diagnostic":{"severity":"warning","summary":"hm"}}"#,
            #"{"type":"from_the_future","x":[1]}"#, "not json", "", "{",
        ])
    func othersAreNil(line: String) {
        #expect(TerraformEvent(line: line) == nil)
    }

    @Test("losing a controller's machine, interface or address is told from harmless changes")
    func losses() {
        func loses(_ action: Change.Action, _ address: String) -> Bool {
            Change(action, address).losesController
        }
        #expect(loses(.replace, #"module.controller["controller-1"].aws_instance.this"#))
        #expect(loses(.delete, #"module.controller["controller-1"].aws_eip.this"#))
        #expect(!loses(.update, #"module.controller["controller-1"].aws_instance.this"#))
        #expect(!loses(.delete, #"module.worker["worker-1"].aws_instance.this"#))
        #expect(!loses(.replace, #"module.controller["controller-1"].aws_eip_association.this"#))
    }

    /// The shape is that of Terraform 1.11's format 1.2.
    private static let shown = """
        {"format_version":"1.2","resource_changes":[
         {"address":"aws_instance.a","change":{"actions":["update"],
          "before":{"instance_type":"t3.large","public_ip":"192.0.2.1","tags":{"Name":"a"},
           "root_block_device":[{"volume_size":20,"encrypted":true}],"password":"s3cret",
           "ipv6":null,"groups":["x","y"]},
          "after":{"instance_type":"t3.xlarge","tags":{"Name":"a"},
           "root_block_device":[{"volume_size":40,"encrypted":true}],"password":"n3w",
           "ipv6":null,"groups":["x"]},
          "after_unknown":{"public_ip":true,"tags":{},"groups":[false]},
          "before_sensitive":{"password":true},"after_sensitive":{"password":true}}},
         {"address":"aws_instance.b","change":{"actions":["delete","create"],
          "before":{"ami":"ami-1","id":"i-1"},"after":{"ami":"ami-2"},
          "after_unknown":{"id":true},"before_sensitive":false,"after_sensitive":{}}},
         {"address":"aws_eip.c","change":{"actions":["create"],"before":null,
          "after":{"domain":"vpc"},"after_unknown":{},"before_sensitive":false,
          "after_sensitive":false}}]}
        """

    @Test("a plan's attributes are told with what they mean, and what is sensitive is not")
    func attributes() throws {
        let changes = try TerraformAttributes.detail(
            [
                Change(.update, "aws_instance.a"),
                Change(.replace, "aws_instance.b", effects: [.irreversible]),
                Change(.create, "aws_eip.c"),
            ], from: Self.shown)
        #expect(
            changes[0].diff == """
                -groups: [x, y]
                +groups: [x]
                -instance_type: t3.large
                +instance_type: t3.xlarge
                -password: [redacted]
                +password: [redacted]
                -public_ip: 192.0.2.1
                +public_ip: known after apply
                -root_block_device.0.volume_size: 20
                +root_block_device.0.volume_size: 40
                """)
        #expect(changes.map(\.effects) == [[.restart], [.irreversible], []])
        #expect(changes[1].diff == "-ami: ami-1\n+ami: ami-2")
        #expect(changes[2].diff.isEmpty)
    }

    @Test("what is no plan is refused")
    func noPlan() {
        let told = #expect(throws: Failure.self) {
            try TerraformAttributes.detail([], from: "Error: no plan")
        }
        #expect(told?.code == .invalid)
    }
}
