import Model
import Outside

/// Command lines for apt and dpkg, and what their database says. It runs nothing itself.
///
/// Every one is safe to repeat. None upgrades, removes, or answers a configuration file's prompt
/// with anything but "keep what is there".
public enum Apt {
    /// The dpkg database (dpkg(1), FILES): one paragraph a package.
    public static let statusFile = "/var/lib/dpkg/status"
    /// Holds numbered files while a dpkg run is unfinished.
    public static let journalFolder = "/var/lib/dpkg/updates"

    private static let environment = Command.environmentBase.merging(
        ["DEBIAN_FRONTEND": "noninteractive", "APT_LISTCHANGES_FRONTEND": "none"]
    ) { $1 }

    /// How long apt itself waits for another apt before it gives up.
    private static let lockTimeout = "DPkg::Lock::Timeout=120"

    public static func update() -> Command {
        Command("apt-get", ["update", "-q", "-o", lockTimeout], environment: environment)
    }

    /// Throws `invalid` if a name is none by Debian Policy §5.6.1, so that none can be an option or
    /// apt's `name-`, which removes.
    public static func install(_ names: [String]) throws -> Command {
        for name in names where !isName(name) {
            throw Failure(
                .invalid, "installing packages: \"\(name.prefix(64))\" is not a package name",
                fix: "use names of a-z, 0-9, +, - and . as `apt-cache search` prints them")
        }
        return Command(
            "apt-get",
            [
                "install", "-q", "-y", "--no-install-recommends", "-o", lockTimeout,
                "-o", "Dpkg::Options::=--force-confdef", "-o", "Dpkg::Options::=--force-confold",
                "--",
            ] + names, environment: environment)
    }

    /// Finishes what an interrupted dpkg left half done.
    public static func configure() -> Command {
        Command(
            "dpkg", ["--force-confdef", "--force-confold", "--configure", "-a"],
            environment: environment)
    }

    /// Compares a package's files with its database; prints those that differ (dpkg(1)).
    public static func verify(_ package: String) -> Command {
        Command("dpkg", ["--verify", package])
    }

    /// Whether `dpkg --verify` says that `path` is as its package shipped it. False if it could not
    /// tell.
    public static func isPristine(_ path: String, verified: Finished) -> Bool {
        guard verified.errors.isEmpty, case .exited = verified.ending else { return false }
        return !verified.output.split(whereSeparator: \.isNewline).contains {
            $0.hasSuffix(" \(path)")
        }
    }

    static func isName(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        func isPlain(_ byte: UInt8) -> Bool {
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        }
        guard (2...128).contains(bytes.count), let first = bytes.first, isPlain(first),
            bytes.last != UInt8(ascii: "-")
        else { return false }
        return bytes.allSatisfy { isPlain($0) || "+-.".utf8.contains($0) }
    }
}

extension Apt {
    /// What a failed apt or dpkg means. `unavailable` when another one holds the lock or a mirror
    /// does not answer: both pass by themselves.
    public static func failure(_ finished: Finished, trying tried: String) -> Failure {
        let text = finished.output + "\n" + finished.errors
        func has(_ words: String...) -> Bool { words.contains { text.contains($0) } }
        if has("Could not get lock", "Unable to lock", "lock was locked by another process") {
            return Failure(
                .unavailable, "\(tried): another package manager is at work",
                fix: "wait, it is tried again by itself; if that one stays, see "
                    + "`pgrep -a 'apt|dpkg|unattended'` on the node")
        }
        if has("No space left on device", "don't have enough free space") {
            return Failure(
                .failed, "\(tried): the disk is full", fix: "free space on the node, see `df -h`")
        }
        if let line = line(in: text, with: "Unable to locate package")
            ?? line(in: text, with: "has no installation candidate")
        {
            return Failure(
                .notFound, "\(tried): \(line)",
                fix: "check the node's apt sources (Ubuntu needs `universe` for certbot)")
        }
        if has("Temporary failure resolving", "Could not connect", "Failed to fetch") {
            let line = line(in: text, with: "E: ") ?? finished.sentence
            return Failure(
                .unavailable, "\(tried): a mirror did not answer: \(line)",
                fix: "check the node's way out and its apt sources")
        }
        return Failure(
            .failed, "\(tried): \(line(in: text, with: "E: ") ?? finished.sentence)",
            fix: "run `apt-get --fix-broken install` on the node to see all that it says")
    }

    private static func line(in text: String, with words: String) -> String? {
        text.split(whereSeparator: \.isNewline).first { $0.contains(words) }
            .map { String($0.prefix(300)) }
    }
}
