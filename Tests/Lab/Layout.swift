/// Where everything of the lab lies and which addresses it has: `lab down` removes exactly this.
enum Layout {
    /// Process records, logs, keys: nothing that must survive the lab.
    static let run = "/run/jeeves-lab"
    /// Disks of the nodes.
    static let state = "/var/lib/jeeves-lab"
    static let log = "\(run)/log"
    static let nodes = "\(run)/nodes"
    static let pids = "\(run)/pids"
    /// Held while the lab is made or removed.
    static let lock = "/run/lock/jeeves-lab.lock"
    /// The authority that signs the ACME server's own certificate: what `caFile` names.
    static let acmeServerCA = "\(run)/acme-server-ca.pem"
    /// The root of the certificates that the ACME server issues: what a browser would trust.
    static let acmeRoot = "\(run)/acme-root.pem"

    /// The cloud's network namespace; each node's begins with `jl-`.
    static let namespace = "jlcloud"
    static let namespacePath = "/run/netns/\(namespace)"
    /// What `ip netns exec` lays over `/etc` (ip-netns(8)).
    static let namespaceEtc = "/etc/netns/\(namespace)"

    /// "The internet", TEST-NET-2 (RFC 5737): the only one that nodes can reach.
    enum Address {
        /// The operator's machine: `lab run` runs here, and a coordinator listens here.
        static let operatorHost = "198.51.100.10"
        static let aws = "198.51.100.2"
        static let acme = "198.51.100.3"
        static let nameServer = "198.51.100.4"
        static let packages = "198.51.100.5"
        static let database = "198.51.100.6"
        static let internet = [operatorHost, aws, acme, nameServer, packages, database]
        /// The resolver and the metadata service of a VPC, as on EC2.
        static let resolver = "169.254.169.253"
        static let metadata = "169.254.169.254"
    }

    static let awsPort = 5000
    static let awsURL = "http://\(Address.aws):\(awsPort)"
    static let acmePort = 14000
    static let acmeManagementPort = 15000
    static let acmeDirectory = "https://\(Address.acme):\(acmePort)/dir"
    static let databasePort = 27017
    static let databaseUser = (name: "rocketchat", password: "lab")
    static let region = "us-east-1"
    /// The hosted zone that the account has from the start.
    static let zone = "example.test"

    /// Ports of this machine's loopback that lead to the edge.
    static let edgePorts = [(listen: 8443, target: 443), (listen: 8080, target: 80)]

    /// The checkout that this program was built in.
    private static let checkout =
        #filePath.split(separator: "/").dropLast(3).map { "/\($0)" }.joined()
    static let standins = "\(checkout)/Tests/Lab/Standins"
    /// Clients of the chat that count what they lose.
    static let load = "\(checkout)/Tests/Lab/Load/load.py"
    /// The stand-in for Rocket.Chat's chart.
    static let chart = "\(checkout)/Tests/Lab/Chart"
    /// The pipelines that a team copies into its repository.
    static let pipelines = "\(checkout)/packaging/ci"
    /// What a person reads before Prometheus is set up.
    static let monitoringGuide = "\(checkout)/packaging/monitoring/README.md"
    /// What an operator is told to type.
    static let guide = "\(checkout)/docs/operating.md"
    /// What a newcomer is told to type.
    static let firstGuide = "\(checkout)/docs/lab.md"

    /// What any AWS client needs to speak to the lab's account and to no other.
    static let awsEnvironment = [
        "AWS_ENDPOINT_URL": awsURL,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_MAX_ATTEMPTS": "3",
    ]
}
