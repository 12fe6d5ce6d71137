import Foundation
import Model
import Outside
import Support
import Testing

@testable import AWS

@Suite struct CredentialsTests {
    private let fake = FakeWorld()
    private let metadata = Endpoint.tcp(host: "169.254.169.254", port: 80)

    private func resolve(_ environment: [String: String]) async throws -> FoundCredentials {
        try await CredentialChain(
            environment: environment.merging(["HOME": "/home/ann"]) { $1 }, folder: "/srv/chat",
            world: fake.world
        ).resolve()
    }

    /// Every place filled in, each with keys that tell where they are from.
    private func fillAll() {
        fillProfiles()
        fake.files.put(
            Array("export AWS_ACCESS_KEY_ID='dotenv'\nAWS_SECRET_ACCESS_KEY=s\nFOO=1\n".utf8),
            at: "/srv/chat/.env", mode: 0o600)
    }

    private func fillProfiles() {
        fake.files["/home/ann/.aws/credentials"] = """
            [default]
            aws_access_key_id = default
            aws_secret_access_key = s
            [staging]
            aws_access_key_id = staging
            aws_secret_access_key = s/=+
            aws_session_token = t
            """
        fake.files["/home/ann/.aws/config"] = """
            # a comment
            [profile staging]
            region = eu-west-1
            s3 =
              region = nested
            [profile process]
            credential_process = "/opt/my tools/keys" --for 'a b' plain\\ text
            [profile sso]
            sso_session = corp
            [profile empty]
            region = eu-west-1
            """
    }

    private func provideRole() {
        fake.network.on("PUT", metadata, "/latest/api/token") { request in
            #expect(request.headers["X-aws-ec2-metadata-token-ttl-seconds"] == "300")
            return HTTPResponse(status: 200, body: Array("imds".utf8))
        }
        let answers = [
            "/latest/meta-data/iam/security-credentials/": "jeeves-coordinator",
            "/latest/meta-data/iam/security-credentials/jeeves-coordinator":
                #"{"Code":"Success","AccessKeyId":"role","SecretAccessKey":"s","Token":"t","#
                + #""Expiration":"2026-01-01T06:00:00Z"}"#,
        ]
        for (target, text) in answers.sorted(by: { $0.key < $1.key }) {
            fake.network.on("GET", metadata, target) { request in
                #expect(request.headers["X-aws-ec2-metadata-token"] == "imds")
                return HTTPResponse(status: 200, body: Array(text.utf8))
            }
        }
    }

    private let keys = ["AWS_ACCESS_KEY_ID": "env", "AWS_SECRET_ACCESS_KEY": "s"]

    @Test("environment, .env, profile and instance role are tried in this order")
    func order() async throws {
        fillAll()
        provideRole()
        let environment = try await resolve(keys.merging(["AWS_PROFILE": "staging"]) { $1 })
        #expect(environment.credentials.accessKeyID == "env")
        #expect(environment.source == "environment")

        let dotEnv = try await resolve(["AWS_PROFILE": "staging"])
        #expect(dotEnv.credentials.accessKeyID == "dotenv")
        #expect(dotEnv.source == "/srv/chat/.env")
        #expect(dotEnv.warnings.isEmpty)

        fake.files["/srv/chat/.env"] = nil
        let staging = try await resolve(["AWS_PROFILE": "staging"])
        #expect(staging.credentials.accessKeyID == "staging")
        #expect(staging.source == "profile staging")
        #expect(staging.credentials.secretAccessKey.reveal() == "s/=+")
        #expect(staging.credentials.sessionToken?.reveal() == "t")
        #expect(try await resolve([:]).credentials.accessKeyID == "default")

        fake.files["/home/ann/.aws/credentials"] = nil
        let role = try await resolve([:])
        #expect(role.credentials.accessKeyID == "role")
        #expect(role.source == "instance role jeeves-coordinator")
        #expect(role.credentials.expires == FakeWorld.start + 6 * 3600)
    }

    @Test("a .env that others can read works and is warned of, without its values")
    func openDotEnv() async throws {
        fake.files.put(
            Array("AWS_ACCESS_KEY_ID=id\nAWS_SECRET_ACCESS_KEY=hunter2".utf8), at: "/srv/chat/.env",
            mode: 0o640)
        let found = try await resolve([:])
        #expect(found.warnings.count == 1)
        #expect(found.warnings.first?.contains("chmod 600 /srv/chat/.env") == true)
        #expect(!"\(found)".contains("hunter2"))
    }

    @Test(
        "one key without the other is an error that names the missing one",
        arguments: ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])
    func half(missing: String) async throws {
        let found = await failure { try await resolve(keys.filter { $0.key != missing }) }
        #expect(found?.code == .invalid)
        #expect(found?.message.contains("\(missing) is not set") == true)
    }

    @Test(
        "credential_process is split into words without a shell and runs with a clean environment")
    func process() async throws {
        fillProfiles()
        fake.processes.on(
            "/opt/my tools/keys",
            prints: #"{"Version":1,"AccessKeyId":"p","SecretAccessKey":"s","SessionToken":"t","#
                + #""Expiration":"2026-01-01T01:00:00.250Z"}"#)
        let found = try await resolve(["SECRET": "x", "AWS_PROFILE": "process"])
        #expect(found.credentials.accessKeyID == "p")
        #expect(found.credentials.expires == FakeWorld.start + 3600.25)
        #expect(
            fake.processes.argvs == [["/opt/my tools/keys", "--for", "a b", "plain text"]])
        #expect(fake.processes.commands.first?.environment["HOME"] == "/home/ann")
        #expect(fake.processes.commands.first?.environment["SECRET"] == nil)
    }

    @Test("what a failed credential_process printed on stdout is not shown")
    func processFails() async throws {
        fillProfiles()
        fake.processes.on("/opt/my tools/keys") { _ in
            Finished(ending: .exited(3), output: "hunter2", errors: "")
        }
        let found = await failure { try await resolve(["AWS_PROFILE": "process"]) }
        #expect(found?.code == .failed)
        #expect(found?.message.contains("exit 3") == true)
        #expect(!"\(found.debugDescription)".contains("hunter2"))
    }

    @Test(
        "profiles that cannot be used say what to type",
        arguments: [
            ("sso", Failure.Code.unsupported, "aws configure export-credentials --profile sso"),
            ("empty", .notFound, "aws configure --profile empty"),
            ("nowhere", .notFound, "aws configure list-profiles"),
        ])
    func unusable(profile: String, code: Failure.Code, fix: String) async throws {
        fillProfiles()
        let found = await failure { try await resolve(["AWS_PROFILE": profile]) }
        #expect(found?.code == code)
        #expect(found?.fix.contains(fix) == true)
    }

    @Test("files are looked for where the variables say")
    func paths() async throws {
        fake.files["/etc/keys"] = "[default]\naws_access_key_id=moved\naws_secret_access_key=s\n"
        let found = try await resolve(["AWS_SHARED_CREDENTIALS_FILE": "/etc/keys"])
        #expect(found.credentials.accessKeyID == "moved")
    }

    @Test("nothing anywhere says where was looked; a dead metadata service is nothing")
    func nothing() async throws {
        fake.network.on("PUT", metadata, "/latest/api/token") { _ in
            throw Failure(.timeout, "no answer")
        }
        let found = await failure { try await resolve([:]) }
        #expect(found?.code == .notFound)
        #expect(found?.message.contains("/srv/chat/.env") == true)
        #expect(fake.network.requests.count == 1)
        _ = await failure { try await resolve(["AWS_EC2_METADATA_DISABLED": "true"]) }
        #expect(fake.network.requests.count == 1)
    }

    @Test("the metadata service is asked where its variable says")
    func metadataEndpoint() async throws {
        let elsewhere = Endpoint.tcp(host: "127.0.0.1", port: 1338)
        fake.network.on("PUT", elsewhere, "/latest/api/token") { _ in HTTPResponse(status: 403) }
        let key = "AWS_EC2_METADATA_SERVICE_ENDPOINT"
        _ = await failure { try await resolve([key: "http://127.0.0.1:1338/"]) }
        #expect(fake.network.requests.map(\.endpoint) == [elsewhere])
        for bad in ["127.0.0.1", "https://x", "http://", "http://x:y", "http://a:1:2"] {
            #expect(await failure { try await resolve([key: bad]) }?.code == .invalid)
        }
    }
}
