import Model
import Support
import Testing

@testable import Coordinator

@Suite struct LayersLookTests {
    @Test("a look inside the cluster keeps the pods and the members behind the layers")
    func sight() async throws {
        let (fake, cluster) = try StageStand.prepared()
        try await withStore { store in
            try await StageStand.with(fake, cluster, store: store) { stand in
                let (layers, sight) = await LayersLook(run: stand.run).insideCluster()
                #expect(layers.map(\.name) == ["cluster", "ingress", "app"])
                #expect(layers.map(\.state) == [.right, .wrong, .wrong])
                #expect(layers.last?.detail == "release rocketchat is not there")
                #expect(sight?.members?.map(\.name) == ["controller-1", "worker-1"])
                #expect(sight?.app?.map(\.name) == ["chat-1"])
                #expect(sight?.app?.flatMap(\.troubles).map(\.why) == ["ImagePullBackOff"])
            }
        }
    }
}
