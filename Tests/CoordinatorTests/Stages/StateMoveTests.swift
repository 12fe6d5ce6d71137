import Model
import Outside
import Support
import Testing
import Tools

@testable import Coordinator

/// Terraform's state in a bucket, and on its way there and back.
@Suite struct StateMoveTests {
    private static let bucket = (
        "    # s3:\n    #   bucket: example-terraform", "    s3:\n      bucket: b-tf"
    )
    private static let folder = "\(StageStand.project.state)/terraform"
    private static let file = "\(folder)/\(TerraformBackend.file)"
    private static let noted = """
        {"version": 3, "backend": {"type": "s3", "hash": 3043819092, "config": {
          "bucket": "b-tf", "key": "jeeves/chat/terraform.tfstate", "region": "eu-central-1",
          "acl": null, "encrypt": true, "use_lockfile": true}}}
        """

    private func prepare(
        _ estate: Estate, edits: [(String, String)] = [bucket], moving: Bool = false
    ) async throws -> Terraform.Initialization {
        var way: Terraform.Initialization?
        try await estate.drive(edits: edits, options: RolloutOptions(moveState: moving)) { run in
            way = try StateMove(run).prepare()
        }
        return try #require(way)
    }

    private func expect(
        _ wanted: Terraform.Initialization, of estate: Estate, edits: [(String, String)] = [bucket],
        moving: Bool = false, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let way = try await prepare(estate, edits: edits, moving: moving)
        #expect(way == wanted, sourceLocation: sourceLocation)
    }

    @Test("with nothing to lose it begins in the bucket, with a lock file")
    func anew() async throws {
        try await withEstate { estate in
            estate.fake.files["\(Self.folder)/terraform.tfstate"] = ""
            try await expect(.anew, of: estate)
            let text = estate.fake.files[Self.file]?.filter { !$0.isWhitespace }
            #expect(
                text == #"{"terraform":{"backend":{"s3":{"bucket":"b-tf","encrypt":true,"#
                    + #""key":"jeeves/chat/terraform.tfstate","region":"eu-central-1","#
                    + #""use_lockfile":true}}}}"#)
            estate.fake.files["\(Self.folder)/\(TerraformBackend.noted)"] = Self.noted
            estate.fake.forgetOps()
            try await expect(.plain, of: estate)
            #expect(estate.fake.ops.isEmpty)
        }
    }

    @Test("a state that exists moves only if a person said so, there and back")
    func moving() async throws {
        try await withEstate { estate in
            let state = "\(Self.folder)/terraform.tfstate"
            estate.fake.files[state] = #"{"version":4,"serial":7}"#
            let refusal = Sentence(
                .conflict,
                "its state is in the state folder, and the cluster file wants it in "
                    + "s3://b-tf/jeeves/chat/terraform.tfstate", fix: "`jeeves up --move-state`")
            await refusal.check { try await prepare(estate) }
            #expect(estate.fake.files[Self.file] == nil)
            try await expect(.moving, of: estate, moving: true)
            #expect(estate.fake.files[Self.file] != nil)

            estate.fake.files[state] = ""
            estate.fake.files["\(Self.folder)/\(TerraformBackend.noted)"] = Self.noted
            await Sentence(
                .conflict,
                "its state is in s3://b-tf/jeeves/chat/terraform.tfstate, and the "
                    + "cluster file wants it in the state folder", fix: "--move-state"
            ).check { try await prepare(estate, edits: []) }
            try await expect(.moving, of: estate, edits: [], moving: true)
            #expect(estate.fake.files[Self.file] == nil)
        }
    }

    @Test("a bucket without the state of machines that are there makes none of them twice")
    func wrongPlace() async throws {
        try await withEstate { estate in
            try await estate.run(upTo: .provision)
            let made = estate.terraform.look(\.made)
            estate.terraform.change { $0.made = [] }
            let note = "\(Self.folder)/\(TerraformBackend.noted)"
            estate.fake.files[note] = "{}"
            try await estate.stops(
                Provision(), edits: [Self.bucket],
                Sentence(
                    .conflict, "names none of the cluster's machines",
                    fix: "mend `terraform.backend`"))
            #expect(estate.fake.files[note] == nil)
            estate.terraform.change { $0.made = made }
            #expect(try await estate.says(Provision(), edits: [Self.bucket]) == nothingToDo)
        }
    }

    @Test("a note of another backend, or one that cannot be read, stops it")
    func notes() async throws {
        try await withEstate { estate in
            let path = "\(Self.folder)/\(TerraformBackend.noted)"
            estate.fake.files[path] = #"{"backend":{"type":"gcs","config":{"bucket":"x"}}}"#
            await Sentence(.unsupported, "its state is kept in gcs", fix: "-migrate-state").check {
                try await prepare(estate)
            }
            estate.fake.files[path] = "{"
            await #expect(throws: Failure.self) { try await prepare(estate) }
            estate.fake.files[path] = #"{"version":3,"terraform_version":"1.11.4"}"#
            try await expect(.plain, of: estate, edits: [])
        }
    }

    @Test("a Terraform without lock files in S3 is refused where a bucket is wanted")
    func version() async throws {
        try await withEstate { estate in
            estate.terraform.change { $0.version = "1.9.8" }
            try await estate.stops(
                Preflight(), edits: [Self.bucket],
                Sentence(
                    .unsupported, "checking Terraform: it is 1.9.8",
                    fix: "install Terraform 1.10.0 or newer"))
            _ = try await estate.says(Preflight())
        }
    }

    @Test(
        "names that no bucket or object can have are refused in the cluster file",
        arguments: [
            ("bucket: b-tf", "bucket: B_TF", "no bucket's name"),
            ("bucket: b-tf", "bucket: ab", "no bucket's name"),
            ("bucket: b-tf", "bucket: b-tf\n      key: /x", "no object's name"),
            ("bucket: b-tf", "bucket: b-tf\n      region: here", "not an AWS region"),
            ("bucket: b-tf", "key: x", "bucket is missing"),
        ])
    func names(right: String, wrong: String, said: String) throws {
        let failure = #expect(throws: Failure.self) {
            try exampleCluster([Self.bucket, (right, wrong)])
        }
        #expect(failure?.message.contains(said) == true, "\(failure?.message ?? "")")
    }
}
