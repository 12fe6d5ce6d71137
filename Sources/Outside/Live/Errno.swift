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

/// What to do where nothing can be written in `folder`; empty for any other code.
func writingFix(_ code: Int32, in folder: String) -> String {
    switch code {
    case ENOSPC, EDQUOT: "free space there, see `df -h \(folder)`"
    // Linux does this to a disk that fails (ext4(5), errors=remount-ro).
    case EROFS: "see in `dmesg` why it is read-only, see `findmnt --target \(folder)`"
    default: permissionFix(code)
    }
}
