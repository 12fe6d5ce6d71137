import Model
import Outside
import Testing

@testable import Tools

@Suite struct KubectlDrainTests {
    private let kubectl = Kubectl(kubeconfig: "/k")
    private let node = NodeName(unchecked: "worker-1")

    @Test("a node is closed and marked in one write, and opened and unmarked in one")
    func patches() throws {
        #expect(
            try kubectl.cordon(node).arguments == [
                "--kubeconfig=/k", "patch", "node", "worker-1", "--type=merge",
                #"--patch={"metadata":{"annotations":{"jeeves/closed":"true"}},"#
                    + #""spec":{"unschedulable":true}}"#,
            ])
        #expect(
            try kubectl.uncordon(node).arguments.last
                == #"--patch={"metadata":{"annotations":{"jeeves/closed":null}},"#
                + #""spec":{"unschedulable":null}}"#)
    }

    @Test("draining evicts all but DaemonSets' pods, forces nothing, leaves a dead kubelet")
    func drain() {
        #expect(
            kubectl.drain(node, timeout: .seconds(300)).arguments == [
                "--kubeconfig=/k", "drain", "worker-1", "--ignore-daemonsets",
                "--delete-emptydir-data", "--skip-wait-for-delete-timeout=60", "--timeout=300s",
            ])
    }

    @Test("a closed node is told from one that we closed")
    func members() throws {
        let members = try Kubectl.members(
            """
            {"items":[
             {"metadata":{"name":"a"},"spec":{"unschedulable":true}},
             {"metadata":{"name":"b","annotations":{"jeeves/closed":"true"}},
              "spec":{"unschedulable":true}},
             {"metadata":{"name":"c"}}]}
            """)
        #expect(members.map { $0.isClosed } == [true, true, false])
        #expect(members.map { $0.isClosedByUs } == [false, true, false])
    }

    @Test("pods that a budget keeps are named once each, and those without an owner")
    func stuck() {
        let kept = Kubectl.stuck(
            Finished(
                ending: .exited(1),
                errors: """
                    node/worker-1 already cordoned
                    error when evicting pods/"nats-1" -n "chat" (will retry after 5s): Cannot evict \
                    pod as it would violate the pod's disruption budget.
                    error when evicting pods/"nats-0" -n "chat" (will retry after 5s): Cannot evict \
                    pod as it would violate the pod's disruption budget.
                    error when evicting pods/"nats-1" -n "chat" (will retry after 5s): Cannot evict \
                    pod as it would violate the pod's disruption budget.
                    There are pending nodes to be drained:
                     worker-1
                    error when evicting pods/"nats-0" -n "chat": global timeout reached: 5m0s
                    """))
        #expect(kept.kept == ["chat/nats-0", "chat/nats-1"])
        #expect(kept.orphans.isEmpty && kept.doubled.isEmpty)
        let orphans = Kubectl.stuck(
            Finished(
                ending: .exited(1),
                errors: """
                    error: unable to drain node "worker-1" due to error: [cannot delete Pods that \
                    declare no controller (use --force to override): chat/shell, default/x], \
                    continuing command...
                    """))
        #expect(orphans.orphans == ["chat/shell", "default/x"])
        #expect(orphans.kept.isEmpty)
    }

    @Test("pods with two budgets are told from those that one keeps")
    func doubled() {
        let stuck = Kubectl.stuck(
            Finished(
                ending: .exited(1),
                errors: """
                    error when evicting pods/"chat-0" -n "chat": This pod has more than one \
                    PodDisruptionBudget, which the eviction subresource does not support.
                    """))
        #expect(stuck.doubled == ["chat/chat-0"])
        #expect(stuck.kept.isEmpty)
    }
}
