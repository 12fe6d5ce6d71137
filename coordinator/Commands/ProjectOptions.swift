import ArgumentParser
import Coordinator
import Glibc
import Model
import Outside

/// Which cluster a verb is about; the same for every verb.
struct ProjectOptions: ParsableArguments {
    @Option(
        name: .shortAndLong, help: "The cluster file (default: jeeves.yaml here).",
        completion: .file())
    var file: String?

    @Option(
        help: "The state folder (default: .jeeves beside the cluster file).",
        completion: .directory)
    var state: String?

    @OptionGroup var terminal: TerminalOptions

    func project() throws -> Project { try Working.project(file: file, state: state) }

    /// The same for `verb`, which runs Terraform's providers and Helm's plugins out of the state
    /// folder. Throws `unauthorized` if `user` is root and that folder another's: whoever owns it
    /// would become root.
    func project(for verb: Resumption, user: uid_t = geteuid()) throws -> Project {
        let project = try project()
        // Behind a link, too.
        guard user == 0, let owner = try World.live().files.info("\(project.state)/.")?.owner,
            owner != 0
        else { return project }
        let name = Working.name(of: owner) ?? "'#\(owner)'"
        throw Failure(
            .unauthorized,
            "opening the state folder \(project.state): it is not root's, and programs that lie in "
                + "it would run as root",
            fix: "run `sudo --user \(name) \(verb.text)`")
    }

    /// To type it again.
    var words: [String] {
        Resumption.option("--file", file) + Resumption.option("--state", state)
    }
}

/// Whether a verb that drives waits for its place.
struct WaitOption: ParsableArguments {
    @Flag(
        name: .customLong("wait"),
        help: """
            While another coordinator drives, wait for its end, at most a day (default: end at \
            once with exit status 6).
            """)
    var waits = false

    /// To type it again.
    var words: [String] { Resumption.flag("--wait", waits) }
}

/// The folder that the person stands in.
enum Working {
    static var folder: String {
        guard let path = getcwd(nil, 0) else { return "." }
        defer { free(path) }
        return String(cString: path)
    }

    /// Throws `invalid` if `file` is a folder.
    static func project(file: String?, state: String?) throws -> Project {
        guard let file else { return Project(folder: folder, state: state.map(absolute)) }
        let path = absolute(file)
        // Behind a link, too.
        if try World.live().files.info("\(path)/.") != nil {
            let name = file.hasSuffix("/") ? "\(file)jeeves.yaml" : "\(file)/jeeves.yaml"
            throw Failure(
                .invalid, "reading the cluster file \(path): it is a folder",
                fix: "name the file in it: --file \(name)")
        }
        let folder = String(path.prefix(upTo: path.lastIndex(of: "/") ?? path.endIndex))
        return Project(folder: folder, clusterFile: path, state: state.map(absolute))
    }

    static func absolute(_ path: String) -> String {
        path.hasPrefix("/") ? path : "\(folder)/\(path)"
    }

    /// `user@host`, for leases and events.
    static var actor: String {
        var name = [CChar](repeating: 0, count: 256)
        gethostname(&name, 255)
        let host = String(
            decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return "\(user(environment))@\(host)"
    }

    /// Who typed it, also where sudo(8) had it run as another.
    static func user(_ environment: [String: String]) -> String {
        if let person = environment["SUDO_USER"], !person.isEmpty { return person }
        return name(of: getuid()) ?? "\(getuid())"
    }

    static func name(of user: uid_t) -> String? {
        getpwuid(user).map { String(cString: $0.pointee.pw_name) }
    }

    static var environment: [String: String] {
        var found: [String: String] = [:]
        var entry = environ
        while let text = entry.pointee {
            let parts = String(cString: text).split(separator: "=", maxSplits: 1)
            if let key = parts.first {
                found[String(key)] = parts.count == 2 ? String(parts[1]) : ""
            }
            entry += 1
        }
        return found
    }
}

/// How a verb prints what it found.
enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
    case table, json

    /// Writes `value` for a program, or the table of it for a person; in colours only if it is
    /// known what they want of their terminal.
    func write<Value: Encodable>(
        _ value: Value, on terminal: TerminalOptions? = nil, table: (Value) -> String
    ) throws {
        switch self {
        case .json:
            let text = try JSON.encode(value, pretty: true)
            Terminal.write(String(decoding: text, as: UTF8.self))
        case .table:
            let text = table(value)
            if let terminal { terminal.write(table: text) } else { Terminal.write(text) }
        }
    }
}

/// Turns an error into one message on stderr and the exit status of its code.
enum Ending {
    /// The exit status of a run that a person interrupted (128 + SIGINT).
    static let interrupted = ExitCode(130)

    /// The failure becomes the last of `lines` too, if there are any.
    static func report(
        _ error: any Error, resume: String = "", lines: RolloutLines? = nil
    ) -> any Error {
        if error is ExitCode { return error }
        if error is CancellationError {
            let hint = resume.isEmpty ? "" : "; resume with: \(resume)"
            Terminal.complain("jeeves: interrupted\(hint)")
            lines?.interruption(resume: resume)
            return interrupted
        }
        let failure = (error as? Failure ?? Failure(error, trying: "running")).advised
        let status = ExitCode(failure.code.exitStatus)
        Terminal.complain(text(failure))
        lines?.failure(failure, status)
        return status
    }

    /// Others may have had a hand in the words of a failure.
    static func text(_ failure: Failure) -> String {
        Printable.lines("jeeves: \(failure)").joined(separator: "\n")
    }
}

extension Failure {
    /// With what to type next also where what went wrong does not say it.
    var advised: Failure {
        fix.isEmpty ? Failure(code, message, fix: code.advice) : self
    }
}

extension Failure.Code {
    fileprivate var advice: String {
        switch self {
        case .unavailable, .timeout:
            "type the same again; if it stays so, `jeeves doctor` looks for the cause"
        case .conflict, .locked, .stale: "look at `jeeves rollout status`, then type it again"
        case .gate: "`jeeves status` shows what is wrong"
        case .invalid, .notFound, .unauthorized, .unsupported, .failed:
            "type the same again with --verbose: it shows what is run"
        }
    }
}
