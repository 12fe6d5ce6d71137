/// `aws`: where the cluster lives.
public struct AWSSection: Section {
    public var region: String
    /// The account that the credentials must belong to; empty accepts any.
    public var account: String

    public enum CodingKeys: String, CodingKey, CaseIterable { case region, account }

    public init(from decoder: any Decoder) throws {
        let file = try decoder.container(keyedBy: CodingKeys.self)
        region = try file.decode(String.self, forKey: .region)
        account = try file.decode(.account, or: "")
    }
}

/// `coordinator`: where agents find it.
public struct CoordinatorSection: Section {
    /// `host:port` under which nodes reach the coordinator, tried in order.
    public var addresses: [String]
    /// `address:port` to listen on for agents.
    public var listen: String
    /// Port of the plain HTTP server that serves exactly the agent's package; 0 turns it off.
    public var packagePort: UInt16
    public var statusPage: StatusPageSection

    public enum CodingKeys: String, CodingKey, CaseIterable {
        case addresses, listen, packagePort, statusPage
    }
    public static let sections: [CodingKeys: any Section.Type] = [
        .statusPage: StatusPageSection.self
    ]

    public init(from decoder: any Decoder) throws {
        let file = try decoder.container(keyedBy: CodingKeys.self)
        addresses = try file.decode([String].self, forKey: .addresses)
        listen = try file.decode(.listen, or: "0.0.0.0:7443")
        packagePort = try file.decode(.packagePort, or: 7480)
        statusPage = try file.decode(.statusPage, or: StatusPageSection())
    }
}

/// `agent`: which package first boot installs.
public struct AgentSection: Section {
    /// A Debian package of `jeeves-agent`: a file of this machine (served by the coordinator), or a
    /// URL with its SHA-256.
    public struct Package: Section {
        /// Path of the .deb on the coordinator; the default is the one installed with `jeeves`.
        public var file: String
        /// Where nodes fetch it instead; needs `sha256`.
        public var url: String
        public var sha256: Digest?

        public enum CodingKeys: String, CodingKey, CaseIterable { case file, url, sha256 }

        public init() { (file, url, sha256) = ("", "", nil) }

        public init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            file = try container.decode(.file, or: "")
            url = try container.decode(.url, or: "")
            sha256 = try container.decodeIfPresent(Digest.self, forKey: .sha256)
        }
    }

    public var package: Package

    public enum CodingKeys: String, CodingKey, CaseIterable { case package }
    public static let sections: [CodingKeys: any Section.Type] = [.package: Package.self]

    public init() { package = Package() }

    public init(from decoder: any Decoder) throws {
        let file = try decoder.container(keyedBy: CodingKeys.self)
        package = try file.decode(.package, or: Package())
    }
}

/// `nodes`: how many machines of which size.
public struct NodesSection: Section {
    public struct Group: Section {
        public var count: Int
        public var instanceType: String
        /// Size of the encrypted gp3 root volume in GiB.
        public var diskGiB: Int
        /// AMI to boot; empty takes the newest Ubuntu 24.04 of Canonical.
        public var ami: String

        public enum CodingKeys: String, CodingKey, CaseIterable {
            case count, instanceType, diskGiB, ami
        }

        public init(count: Int) {
            self.count = count
            instanceType = "t3.large"
            diskGiB = 40
            ami = ""
        }

        public init(from decoder: any Decoder) throws {
            let file = try decoder.container(keyedBy: CodingKeys.self)
            count = try file.decode(.count, or: 1)
            instanceType = try file.decode(.instanceType, or: "t3.large")
            diskGiB = try file.decode(.diskGiB, or: 40)
            ami = try file.decode(.ami, or: "")
        }
    }

    public var controllers: Group
    public var workers: Group

    public enum CodingKeys: String, CodingKey, CaseIterable { case controllers, workers }
    public static let sections: [CodingKeys: any Section.Type] = [
        .controllers: Group.self, .workers: Group.self,
    ]

    public init() { (controllers, workers) = (Group(count: 1), Group(count: 1)) }

    public init(from decoder: any Decoder) throws {
        let file = try decoder.container(keyedBy: CodingKeys.self)
        controllers = try file.decode(.controllers, or: Group(count: 1))
        workers = try file.decode(.workers, or: Group(count: 1))
    }
}

/// `network`: the VPC that Terraform makes.
public struct NetworkSection: Section {
    /// CIDR of the VPC, /16 to /24; its first subnet holds the nodes.
    public var cidr: String

    public enum CodingKeys: String, CodingKey, CaseIterable { case cidr }

    public init() { cidr = "10.42.0.0/16" }

    public init(from decoder: any Decoder) throws {
        let file = try decoder.container(keyedBy: CodingKeys.self)
        cidr = try file.decode(.cidr, or: "10.42.0.0/16")
    }
}

/// `dns`: the record that leads people to the edge.
public struct DNSSection: Section {
    /// Hosted zone to write to; empty chooses the public zone with the longest matching suffix.
    public var zoneID: String
    /// Time to live of the A record, in seconds.
    public var ttl: Int

    public enum CodingKeys: String, CodingKey, CaseIterable { case zoneID, ttl }

    public init() { (zoneID, ttl) = ("", 60) }

    public init(from decoder: any Decoder) throws {
        let file = try decoder.container(keyedBy: CodingKeys.self)
        zoneID = try file.decode(.zoneID, or: "")
        ttl = try file.decode(.ttl, or: 60)
    }
}
