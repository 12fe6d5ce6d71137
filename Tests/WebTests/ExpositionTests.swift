import Support
import Testing

@testable import Coordinator
@testable import Web

@Suite struct ExpositionTests {
    @Test("each metric has help, type and its samples, and labels are escaped")
    func text() {
        let family = Exposition.Family(
            "jeeves_x_total", "How many",
            [.init(3), .init([.init("name", "a\"b\\c\nd"), .init("b", "")], 0.5)], kind: .counter)
        #expect(
            Exposition([family]).text == """
                # HELP jeeves_x_total How many
                # TYPE jeeves_x_total counter
                jeeves_x_total 3.0
                jeeves_x_total{name="a\\"b\\\\c\\nd",b=""} 0.5

                """)
    }

    @Test(
        "no value of a label ends it early, or begins a line",
        arguments: [
            ("a\r\nb", "a\r\\nb"), ("\"\u{301}", "\\\"\u{301}"), ("\\\u{301}", "\\\\\u{301}"),
        ])
    func escaped(value: String, text: String) {
        let family = Exposition.Family("x", "X", [.init([.init("name", value)], 1)])
        let line = Exposition([family]).text.split(separator: "\n").last
        #expect(line.map { Array($0.utf8) } == Array("x{name=\"\(text)\"} 1.0".utf8))
    }

    @Test("the figures of a cluster are what it is")
    func figures() {
        let text = Exposition(Figures(.of(.wrong), .some, now: FakeWorld.start).families).text
        for line in [
            "jeeves_part_state{part=\"chat\",state=\"wrong\"} 1.0",
            "jeeves_part_state{part=\"chat\",state=\"right\"} 0.0",
            "jeeves_rollout_running 0.0", "jeeves_rollout_last_result{result=\"failed\"} 1.0",
            "jeeves_rollout_stage_duration_seconds{stage=\"routes\"} 25.0", "jeeves_links 1.0",
            "jeeves_node_linked{node=\"controller-1\"} 1.0",
            "jeeves_node_steps{node=\"controller-1\",state=\"failed\"} 1.0",
            "jeeves_node_steps{node=\"controller-1\",state=\"right\"} 1.0",
            "process_open_fds 7.0", "jeeves_tunnel_bytes_total 12.0",
            "jeeves_agent_open_fds{node=\"controller-1\"} 9.0",
            "jeeves_haproxy_requests_total{node=\"controller-1\"} 250.0",
            "jeeves_certificate_orders_left{node=\"controller-1\",step=\"certificate\"} 2.0",
        ] {
            #expect(text.contains(line + "\n"), "\(line)")
        }
        let expiry = FakeWorld.start.addingTimeInterval(45 * 86_400).timeIntervalSince1970
        let served = "\njeeves_served_certificate_expiry_timestamp_seconds{"
        #expect(!text.contains(served), "while the edge is wrong nobody was shown one")
        let right = Exposition(Figures(.of(.right), .some, now: FakeWorld.start).families).text
        #expect(right.contains("\(served)name=\"chat.example.org\"} \(expiry)\n"))
    }

    @Test("names and labels follow Prometheus' conventions")
    func conventions() {
        let families = Figures(.of(.right), .some, now: FakeWorld.start).families
        #expect(Set(families.map(\.name)).count == families.count, "no name twice")
        func isName(_ text: String) -> Bool {
            !text.isEmpty && text.allSatisfy { $0.isASCII && ($0.isLowercase || $0 == "_") }
        }
        for family in families {
            #expect(isName(family.name))
            #expect(family.name.hasPrefix("jeeves_") || family.name.hasPrefix("process_"))
            #expect((family.kind == .counter) == family.name.hasSuffix("_total"), "\(family.name)")
            #expect(!family.help.isEmpty && !family.help.hasSuffix("."))
            for sample in family.samples {
                #expect(sample.labels.map(\.name).allSatisfy(isName))
            }
            let series = family.samples.map(\.labels)
            #expect(Set(series).count == series.count, "\(family.name) has one series twice")
        }
    }
}
