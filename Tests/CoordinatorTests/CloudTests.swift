import Model
import Support
import Testing
import Tools

@testable import Coordinator

@Suite struct CloudTests {
    @Test(
        "children get the proxy by whichever name a person gave it, and nothing that is not listed")
    func proxies() async throws {
        let proxies = ["https_proxy": "http://proxy.example:3128", "no_proxy": "10.0.0.0/8"]
        let others = ["AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "s", "LD_PRELOAD": "x"]
        let cloud = try await Cloud.connect(
            exampleCluster(), environment: proxies.merging(others) { $1 },
            project: StageStand.project, world: FakeWorld().world, say: { _ in })
        let names = Set(cloud.childEnvironment.keys)
        #expect(names.isSuperset(of: proxies.keys))
        #expect(names.isDisjoint(with: others.keys))
        #expect(Helm.proxies(of: cloud.childEnvironment) == proxies)
    }
}
