import AWS
import Model
import Outside

/// What the files of the pipeline that Jeeves replaces say, and what becomes of each of their keys.
/// A secret in them is named and never kept.
public struct OldPipeline: Sendable {
    /// One key of an old file.
    public struct Row: Codable, Hashable, Sendable {
        public let key: String
        /// File and line.
        public let place: String
        public let became: String
    }

    /// A key of the cluster file that an old key can become.
    enum Setting: String, Sendable, CaseIterable {
        case cluster, domain
        case email = "certificate.email"
        case region = "aws.region"
        case cidr = "network.cidr"
        case zone = "dns.zoneID"
        case controllers = "nodes.controllers.count"
        case controllerType = "nodes.controllers.instanceType"
        case controllerDisk = "nodes.controllers.diskGiB"
        case controllerImage = "nodes.controllers.ami"
        case workers = "nodes.workers.count"
        case workerType = "nodes.workers.instanceType"
        case workerDisk = "nodes.workers.diskGiB"
        case workerImage = "nodes.workers.ami"
    }

    fileprivate struct Old {
        let key: String
        let value: String?
        let place: String
    }

    static let bytesMax = 1 << 20

    fileprivate let olds: [Old]

    /// Reads `variables`, a `terraform.tfvars`, and `environment`, a `.env`; what both say counts
    /// from the first. Throws `notFound`, or `invalid` with the line of what cannot be read.
    public static func read(
        variables: String?, environment: String?, files: any Files
    ) throws -> OldPipeline {
        func text(_ path: String) throws -> String {
            guard let text = try files.text(path, bytesMax: bytesMax) else {
                throw Failure(
                    .notFound, "reading \(path): it is not there",
                    fix: "name the old pipeline's file")
            }
            return text
        }
        var olds: [Old] = []
        if let variables {
            let name = name(variables)
            olds += try TerraformAssignments.read(text(variables), path: variables).map {
                Old(key: $0.name, value: $0.value, place: "\(name):\($0.line)")
            }
        }
        if let environment {
            let name = name(environment)
            olds += DotEnv.entries(try text(environment)).map {
                Old(key: $0.name, value: $0.value, place: "\(name):\($0.line)")
            }
        }
        return OldPipeline(olds: olds)
    }

    private static func name(_ path: String) -> Substring { path.split(separator: "/").last ?? "" }

    /// Puts what the old files say into `values`, but for what a person has `given` otherwise, and
    /// says what became of every key. Throws `invalid`, with the place, for a value that cannot be
    /// what it says.
    func apply(to values: inout Founding.Values, given: Set<Setting>) throws -> [Row] {
        var taken: [Setting: Old] = [:]
        return try olds.map { old in
            let became =
                try Self.reason(of: old.key)
                ?? Self.take(old, into: &values, given: given, after: &taken)
            return Row(
                key: old.key.isEmpty ? "(no assignment)" : old.key, place: old.place,
                became: became)
        }
    }

    private static func take(
        _ old: Old, into values: inout Founding.Values, given: Set<Setting>,
        after taken: inout [Setting: Old]
    ) throws -> String {
        guard let meant = settings[plain(old.key)] else {
            return "not known: write what it means into the cluster file yourself"
        }
        guard let value = old.value, !value.isEmpty else {
            return "not taken: it is no plain value"
        }
        var words: [String] = []
        for setting in meant {
            if given.contains(setting) {
                words.append("not taken: the command line decides")
            } else if let earlier = taken[setting] {
                words.append(
                    earlier.value == value
                        ? "the same as in \(earlier.place)"
                        : "not taken: \(earlier.place) says otherwise")
            } else {
                taken[setting] = old
                do { try values.set(setting, to: value) } catch {
                    throw Failure(error, trying: "reading \(old.place), \(old.key)")
                }
                words.append("\(setting.rawValue): \(value)")
            }
        }
        return words.joined(separator: ", ")
    }
}

/// What the keys mean.
extension OldPipeline {
    /// By the key in lower case, without the `TF_VAR_` of an environment.
    private static let settings: [String: [Setting]] = [
        "cluster": [.cluster], "cluster_name": [.cluster],
        "domain": [.domain], "domain_name": [.domain],
        "cert_email": [.email], "certbot_email": [.email], "acme_email": [.email],
        "email": [.email], "region": [.region], "aws_region": [.region],
        "aws_default_region": [.region], "vpc_cidr": [.cidr], "vpc_cidr_block": [.cidr],
        "zone_id": [.zone], "hosted_zone_id": [.zone], "route53_zone_id": [.zone],
        "ami": [.controllerImage, .workerImage], "ami_id": [.controllerImage, .workerImage],
        "controller_ami": [.controllerImage], "worker_ami": [.workerImage],
        "instance_type": [.controllerType, .workerType],
        "controller_instance_type": [.controllerType], "worker_instance_type": [.workerType],
        "controller_count": [.controllers], "worker_count": [.workers],
        "volume_size": [.controllerDisk, .workerDisk],
        "controller_volume_size": [.controllerDisk], "worker_volume_size": [.workerDisk],
    ]

    private static func plain(_ key: String) -> String {
        let lower = key.lowercased()
        return lower.hasPrefix("tf_var_") ? String(lower.dropFirst(7)) : lower
    }

    /// Why a key is not needed any more, whatever its value is; nil for all others.
    private static func reason(of key: String) -> String? {
        let key = plain(key)
        if key.contains("ssh")
            || ["key_name", "key_pair", "private_key", "public_key"].contains(key)
        {
            return "not needed: there is no SSH"
        }
        if ["aws_access_key", "aws_secret", "aws_session_token", "access_key", "secret_key"]
            .contains(where: key.hasPrefix)
        {
            return "stays in the environment or a profile of AWS, never in the cluster file"
        }
        if ["aws_profile", "aws_shared_credentials_file", "aws_config_file"].contains(key) {
            return "goes on to count as it stands in the environment"
        }
        if key.hasPrefix("mongo") {
            return "write the database's URI to a file of mode 0600 that "
                + "app.mongodb.external.uriFile names"
        }
        return nil
    }
}

extension Founding.Values {
    /// What a person typed; for the rest what the old files say; for the rest an example. With what
    /// became of each key of those files. Throws `invalid` if they make no right cluster file.
    public static func make(
        _ options: Founding.Options, old: OldPipeline
    ) throws -> (values: Founding.Values, rows: [OldPipeline.Row]) {
        var values = try options.values()
        guard !old.olds.isEmpty else { return (values, []) }
        let rows = try old.apply(to: &values, given: options.settings)
        let problems = ClusterFile.read(Example.render(values), path: "the new file").problems
        guard problems.isEmpty else {
            throw Failure(
                .invalid,
                "reading the old files: what they say makes no right cluster file\n  "
                    + problems.joined(separator: "\n  "),
                fix: "mend them, or take the lines out of them and edit the new file")
        }
        return (values, rows)
    }

    /// Throws `invalid` unless `text` can be the value of that key.
    mutating func set(_ setting: OldPipeline.Setting, to text: String) throws {
        switch setting {
        case .cluster: cluster = try ClusterID(text)
        case .domain: domain = try DomainName(text)
        case .email: email = try Self.word(text)
        case .region: region = try Self.word(text)
        case .cidr: network.cidr = try Self.word(text)
        case .zone: dns.zoneID = try Self.word(text)
        case .controllers: nodes.controllers.count = try Self.number(text)
        case .controllerType: nodes.controllers.instanceType = try Self.word(text)
        case .controllerDisk: nodes.controllers.diskGiB = try Self.number(text)
        case .controllerImage: nodes.controllers.ami = try Self.word(text)
        case .workers: nodes.workers.count = try Self.number(text)
        case .workerType: nodes.workers.instanceType = try Self.word(text)
        case .workerDisk: nodes.workers.diskGiB = try Self.number(text)
        case .workerImage: nodes.workers.ami = try Self.word(text)
        }
    }

    /// Text that stands in YAML as it is, and means nothing there.
    private static func word(_ text: String) throws -> String {
        let isPlain = text.utf8.allSatisfy { byte in
            switch Unicode.Scalar(byte) {
            case "a"..."z", "A"..."Z", "0"..."9", ".", "_", "-", "/", "@", "+": true
            default: false
            }
        }
        guard isPlain, (1...253).contains(text.utf8.count) else {
            throw Failure(
                .invalid, "its value may have only letters, digits and . _ - / @ +",
                fix: "mend it there")
        }
        return text
    }

    private static func number(_ text: String) throws -> Int {
        guard text.utf8.count <= 6, let number = Int(text) else {
            throw Failure(.invalid, "its value is no whole number", fix: "mend it there")
        }
        return number
    }
}
