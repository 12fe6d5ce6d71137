import Model
import Testing

@testable import Tools

@Suite struct PodTroublesTests {
    @Test("each pod that is not ready has one sentence with the container and the reason")
    func pods() throws {
        let text = """
            {"items":[
              {"metadata":{"name":"fine"},"status":{"phase":"Running",
               "containerStatuses":[{"name":"a","ready":true,"state":{"running":{}}}]}},
              {"metadata":{"name":"done"},"status":{"phase":"Succeeded",
               "containerStatuses":[{"name":"a","ready":false,
                 "state":{"terminated":{"reason":"Completed","exitCode":0}}}]}},
              {"metadata":{"name":"pull"},"status":{"phase":"Pending",
               "containerStatuses":[{"name":"a","ready":false,
                 "state":{"waiting":{"reason":"ImagePullBackOff","message":"Back-off"}}}]}},
              {"metadata":{"name":"crash"},"status":{"phase":"Running",
               "containerStatuses":[{"name":"b","ready":false,
                 "state":{"waiting":{"reason":"CrashLoopBackOff"}},
                 "lastState":{"terminated":{"reason":"Error","exitCode":3}}}]}},
              {"metadata":{"name":"nowhere"},"status":{"phase":"Pending",
               "conditions":[{"type":"PodScheduled","status":"False",
                              "message":"0/2 nodes: Insufficient memory"}]}}]}
            """
        #expect(
            try PodTroubles.pods(text) == [
                "pull/a: ImagePullBackOff, Back-off", "crash/b: CrashLoopBackOff, exit 3",
                "nowhere: not PodScheduled: 0/2 nodes: Insufficient memory",
            ])
    }

    @Test("only the newest warnings are shown, each bounded and on one line")
    func events() throws {
        let long = String(repeating: "x", count: 10_000)
        let items = (1...9).map { number in
            """
            {"involvedObject":{"name":"p\(number)"},"reason":"Failed",
             "message":"a\\n\(long)","lastTimestamp":"2026-01-01T00:00:0\(10 - number)Z"}
            """
        }
        let found = try PodTroubles.events(#"{"items":[\#(items.joined(separator: ","))]}"#)
        #expect(found.count == PodTroubles.sentencesMax)
        #expect(found.last?.hasPrefix("p1: Failed: a xxx") == true)
        #expect(found.allSatisfy { $0.utf8.count <= PodTroubles.sentenceBytesMax + 3 })
    }

    @Test("anything but a list is refused")
    func garbage() {
        #expect(throws: Failure.self) { try PodTroubles.pods("No resources found") }
        #expect(throws: Failure.self) { try PodTroubles.events("") }
    }
}
