/// `terraform`: where Terraform keeps its state.
public struct TerraformSection: Section {
    /// Nothing in it means a file in the state folder.
    public struct Backend: Section {
        /// A bucket that is there already. Two runs at once are kept apart by a lock file beside
        /// the state.
        public struct S3: Section {
            public var bucket: String
            /// Name of the object; empty means `jeeves/CLUSTER/terraform.tfstate`.
            public var key: String
            /// Where the bucket is; empty means `aws.region`.
            public var region: String

            public enum CodingKeys: String, CodingKey, CaseIterable { case bucket, key, region }

            public init(from decoder: any Decoder) throws {
                let file = try decoder.container(keyedBy: CodingKeys.self)
                bucket = try file.decode(String.self, forKey: .bucket)
                key = try file.decode(.key, or: "")
                region = try file.decode(.region, or: "")
            }
        }

        public var s3: S3?

        public enum CodingKeys: String, CodingKey, CaseIterable { case s3 }
        public static let sections: [CodingKeys: any Section.Type] = [.s3: S3.self]

        public init() { s3 = nil }

        public init(from decoder: any Decoder) throws {
            let file = try decoder.container(keyedBy: CodingKeys.self)
            s3 = try file.decodeIfPresent(S3.self, forKey: .s3)
        }
    }

    public var backend: Backend

    public enum CodingKeys: String, CodingKey, CaseIterable { case backend }
    public static let sections: [CodingKeys: any Section.Type] = [.backend: Backend.self]

    public init() { backend = Backend() }

    public init(from decoder: any Decoder) throws {
        let file = try decoder.container(keyedBy: CodingKeys.self)
        backend = try file.decode(.backend, or: Backend())
    }
}
