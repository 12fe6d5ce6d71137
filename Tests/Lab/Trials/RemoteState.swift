/// Terraform's state moves into a bucket and back again; there too one run keeps another one out.
struct RemoteState {
    private static let bucket = "example-terraform"
    private static let key = "jeeves/chat/terraform.tfstate"
    private static let lock = "\(key).tflock"
    /// What Terraform writes there while it works.
    private static let foreign = """
        {"ID": "5ca1ab1e-0000-4000-8000-000000000000", "Operation": "OperationTypeApply",
         "Info": "", "Who": "somebody@elsewhere", "Version": "1.11.4",
         "Created": "2026-11-28T00:00:00Z", "Path": "\(bucket)/\(key)"}
        """

    let cluster: LiveCluster
    private var bucket: Bucket { Bucket(name: Self.bucket, host: cluster.host) }

    func play(_ verdicts: inout Verdicts) async {
        guard await cluster.begins(cluster.base, &verdicts) else { return }
        var file = cluster.base
        file.bucket = Self.bucket
        await verdicts.expect("a bucket in the file is refused with 7 until a person says so") {
            try await bucket.make()
            try cluster.write(file)
            return try await cluster.jeeves(
                "up", endsWith: 7,
                saying: ["wants it in s3://\(Self.bucket)/\(Self.key)", "`jeeves up --move-state`"])
        }
        await verdicts.expect("up --move-state moves the state there, and changes nothing else") {
            try await moves()
        }
        await verdicts.expect("the object names every machine, and nobody holds its lock") {
            let state = try await bucket.read(Self.key)
            let (keys, machines) = (try await bucket.keys(), try Node.all().map(\.id))
            say("in the bucket: \(keys); machines: \(machines)")
            return machines.allSatisfy(state.contains) && !keys.contains(Self.lock)
        }
        await verdicts.expect("a lock of somebody else keeps a plan out, which names them") {
            try await bucket.write(Self.foreign, as: Self.lock)
            let refused = try await cluster.jeeves(
                "plan", endsWith: 1,
                saying: ["Error acquiring the state lock", "somebody@elsewhere"])
            try await bucket.remove(Self.lock)
            return refused
        }
        await verdicts.expect("without it there is nothing to change still") {
            try await cluster.jeeves("plan", "--detailed-exitcode") == 0
        }
        await verdicts.expect("it comes back to the state folder the same way") {
            try cluster.write(cluster.base)
            return try await moves()
        }
    }

    private func moves() async throws -> Bool {
        let code = try await cluster.jeeves("up", "--move-state")
        let left = try await cluster.jeeves("plan", "--detailed-exitcode")
        return try await cluster.serves(after: code + left)
    }
}
