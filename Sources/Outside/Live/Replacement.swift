import Glibc
import Model
import Synchronization

/// Replaces one file so that a crash at any instant, or a power cut, leaves the old or the new
/// content: write a new file beside it, fsync, rename, fsync the folder.
struct Replacement {
    private static let counter = Atomic<UInt64>(0)

    let path: String
    private let calls: DiskCalls
    private let folder: String
    private let name: String

    init(of path: String, by calls: DiskCalls = DiskCalls()) {
        (self.path, self.calls) = (path, calls)
        (folder, name) = LiveFiles.split(path)
    }

    /// Throws `conflict` if something other than a regular file is at the path, `failed` with
    /// errno's text for anything else; then the old content is still there.
    func write(_ bytes: [UInt8], mode: UInt16) throws {
        let opened = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard opened >= 0 else { throw failure(ErrnoError()) }
        let directory = Descriptor(opened)
        try refuseOthers(in: directory.number)
        removeLeftovers(in: directory.number)
        do throws(ErrnoError) {
            let temporary = try create(in: directory.number, bytes, mode: mode)
            guard calls.rename(directory.number, temporary, name) == 0 else {
                let error = ErrnoError()
                _ = calls.remove(directory.number, temporary)
                throw error
            }
            guard calls.sync(directory.number) == 0 else { throw ErrnoError() }
        } catch {
            throw failure(error)
        }
    }

    private func failure(_ error: ErrnoError) -> Failure {
        Failure(
            .failed, "replacing \(path): \(errnoText(error.code))",
            fix: writingFix(error.code, in: folder))
    }

    private func refuseOthers(in directory: Int32) throws {
        var found = stat()
        guard fstatat(directory, name, &found, AT_SYMLINK_NOFOLLOW) == 0 else {
            if errno == ENOENT { return }
            throw failure(ErrnoError())
        }
        guard LiveFiles.kind(found) == .file else {
            throw Failure(
                .conflict, "replacing \(path): it is not a regular file",
                fix: "look at what \(path) is and move it away")
        }
    }

    /// Makes the temporary file and returns its name; leaves nothing behind if it fails.
    private func create(
        in directory: Int32, _ bytes: [UInt8], mode: UInt16
    ) throws(ErrnoError) -> String {
        let turn = Self.counter.wrappingAdd(1, ordering: .relaxed).newValue
        let temporary = "\(prefix)\(getpid())-\(turn)"
        let opened = calls.create(directory, temporary, mode)
        guard opened >= 0 else { throw ErrnoError() }
        let file = Descriptor(opened)
        do throws(ErrnoError) {
            // The umask took bits away.
            guard fchmod(file.number, mode_t(mode)) == 0 else { throw ErrnoError() }
            try file.writeAll(bytes, by: calls)
            // After a failed fsync the pages count as clean: a second try would lie.
            guard calls.sync(file.number) == 0 else { throw ErrnoError() }
        } catch {
            _ = calls.remove(directory, temporary)
            throw error
        }
        return temporary
    }

    private var prefix: String { ".\(name).jeeves-" }

    /// Removes what a process that died in the middle left: files of pids that are gone, and of our
    /// own pid from before a reboot.
    private func removeLeftovers(in directory: Int32) {
        guard let names = try? LiveFiles().list(folder) else { return }
        for name in names where name.hasPrefix(prefix) {
            let parts = name.dropFirst(prefix.count).split(separator: "-")
            guard parts.count == 2, let pid = Int32(parts[0]), let turn = UInt64(parts[1]) else {
                continue
            }
            let stale =
                pid == getpid()
                ? turn > Self.counter.load(ordering: .relaxed)
                : kill(pid, 0) != 0 && errno == ESRCH
            if stale { _ = calls.remove(directory, name) }
        }
    }
}
