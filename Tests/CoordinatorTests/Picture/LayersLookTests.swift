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

    @Test("a name without a record is wrong; what cannot be asked for it is unknown")
    func zone() async throws {
        try await withEstate { estate in
            try await estate.run(upTo: .controllers)
            func look() async throws -> [ClusterStatus.Layer] {
                var layers: [ClusterStatus.Layer] = []
                try await estate.drive { layers = try await LayersLook(run: $0).look() }
                return layers.filter { ["dns", "edge"].contains($0.name) }
            }
            estate.account.change { ($0.records, $0.served) = ([], []) }
            let bare = try await look()
            #expect(bare.map(\.state) == [.wrong, .wrong])
            #expect(bare.first?.detail == "chat.example.org -> nothing")
            #expect(bare.last?.detail.contains("its zone has no A record") == true)
            estate.account.change { $0.refusal = (403, "ExpiredToken", "it has expired") }
            let refused = try await look()
            #expect(refused.map(\.state) == [.unknown, .unknown])
            #expect(refused.allSatisfy { $0.detail.contains("ExpiredToken") })
        }
    }
}
