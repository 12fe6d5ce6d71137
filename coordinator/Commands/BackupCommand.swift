import ArgumentParser
import Coordinator
import Model
import Outside

/// `jeeves backup`: everything that a cluster cannot be driven without, in one closed file.
struct BackupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract: "Write everything that Jeeves remembers into one encrypted file.",
        discussion: """
            The store, the certificate authority's online key, Terraform's state,
            passwords that Jeeves made, the cluster file and the files that it names below
            its folder. Works while a coordinator runs. The passphrase, of at least 12
            characters, is asked for, or read from a file that only you can read.
            Credentials of AWS and the root's key are never in it.

              jeeves backup --out chat.backup
              jeeves backup --out /mnt/safe/chat.backup --passphrase-file chat.passphrase
            """)

    @OptionGroup var target: ProjectOptions

    @Option(
        help: .init("Where to write it; nothing is overwritten.", valueName: "file"),
        completion: .file())
    var out: String

    @OptionGroup var passphrase: PassphraseOption

    @Option(name: .shortAndLong, help: "Output format.")
    var output = OutputFormat.table

    func run() async throws {
        do {
            let report = try Backup(target.project(), world: World.live()).make(
                to: Working.absolute(out), passphrase: passphrase.read(isNew: true))
            try output.write(report, on: target.terminal, table: Self.text)
        } catch { throw Ending.report(error) }
    }

    static func text(_ report: Backup.Report) -> String {
        let count = report.files.count
        return
            (["wrote \(report.path): \(count) files, \(report.bytes) bytes"]
            + report.leftOut.map { "not in it: \(Printable.escape($0))" })
            .joined(separator: "\n")
    }
}

/// Where a passphrase comes from: never from the command line or the environment, which others can
/// read.
struct PassphraseOption: ParsableArguments {
    @Option(
        help: .init(
            "File with the passphrase, mode 0600; without it you are asked.", valueName: "file"),
        completion: .file())
    var passphraseFile: String?

    /// One that `isNew` is asked for twice. Throws `invalid` if there is nobody to ask, or nothing
    /// was typed.
    func read(isNew: Bool) throws -> Secret {
        if let passphraseFile {
            return try PrivateFile.read(
                Working.absolute(passphraseFile), named: "--passphrase-file",
                files: World.live().files)
        }
        let typed = try Self.taken(Terminal.secret("Passphrase of the backup:"))
        if isNew, try Self.taken(Terminal.secret("The same again:")) != typed {
            throw Failure(
                .invalid, "asking for the passphrase: these are two different ones",
                fix: "type the same one twice")
        }
        return typed
    }

    static func taken(_ answer: Terminal.Answer) throws -> Secret {
        let fix = "type it, or name a file of mode 0600 with --passphrase-file"
        switch answer {
        case .typed(let secret): return secret
        case .ended:
            throw Failure(.invalid, "asking for the passphrase: the input ended", fix: fix)
        case .noTerminal:
            throw Failure(.invalid, "asking for the passphrase: this is no terminal", fix: fix)
        }
    }
}
