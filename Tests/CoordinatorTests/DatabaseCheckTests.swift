import Model
import Support
import Testing

@testable import Coordinator

@Suite struct DatabaseCheckTests {
    @Test(
        "a database that Rocket.Chat cannot use stops before Helm, with the cause and a fix",
        arguments: [
            (#"{"error":"Authentication failed."}"#, Failure.Code.unauthorized, "password"),
            (#"{"error":"connect ECONNREFUSED 10.0.0.9:27017"}"#, .unavailable, "reach the hosts"),
            (
                #"{"error":"Invalid connection string \"\#(StageStand.uri)\""}"#, .unavailable,
                "reach the hosts"
            ),
            ("URI malformed: \(StageStand.uri)", .failed, "clientImage"),
            (#"{"version":"8.2.1"}"#, .invalid, "--replSet"),
            (#"{"set":"rs0","version":"6.0.10"}"#, .unsupported, "upgrade MongoDB to 7.0.0"),
            ("mongosh: not found", .failed, "clientImage"),
        ])
    func refused(printed: String, code: Failure.Code, fix: String) async throws {
        try await withStore { store in
            let (fake, cluster) = try StageStand.prepared()
            cluster.change { $0.database = printed }
            try await StageStand.with(fake, cluster, store: store) { stand in
                let failure = await #expect(throws: Failure.self) {
                    try await App().run(stand.run)
                }
                #expect(failure?.code == code)
                #expect(failure?.fix.contains(fix) == true)
                #expect(failure?.message.contains("s3cret") == false)
                #expect(fake.changes == ["kubectl apply"], "the Secret, and no Helm")
            }
        }
    }

    @Test("it looks with the Secret's URI, in no argument, and takes its pod away")
    func look() async throws {
        try await withStore { store in
            let (fake, cluster) = try StageStand.prepared()
            try await StageStand.with(fake, cluster, store: store) { stand in
                _ = try await App().run(stand.run)
                let pod = try #require(
                    cluster.look { $0.objects.first { $0.kind == "Pod" } })
                #expect(pod.text.contains("image: mongo:8.2"))
                #expect(pod.text.contains("secretKeyRef: {name: jeeves-mongodb, key: mongo-uri}"))
                let deletions = fake.processes.argvs.filter { $0.contains("delete") }
                #expect(deletions.count == 2, "what an earlier run left, and its own")
            }
        }
    }

    @Test("no image, no look")
    func skipped() async throws {
        try await withStore { store in
            let (fake, cluster) = try StageStand.prepared()
            cluster.change { $0.database = "" }
            try await StageStand.with(
                fake, cluster, store: store,
                edits: [("clientImage: mongo:8.2", "clientImage: \"\"")]
            ) { stand in
                let summary = try await App().run(stand.run)
                #expect(summary == "Rocket.Chat 8.6.1")
            }
        }
    }
}
