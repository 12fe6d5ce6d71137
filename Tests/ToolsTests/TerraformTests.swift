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
}
