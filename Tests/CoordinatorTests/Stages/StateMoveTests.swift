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

    private static func state(_ lineage: String, _ serial: Int) -> String {
        #"{"version":4,"lineage":"\#(lineage)","serial":\#(serial),"#
            + #""resources":[{"type":"aws_vpc"}]}"#
    }

    private func prepare(
        _ estate: Estate, edits: [(String, String)] = [bucket], moving: Bool = false
    ) async throws -> Terraform.Initialization {
        var way: Terraform.Initialization?
        try await estate.drive(edits: edits, options: RolloutOptions(moveState: moving)) { run in
            way = try await StateMove(run).prepare()
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
            estate.fake.files[state] = Self.state("ours", 7)
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

    @Test("a state is moved over nothing, or over an older copy of itself, and over nothing else")
    func occupied() async throws {
        try await withEstate { estate in
            estate.fake.files["\(Self.folder)/terraform.tfstate"] = Self.state("ours", 7)
            for other in [Self.state("theirs", 1), Self.state("ours", 8)] {
                estate.terraform.change { $0.elsewhere = other }
                await Sentence(
                    .conflict, "s3://b-tf/jeeves/chat/terraform.tfstate holds another one already",
                    fix: "mend `terraform.backend`"
                ).check { try await prepare(estate, moving: true) }
                #expect(!estate.fake.ops.contains("terraform.backend"))
                #expect(estate.fake.files[Self.file] == nil)
            }
        }
        for older in ["", Self.state("ours", 7)] {
            try await withEstate { estate in
                estate.fake.files["\(Self.folder)/terraform.tfstate"] = Self.state("ours", 7)
                estate.terraform.change { $0.elsewhere = older }
                try await expect(.moving, of: estate, moving: true)
            }
        }
    }

    @Test("a new cluster does not take over what lies in its bucket, wherever a run was killed")
    func foreign() async throws {
        try await withEstate { estate in
            let refusal = Sentence(
                .conflict, "holds resources already, and this cluster has no machines yet",
                fix: "terraform.backend.s3.key")
            estate.terraform.change { $0.elsewhere = Self.state("theirs", 1) }
            await refusal.check { try await prepare(estate) }
            #expect(estate.fake.files[Self.file] == nil)
            // As if Terraform had set up the bucket, and then somebody's had come there.
            estate.fake.files["\(Self.folder)/\(TerraformBackend.noted)"] = Self.noted
            await refusal.check { try await prepare(estate) }
            // Nor may it be taken from there.
            await refusal.check { try await prepare(estate, edits: [], moving: true) }

            estate.terraform.change { $0.elsewhere = nil }
            try await expect(.plain, of: estate)
            // From now on what lies there is its own, however little of it was made.
            estate.terraform.change { $0.elsewhere = Self.state("ours", 1) }
            try await expect(.plain, of: estate)
        }
    }

    @Test("a place that cannot be read stops it with Terraform's own reason")
    func unreadable() async throws {
        try await withEstate { estate in
            estate.fake.processes.on("terraform") { command in
                let isInit = command.arguments.contains("init")
                return Finished(
                    ending: .exited(1), errors: isInit ? "Error: no such bucket" : "not set up")
            }
            await Sentence(
                .failed, "looking at the state in s3://b-tf/", "no such bucket", fix: "init"
            ).check { try await prepare(estate) }
        }
    }

    @Test("a bucket without the state of machines that are there makes none of them twice")
    func wrongPlace() async throws {
        try await withEstate { estate in
            try await estate.run(upTo: .provision)
            let made = estate.terraform.look(\.made)
            estate.terraform.change { $0.made = [] }
            estate.fake.forgetOps()
            try await estate.stops(
                Provision(), edits: [Self.bucket],
                Sentence(
                    .conflict, "names none of the cluster's machines",
                    fix: "mend `terraform.backend`"))
            #expect(!estate.fake.ops.contains("terraform.init"))
            #expect(estate.fake.files[Self.file] == nil)
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
                    .unsupported, "checking Terraform: its version is 1.9.8",
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
