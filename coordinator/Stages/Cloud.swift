import AWS
import Model
import Outside
import Trust

/// One AWS identity for everything: the same keys sign our own calls and go to Terraform.
struct Cloud: Sendable {
    /// Where the credentials were found, for a person: "environment", "profile staging".
    let source: String
    let route53: Route53
    let sts: STS
    let ec2: EC2
    /// What Terraform gets besides the keys: region and endpoint.
    let childEnvironment: [String: String]
    let childSecrets: [String: Secret]
    /// Asks one name server past every cache.
    let nameServer: @Sendable (DomainName, String) async throws -> [String]

    /// Throws `notFound` or `unsupported` with what to type when there are no usable credentials.
    static func connect(
        _ spec: ClusterSpec, environment: [String: String], project: Project, world: World,
        say: @Sendable (String) -> Void
    ) async throws -> Cloud {
        let chain = CredentialChain(
            environment: environment, folder: project.folder, world: world)
        let found = try await chain.resolve()
        for warning in found.warnings { say("note: \(warning)") }
        var child = Dictionary(
            uniqueKeysWithValues: Self.passedOn.compactMap { key in
                environment[key].map { (key, $0) }
            })
        child["AWS_REGION"] = spec.aws.region
        child["AWS_DEFAULT_REGION"] = spec.aws.region
        child["AWS_EC2_METADATA_DISABLED"] = "true"
        if let endpoint = environment["AWS_ENDPOINT_URL"] {
            say("note: AWS_ENDPOINT_URL is set: every AWS call goes to \(endpoint)")
        }
        var secrets = [
            "AWS_ACCESS_KEY_ID": Secret(found.credentials.accessKeyID),
            "AWS_SECRET_ACCESS_KEY": found.credentials.secretAccessKey,
        ]
        secrets["AWS_SESSION_TOKEN"] = found.credentials.sessionToken
        let client = AWSClient(
            credentials: found.credentials, region: spec.aws.region,
            endpoint: environment["AWS_ENDPOINT_URL"], world: world,
            transport: CurlTransport(options: .init(rootsFile: environment["AWS_CA_BUNDLE"])),
            renew: { try await chain.resolve().credentials })
        return Cloud(
            source: found.source, route53: Route53(client: client), sts: STS(client: client),
            ec2: EC2(client: client),
            childEnvironment: child, childSecrets: secrets,
            nameServer: { domain, server in
                try await DNS.addresses(of: domain, at: server, chance: world.chance)
            })
    }

    /// Settings of a person's environment that Terraform and its provider need; nothing else is.
    private static let passedOn = [
        "HOME", "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy", "TF_CLI_CONFIG_FILE",
        "TF_PLUGIN_CACHE_DIR", "AWS_ENDPOINT_URL", "AWS_MAX_ATTEMPTS", "AWS_CA_BUNDLE",
    ]

    func caller() async throws -> CallerIdentity { try await sts.caller() }

    /// A records that one name server gives for `domain`; none if it says that there are none.
    func lookup(_ domain: DomainName, at server: String) async throws -> [String] {
        do { return try await nameServer(domain, server) } catch let failure as Failure
            where failure.code == .notFound
        {
            return []
        }
    }
}
