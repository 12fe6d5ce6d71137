/// EC2 ends the only controller, with the cluster's state on it; it is made anew, and its workers.
struct ControllerLost {
    private static let terminate = """
        import boto3, sys
        boto3.client("ec2").terminate_instances(InstanceIds=sys.argv[1:])
        """

    let cluster: LiveCluster

    func play(_ verdicts: inout Verdicts) async {
        guard await cluster.begins(cluster.base, &verdicts) else { return }
        await verdicts.expect("the only controller and its workers are made anew, and serve") {
            let lost = try Node.machine(of: "controller-1").id
            try await Python.inAccount(Self.terminate, [lost], host: cluster.host)
            try await cluster.wait("the machine is gone", atMost: .seconds(60)) {
                try !Node.all().contains { $0.id == lost }
            }
            let code = try await cluster.jeeves(
                "up", "--replace", "worker-1", "--replace", "worker-2")
            let members = try await cluster.look.members().sorted()
            guard members == ["controller-1"] + LiveCluster.workers else { return false }
            return try await cluster.serves(after: code)
        }
    }
}
