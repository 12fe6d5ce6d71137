import Glibc
import Model
import SystemPackage

/// What the last failed system call of this thread says of itself.
func errnoText(_ code: Int32 = errno) -> String { SystemPackage.Errno(rawValue: code).description }

/// A failed system call as a failure, `ENOENT` as `notFound`.
func systemFailure(_ tried: String, code: Int32 = errno) -> Failure {
    Failure(
        code == ENOENT ? .notFound : .failed, "\(tried): \(errnoText(code))",
        fix: code == EACCES || code == EPERM ? "do it as the owner of that, or as root" : "")
}
