import Model
import Outside
import Synchronization
import Testing

@testable import Coordinator

@Suite struct TerraformLogTests {
    @Test("errors of an apply become one failure that names the resource and what to do next")
    func errors() {
        let log = TerraformLog()
        let event = #"""
            {"type":"diagnostic","diagnostic":{"severity":"error","summary":"no such role",
            "detail":"gone","address":"aws_iam_role.node"}}
            """#
        log.note(event)
        let failure = log.failure("applying the plan", Finished(ending: .exited(1)))
        #expect(
            failure.message
                == "applying the plan with Terraform: aws_iam_role.node: no such role: gone")
        #expect(failure.fix.contains("jeeves up"))
    }

    @Test("an apply tells what it makes and how far it is; what is replaced counts twice")
    func progress() {
        let told = Mutex<[Activity]>([])
        let log = TerraformLog(
            applying: [Change(.create, "aws_vpc.this"), Change(.replace, "aws_eip.this")]
        ) { activity in told.withLock { $0.append(activity) } }
        func hook(_ type: String, _ address: String) -> String {
            #"{"type":"apply_\#(type)","hook":{"resource":{"addr":"\#(address)"},"#
                + #""action":"create","elapsed_seconds":12}}"#
        }
        log.note(hook("start", "aws_vpc.this"))
        log.note(hook("start", "aws_eip.this"))
        log.note(hook("complete", "aws_vpc.this"))
        log.note(hook("errored", "aws_eip.this"))
        let activities = told.withLock { $0 }
        #expect(
            activities.map(\.text) == [
                "aws_vpc.this", "aws_eip.this and 1 more", "aws_eip.this", "",
            ])
        #expect(activities.map(\.done) == [0, 0, 1, 1])
        #expect(activities.allSatisfy { $0.total == 3 })
        #expect(activities.flatMap(\.lines) == ["aws_vpc.this done after 12s"])
    }

    @Test("a flood of errors is bounded")
    func flood() {
        let log = TerraformLog()
        for _ in 0..<10_000 {
            log.note(
                #"{"type":"diagnostic","diagnostic":{"severity":"error","summary":"again"}}"#)
        }
        #expect(log.failure("planning", Finished(ending: .exited(1))).message.utf8.count < 2500)
    }

    @Test("without an error event the child's own last line is told")
    func silent() {
        let failure = TerraformLog()
            .failure("planning", Finished(ending: .exited(1), errors: "state lock held\n"))
        #expect(failure.message.contains("state lock held"))
    }

    @Test("outputs become machines, and anything else is refused")
    func outputs() throws {
        let text = """
            {"account_id":{"value":"123456789012"},"role_name":{"value":"jeeves-chat"},
             "vpc_id":{"value":"vpc-1"},
             "nodes":{"value":{
               "controller-1":{"role":"controller","instance_id":"i-1","private_ip":"10.42.0.10",
                               "public_ip":"203.0.113.10"},
               "worker-1":{"role":"worker","instance_id":"i-2","private_ip":"10.42.0.4",
                           "public_ip":null}}}}
            """
        let found = try TerraformOutputs.infrastructure(text)
        #expect(found.edgeAddress == "203.0.113.10")
        #expect(found.nodes(.worker) == [NodeName(unchecked: "worker-1")])
        #expect(throws: Failure.self) { try TerraformOutputs.infrastructure("{}") }
    }
}
