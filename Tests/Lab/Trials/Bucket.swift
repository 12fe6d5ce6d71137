/// A bucket of the lab's account, as a person uses one with other tools than Jeeves.
struct Bucket: Sendable {
    private static let program = """
        import boto3, sys
        s3 = boto3.client("s3")
        verb, bucket, *key = sys.argv[1:]
        if verb == "make":
            s3.create_bucket(Bucket=bucket)
            s3.put_bucket_versioning(
                Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        elif verb == "list":
            for one in s3.list_objects_v2(Bucket=bucket).get("Contents", []):
                print(one["Key"])
        elif verb == "read":
            print(s3.get_object(Bucket=bucket, Key=key[0])["Body"].read().decode())
        elif verb == "write":
            s3.put_object(Bucket=bucket, Key=key[0], Body=sys.stdin.buffer.read())
        elif verb == "remove":
            s3.delete_object(Bucket=bucket, Key=key[0])
        """

    let name: String
    let host: Host

    /// Does nothing if it is there.
    func make() async throws { try await ask("make") }

    /// The names of the objects in it.
    func keys() async throws -> [String] {
        try await ask("list").split(separator: "\n").map(String.init)
    }

    func read(_ key: String) async throws -> String { try await ask("read", key) }

    func write(_ text: String, as key: String) async throws {
        try await ask("write", key, input: text)
    }

    func remove(_ key: String) async throws { try await ask("remove", key) }

    @discardableResult
    private func ask(_ verb: String, _ key: String..., input: String? = nil) async throws -> String
    {
        try await Python.inAccount(Self.program, [verb, name] + key, input: input, host: host)
    }
}
