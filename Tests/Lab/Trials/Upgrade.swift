/// Every layer is upgraded while people use the chat, and what they lose is counted.
struct Upgrade {
    /// A new pod is asked whether it is ready ten seconds after its start, so that a service
    /// without any instance is away for longer. With two instances there always is one.
    static let gapMax = 10.0

    let cluster: LiveCluster

    func play(_ verdicts: inout Verdicts) async {
        var file = cluster.base
        file.app = "7.10.4"
        guard await cluster.begins(file, &verdicts) else { return }
        file.app = "8.6.1"
        await change("Rocket.Chat 7.10.4 to 8.6.1", to: file, &verdicts)
        file.traefik = Images.traefikRevision
        await change(
            "Traefik to a stand-in revision (the same program as \(Images.traefikRevision))",
            to: file, &verdicts)
        file.channel = "1.35/stable"
        await change("MicroK8s to another channel (one program for all)", to: file, &verdicts)
    }

    private func change(_ what: String, to file: ClusterText, _ verdicts: inout Verdicts) async {
        var seen: Load.Tally?
        await verdicts.expect("\(what), under load") {
            var code = Int32(-1)
            seen = try await Load(person: cluster.person).beside(what) {
                code = try await cluster.up(to: file)
            }
            return try await cluster.serves(after: code)
        }
        await verdicts.expect("nobody saw an outage (\(Int(Self.gapMax)) s without an answer)") {
            seen.map { $0.gap < Self.gapMax } ?? false
        }
    }
}
