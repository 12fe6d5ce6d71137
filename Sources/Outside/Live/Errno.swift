import Glibc
import Model
import SystemPackage

/// What the last failed system call of this thread says of itself.
func errnoText(_ code: Int32 = errno) -> String { SystemPackage.Errno(rawValue: code).description }

/// A failed system call as a failure, `ENOENT` as `notFound`.
func systemFailure(_ tried: String, code: Int32 = errno) -> Failure {
    Failure(
        code == ENOENT ? .notFound : .failed, "\(tried): \(errnoText(code))",
        fix: permissionFix(code))
}

/// What to do about a missing permission; empty for any other code.
func permissionFix(_ code: Int32) -> String {
    code == EACCES || code == EPERM ? "run it again as its owner, or as root" : ""
}
