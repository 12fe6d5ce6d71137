import FoundationEssentials
import Model
import Support
import Testing

@testable import Coordinator
@testable import Tools

/// From the symptom to the cause.
@Suite struct BlameTests {
    private func chains(_ known: Knowledge, _ target: String? = nil) throws -> [[String]] {
        try Blame(Picture(known)).chains(target).map { $0.map(\.id.description) }
    }

    /// The chat is down because a pod cannot fetch its image on a full disk.
    private func fullDisk() -> Knowledge {
        var known = Knowledge.healthy().with(layers: ["edge": .wrong, "app": .wrong])
        known.sight?.members?[2].troubles = ["DiskPressure: kubelet has disk pressure"]
        known.sight?.app?[0] = .init(
            name: "chat-ddp-streamer", ready: 0, all: 1,
            troubles: [.init(pod: "ddp-1", node: "worker-2", why: "ErrImagePull, no space left")])
        return known
    }

    @Test("nothing wrong leads nowhere")
    func healthy() throws {
        #expect(try chains(.healthy()).isEmpty)
        #expect(try chains(.healthy(), "worker-1").isEmpty)
    }

    @Test(
        "the chat is followed to the full disk, however it is called",
        arguments: [nil, "chat", "chat.example.org", "https://chat.example.org/channel/ops"])
    func fullDisk(target: String?) throws {
        let found = try Blame(Picture(fullDisk())).chains(target)
        #expect(
            found.map { $0.map(\.id.description) } == [
                ["chat", "app", "service/chat-ddp-streamer", "node/worker-2"]
            ])
        #expect(found.first?[2].why == "0 of 1 pods ready; ddp-1: ErrImagePull, no space left")
        #expect(found.first?.last?.next == "jeeves kubectl -- describe node worker-2")
    }

    @Test("a node, a stage and a part can be asked about alone")
    func targets() throws {
        #expect(try chains(fullDisk(), "worker-2") == [["node/worker-2"]])
        #expect(try chains(fullDisk(), "worker-1").isEmpty)
        #expect(
            try chains(fullDisk(), "chat-ddp-streamer") == [
                ["service/chat-ddp-streamer", "node/worker-2"]
            ])
        let failed = fullDisk().with(rollout: .settled(.failed))
        #expect(
            try chains(failed, "app") == [
                ["app", "service/chat-ddp-streamer", "node/worker-2"]
            ], "the stage has the same cause and is not told again")
        #expect(
            try chains(Knowledge.healthy().with(rollout: .settled(.failed)), "app") == [
                ["stage/app"]
            ])
    }

    @Test("what is surely wrong counts more than what nobody could be asked about")
    func rank() throws {
        var known = Knowledge.healthy().with(layers: ["edge": .wrong, "dns": .unknown])
        known.links = [worker1, worker2]
        #expect(
            try chains(known, "chat") == [
                [
                    "chat", "record", "haproxy/controller-1", "node/controller-1",
                    "agent/controller-1",
                ]
            ])
    }

    @Test("HAProxy that does not run is the cause, not a certificate that nobody is shown then")
    func stoppedProxy() throws {
        let status = NodeStatus.of(
            controller1, steps: ["haproxy"], state: .drifted(Drift(.missing)))
        let certificate = StepStatus(
            id: StepID(unchecked: "certificate"),
            state: .failed(Failure(.failed, "reloading haproxy.service: it does not run")))
        let known = Knowledge.healthy().with(
            layers: ["edge": .wrong],
            nodes: [.of(controller1, .controller, status.with(status.steps + [certificate]))])
        #expect(
            try chains(known) == [["chat", "haproxy/controller-1"], ["certificate/controller-1"]])
    }

    @Test("each cause is told once, also what is wrong below a chat that is right")
    func several() throws {
        var known = Knowledge.healthy().with(layers: ["dns": .wrong])
        known.links = [controller1, worker1]
        #expect(
            try chains(known) == [["record"], ["node/worker-2", "agent/worker-2"]])
    }

    @Test("a name that is not there is answered with those that are")
    func unknown() throws {
        let failure = #expect(throws: Failure.self) { try chains(.healthy(), "worker-7") }
        #expect(failure?.code == .notFound)
        #expect(failure?.fix.contains("node/worker-2") == true)
    }
}
