import Model

/// Where Terraform's state is: a file beside the root module, or an object in S3.
public enum TerraformBackend: Hashable, Sendable {
    case local
    case s3(bucket: String, key: String, region: String)

    /// The file, beside the root module, that tells Terraform; there is none for ``local``.
    public static let file = "backend.tf.json"
    /// The file, beside the root module, in which Terraform notes which backend it has set up.
    public static let noted = ".terraform/terraform.tfstate"
    /// The first version with lock files in S3.
    public static let lockFileMin = Version(1, 10, 0)

    /// What the cluster file wants.
    public init(_ cluster: ClusterSpec) {
        guard let s3 = cluster.terraform.backend.s3 else {
            self = .local
            return
        }
        self = .s3(
            bucket: s3.bucket,
            key: s3.key.isEmpty ? "jeeves/\(cluster.cluster)/terraform.tfstate" : s3.key,
            region: s3.region.isEmpty ? cluster.aws.region : s3.region)
    }

    /// What the note says; without one the state is local. Throws `unsupported` for a backend that
    /// is none of ours, `invalid` for a note that cannot be read.
    public init(noted bytes: [UInt8]?) throws {
        struct Note: Decodable {
            struct Backend: Decodable {
                struct Config: Decodable {
                    let bucket, key, region: String?
                }
                let type: String
                let config: Config
            }
            let backend: Backend?
        }
        let note = try bytes.map {
            try JSON.decode(Note.self, from: $0, what: "Terraform's note of its backend")
        }
        guard let backend = note?.backend else {
            self = .local
            return
        }
        guard backend.type == "s3", let bucket = backend.config.bucket,
            let key = backend.config.key
        else {
            throw Failure(
                .unsupported, "preparing Terraform: its state is kept in \(backend.type)",
                fix: "move it to a local file or to S3 by `terraform init -migrate-state`")
        }
        self = .s3(bucket: bucket, key: key, region: backend.config.region ?? "")
    }

    /// The content of ``file``; nil for ``local``.
    public func content() throws -> [UInt8]? {
        guard case .s3(let bucket, let key, let region) = self else { return nil }
        let s3 = Block.S3(
            bucket: bucket, key: key, region: region, use_lockfile: true, encrypt: true)
        return try JSON.encode(Block(terraform: ["backend": ["s3": s3]]), pretty: true)
    }

    private struct Block: Encodable {
        struct S3: Encodable {
            let bucket, key, region: String
            let use_lockfile, encrypt: Bool
        }
        let terraform: [String: [String: S3]]
    }
}

extension TerraformBackend: CustomStringConvertible {
    public var description: String {
        switch self {
        case .local: "the state folder"
        case .s3(let bucket, let key, _): "s3://\(bucket)/\(key)"
        }
    }
}
