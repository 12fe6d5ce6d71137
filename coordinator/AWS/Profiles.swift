import FoundationEssentials
import Model
import Outside
import Trust

/// The AWS CLI's shared files (AWS SDKs and Tools Reference Guide, "Shared config and credentials
/// files").
struct Profiles: Sendable {
    private let credentials: [String: [String: String]]
    private let config: [String: [String: String]]
    private let paths: [String]

    /// Throws `invalid` if a file is not text.
    init(_ settings: [String: String], files: any Files) throws {
        let home = settings["HOME"] ?? "/root"
        func path(_ setting: String, _ fallback: String) -> String {
            let given = settings[setting] ?? "~/.aws/\(fallback)"
            return given.hasPrefix("~/") ? home + given.dropFirst() : given
        }
        paths = [
            path("AWS_SHARED_CREDENTIALS_FILE", "credentials"), path("AWS_CONFIG_FILE", "config"),
        ]
        credentials = try INI.parse(files.text(paths[0]) ?? "")
        config = try INI.parse(files.text(paths[1]) ?? "")
    }

    /// What both files say of a profile, the credentials file first; nil if neither has it.
    func entry(_ name: String) -> Profile? {
        let other = config["profile \(name)"] ?? (name == "default" ? config[name] : nil)
        guard credentials[name] != nil || other != nil else { return nil }
        return Profile(
            name: name, values: (other ?? [:]).merging(credentials[name] ?? [:]) { $1 })
    }

    func absence(of name: String) -> Failure {
        Failure(
            .notFound,
            "looking for the AWS profile \(name): neither \(paths[0]) nor \(paths[1]) has it",
            fix: "set AWS_PROFILE to a profile that `aws configure list-profiles` shows")
    }

    /// The line that turns any profile of the AWS CLI (version 2) into plain variables.
    static func export(profile: String) -> String {
        "`eval \"$(aws configure export-credentials --profile \(profile) --format env)\"`"
    }
}

/// One profile.
struct Profile: Sendable {
    let name: String
    let values: [String: String]

    /// What only the AWS CLI can turn into credentials.
    private static let foreign = [
        "role_arn", "sso_session", "sso_start_url", "web_identity_token_file", "credential_source",
        "login_session",
    ]

    /// Nil if the profile names none. Throws `unsupported` with what to type for roles and single
    /// sign-on.
    func credentials(_ world: World, settings: [String: String]) async throws -> AWSCredentials? {
        if let key = Self.foreign.first(where: { values[$0] != nil }) {
            throw Failure(
                .unsupported, "using the AWS profile \(name): Jeeves does not resolve \(key)",
                fix: Profiles.export(profile: name)
                    + ", after `aws sso login --profile \(name)` if it uses single sign-on")
        }
        if let id = values["aws_access_key_id"], let secret = values["aws_secret_access_key"] {
            return AWSCredentials(
                accessKeyID: id, secretAccessKey: Secret(secret),
                sessionToken: values["aws_session_token"].map(Secret.init))
        }
        guard let line = values["credential_process"] else { return nil }
        return try await CredentialProgram(line: line, profile: name).run(world, settings: settings)
    }

    var emptiness: Failure {
        Failure(
            .notFound, "using the AWS profile \(name): it holds no credentials",
            fix: "run `aws configure --profile \(name)`")
    }
}

/// A profile's `credential_process`: a program that prints credentials as JSON (AWS SDKs and Tools
/// Reference Guide, "Process credential provider"). Run without a shell.
struct CredentialProgram: Sendable {
    let line: String
    let profile: String

    private struct Output: Decodable {
        let Version: Int
        let AccessKeyId: String
        let SecretAccessKey: Secret
        let SessionToken: Secret?
        let Expiration: String?
    }

    func run(_ world: World, settings: [String: String]) async throws -> AWSCredentials {
        let what = "running credential_process of the AWS profile \(profile)"
        let words = Self.words(line)
        let mend = "mend the profile, or set AWS_PROFILE to another one"
        guard let program = words.first else {
            throw Failure(.invalid, "\(what): it is empty", fix: mend)
        }
        var environment = Command.environmentBase
        for name in ["HOME", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"] {
            environment[name] = settings[name]
        }
        let finished = try await world.processes.run(
            Command(program, Array(words.dropFirst()), environment: environment),
            limits: Limits(deadline: .seconds(60), outputBytesMax: 64 << 10),
            op: "aws.credential-process")
        guard finished.succeeded else {
            // Standard output may hold keys, so only the last line of stderr is shown.
            var silent = finished
            silent.output = ""
            throw Failure(
                .failed, "\(what): \(silent.sentence)",
                fix: "run the command in the profile by hand and mend it")
        }
        let output = try JSON.decode(
            Output.self, from: finished.output.utf8, what: "what it printed")
        guard output.Version == 1 else {
            throw Failure(
                .unsupported, "\(what): it answers with version \(output.Version)", fix: mend)
        }
        return AWSCredentials(
            accessKeyID: output.AccessKeyId, secretAccessKey: output.SecretAccessKey,
            sessionToken: output.SessionToken, expires: output.Expiration.flatMap(Self.date))
    }

    /// ISO 8601 with or without fractions of a second.
    private static func date(_ text: String) -> Date? {
        let precise = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
        return (try? Date(text, strategy: .iso8601)) ?? (try? Date(text, strategy: precise))
    }

    /// Words as a shell would split them, with quotes and backslashes and nothing expanded.
    static func words(_ line: String) -> [String] {
        var words: [String] = []
        var word: String?
        var quote: Character?
        var isEscaped = false
        for character in line {
            if isEscaped {
                word = (word ?? "") + String(character)
                isEscaped = false
            } else if character == "\\", quote != "'" {
                isEscaped = true
            } else if let open = quote {
                if character == open {
                    quote = nil
                } else {
                    word = (word ?? "") + String(character)
                }
            } else if character == "\"" || character == "'" {
                quote = character
                word = word ?? ""
            } else if character.isWhitespace {
                if let done = word { words.append(done) }
                word = nil
            } else {
                word = (word ?? "") + String(character)
            }
        }
        return words + (word.map { [$0] } ?? [])
    }
}

/// Sections of `name = value` lines. Indented lines belong to nested settings that are not needed.
enum INI {
    static func parse(_ text: String) -> [String: [String: String]] {
        var sections: [String: [String: String]] = [:]
        var section: String?
        for line in text.split(whereSeparator: \.isNewline) {
            guard let first = line.first, !first.isWhitespace, first != "#", first != ";" else {
                continue
            }
            if first == "[" {
                let name = line.dropFirst().prefix { $0 != "]" }
                section = name.split(whereSeparator: \.isWhitespace).joined(separator: " ")
                if let section { sections[section] = sections[section] ?? [:] }
            } else if let section {
                let parts = line.split(separator: "=", maxSplits: 1)
                guard parts.count == 2 else { continue }
                let name = String(parts[0]).trimmed.lowercased()
                sections[section]?[name] = String(parts[1]).trimmed
            }
        }
        return sections
    }
}
