import Model

/// What systemd says of a transient unit, as far as its end is concerned.
struct UnitEnd: Sendable, Hashable {
    var active: String
    var sub: String
    var result: String
    /// `ExecMainCode`: 1 exited, 2 killed, 3 dumped core (waitid(2)); 0 if it never ran.
    var code: Int32
    /// `ExecMainStatus`: the exit code, or the signal.
    var status: Int32

    /// With `RemainAfterExit` a unit that ended well stays `active (exited)`.
    var isOver: Bool {
        active == "failed" || active == "inactive" || (active == "active" && sub == "exited")
    }
}

/// How a command becomes a transient unit, and how the unit's end becomes the command's.
///
/// The unit stays loaded after its end (`RemainAfterExit`, and no `CollectMode`), so that its
/// result is still there if the agent was restarting just then. `Type=exec` and not `oneshot`,
/// which has no `RuntimeMaxSec` (systemd.service(5)).
struct TransientRun {
    private static let outputBytesMax = 64 << 10

    private let unit: TransientUnit
    private let files: LiveFiles
    private let outputFolder: String
    private var outputPath: String { "\(outputFolder)/\(unit.name).out" }

    init(_ unit: TransientUnit, files: LiveFiles, outputFolder: String) {
        self.unit = unit
        self.files = files
        self.outputFolder = outputFolder
    }

    /// Everybody may read a unit's properties, so it cannot carry a secret.
    func refuseSecrets() throws {
        guard unit.command.secrets.isEmpty, unit.command.input == nil else {
            throw Failure(.unsupported, "running \(unit.command) as a unit: it would show secrets")
        }
    }

    /// Makes the output file before systemd does, which would make it readable for everybody.
    func emptyOutput() throws {
        try files.makeDirectory(outputFolder, mode: 0o755, op: "units.folder")
        try files.replace(outputPath, with: [], mode: 0o600, op: "units.output")
    }

    func properties(path: String) -> [(String, BusValue)] {
        let command = unit.command
        let environment = command.environment.sorted { $0.key < $1.key }
        var properties: [(String, BusValue)] = [
            ("Description", .string("Jeeves: \(command.description.prefix(200))")),
            ("Type", .string("exec")),
            ("RemainAfterExit", .flag(true)),
            ("RuntimeMaxUSec", .number(microseconds(unit.deadline))),
            ("TimeoutStopUSec", .number(microseconds(.seconds(60)))),
            ("Environment", .strings(environment.map { "\($0.key)=\($0.value)" })),
            ("StandardInput", .string("null")),
            ("StandardOutputFile", .string(outputPath)),
            ("StandardError", .string("inherit")),
            ("ExecStart", .program(path: path, argv: [path] + command.arguments)),
        ]
        if let directory = command.directory {
            properties.append(("WorkingDirectory", .string(directory)))
        }
        return properties
    }

    /// Throws `timeout` if systemd stopped the unit at its deadline, `failed` if it never ran or
    /// its result is gone.
    func finished(_ end: UnitEnd) throws -> Finished {
        let output = String(
            decoding: (try? files.tail(outputPath, bytes: Self.outputBytesMax)) ?? [],
            as: UTF8.self)
        let last =
            output.split(whereSeparator: \.isNewline).last.map { ": \($0.prefix(400))" } ?? ""
        if end.result == "timeout" {
            throw Failure(
                .timeout,
                "running \(unit.command): stopped after \(unit.deadline.shortText)\(last)")
        }
        switch end.code {
        case 1: return Finished(ending: .exited(end.status), output: output)
        case 2, 3: return Finished(ending: .signalled(end.status), output: output)
        default:
            throw Failure(
                .failed, "running \(unit.command) as \(unit.name): \(end.result)\(last)",
                fix: "look at `journalctl --unit=\(unit.name)` on the node")
        }
    }

    private func microseconds(_ duration: Duration) -> UInt64 {
        UInt64(max(duration / .microseconds(1), 0))
    }
}
