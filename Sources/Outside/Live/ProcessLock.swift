import Glibc
import Model

/// The right to be the only process of its kind on a machine.
public enum ProcessLock {
    /// Takes the lock at `path` until this process ends, however it ends (flock(2)). Throws
    /// `locked`, saying what was `tried` and `fix`, if another process has it; `conflict` if
    /// something other than a file is there, `failed` if it cannot be opened.
    public static func take(_ path: String, trying tried: String, fix: String) throws {
        let number = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard number >= 0 else { throw unopened(path, trying: tried) }
        // Closed by the kernel alone: that is the end of the lock.
        guard flock(number, LOCK_EX | LOCK_NB) == 0 else {
            let code = errno
            close(number)
            guard code == EWOULDBLOCK else {
                throw systemFailure("\(tried): locking \(path)", code: code)
            }
            throw Failure(.locked, "\(tried): another one runs already and has \(path)", fix: fix)
        }
    }

    private static func unopened(
        _ path: String, trying tried: String, code: Int32 = errno
    ) -> Failure {
        // A link, which is not followed, or a folder.
        if code == ELOOP || code == EISDIR {
            return Failure(
                .conflict, "\(tried): opening \(path): it is not a regular file",
                fix: "look at what \(path) is and move it away")
        }
        return Failure(
            .failed, "\(tried): opening \(path): \(errnoText(code))",
            fix: writingFix(code, in: LiveFiles.split(path).folder))
    }
}
