import FoundationEssentials
import Model
import Outside
import Trust

/// Credentials, and where they were found.
public struct FoundCredentials: Sendable {
    public let credentials: AWSCredentials
    /// For a person: `environment`, `profile staging`.
    public let source: String
    /// What a person should mend, though it works: a `.env` that others can read.
    public let warnings: [String]
}

/// Looks for AWS credentials where people keep them, in the order that the AWS tools use:
/// environment, `.env` of the project, profile, instance role.
///
/// Reads only what it is given: the environment comes as a dictionary, files and programs through
/// the ``World``. Values are never logged and never part of an error.
public struct CredentialChain: Sendable {
    let environment: [String: String]
    let folder: String
    let world: World

    public init(environment: [String: String], folder: String, world: World) {
        self.environment = environment
        self.folder = folder
        self.world = world
    }

    /// Throws `notFound` with all places that were looked at, `invalid` for one that is half
    /// filled in, `unsupported` with what to type for a profile that only the AWS CLI can resolve.
    public func resolve() async throws -> FoundCredentials {
        let (dotEnv, warnings) = try readDotEnv()
        let settings = dotEnv.merging(environment) { $1 }
        func found(_ credentials: AWSCredentials, _ source: String) -> FoundCredentials {
            FoundCredentials(credentials: credentials, source: source, warnings: warnings)
        }
        if let keys = try Self.keys(environment, in: "the environment") {
            return found(keys, "environment")
        }
        if let keys = try Self.keys(dotEnv, in: dotEnvPath) { return found(keys, dotEnvPath) }
        let named = settings["AWS_PROFILE"] ?? settings["AWS_DEFAULT_PROFILE"]
        let profiles = try Profiles(settings, files: world.files)
        if let entry = profiles.entry(named ?? "default") {
            if let keys = try await entry.credentials(world, settings: settings) {
                return found(keys, "profile \(entry.name)")
            }
            if named != nil { throw entry.emptiness }
        } else if let named {
            throw profiles.absence(of: named)
        }
        if settings["AWS_EC2_METADATA_DISABLED"]?.lowercased() != "true",
            let role = try await InstanceRole(settings, world: world).find()
        {
            return found(role.credentials, "instance role \(role.name)")
        }
        throw Failure(
            .notFound,
            "looking for AWS credentials: none in the environment, \(dotEnvPath), the profile "
                + "`default` or an instance role",
            fix: "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; with single "
                + "sign-on: " + Profiles.export(profile: "NAME"))
    }

    private var dotEnvPath: String { "\(folder)/.env" }

    private func readDotEnv() throws -> (values: [String: String], warnings: [String]) {
        guard let text = try world.files.text(dotEnvPath, bytesMax: 64 << 10) else {
            return ([:], [])
        }
        let values = DotEnv.parse(text).filter { $0.key.hasPrefix("AWS_") && !$0.value.isEmpty }
        let mode = try world.files.info(dotEnvPath)?.mode ?? 0
        guard !values.isEmpty, mode & 0o077 != 0 else { return (values, []) }
        return (values, ["\(dotEnvPath) can be read by others: run `chmod 600 \(dotEnvPath)`"])
    }

    /// Nil if neither key is set. Throws `invalid` if only one is.
    private static func keys(_ values: [String: String], in place: String) throws
        -> AWSCredentials?
    {
        func value(_ name: String) -> String? { values[name].flatMap { $0.isEmpty ? nil : $0 } }
        switch (value("AWS_ACCESS_KEY_ID"), value("AWS_SECRET_ACCESS_KEY")) {
        case (nil, nil): return nil
        case (let id?, let secret?):
            return AWSCredentials(
                accessKeyID: id, secretAccessKey: Secret(secret),
                sessionToken: value("AWS_SESSION_TOKEN").map(Secret.init))
        case (let id, _):
            let missing = id == nil ? "AWS_ACCESS_KEY_ID" : "AWS_SECRET_ACCESS_KEY"
            throw Failure(
                .invalid, "reading AWS credentials from \(place): \(missing) is not set",
                fix: "set both keys, or neither")
        }
    }
}

/// `.env` files: `NAME=value` a line, `export` and quotes allowed, nothing expanded.
public enum DotEnv {
    public struct Entry: Hashable, Sendable {
        /// Empty if the line is no assignment.
        public let name: String
        public let value: String?
        public let line: Int
    }

    /// The last value of each name.
    public static func parse(_ text: String) -> [String: String] {
        var values: [String: String] = [:]
        for entry in entries(text) where entry.value != nil { values[entry.name] = entry.value }
        return values
    }

    /// Every line that is neither empty nor a comment.
    public static func entries(_ text: String) -> [Entry] {
        let text = text.hasPrefix("\u{FEFF}") ? text.dropFirst() : text[...]
        let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        return zip(1..., lines).compactMap { number, line in
            var line = String(line).trimmed
            guard !line.isEmpty, !line.hasPrefix("#") else { return nil }
            if line.hasPrefix("export ") { line = String(line.dropFirst(7)).trimmed }
            let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2 else { return Entry(name: "", value: nil, line: number) }
            return Entry(
                name: String(parts[0]).trimmed, value: unquoted(String(parts[1]).trimmed),
                line: number)
        }
    }

    private static func unquoted(_ value: String) -> String {
        for quote in ["\"", "'"]
        where value.count >= 2 && value.hasPrefix(quote) && value.hasSuffix(quote) {
            return String(value.dropFirst().dropLast())
        }
        return value
    }
}
