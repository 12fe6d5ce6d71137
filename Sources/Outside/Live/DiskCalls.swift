import Glibc

/// The system calls by which ``LiveFiles`` changes what is in a folder: as they are, or as a test
/// writes them down to play what a power cut leaves of them.
struct DiskCalls: Sendable {
    /// A new file of that name in an open folder.
    var create: @Sendable (_ folder: Int32, _ name: String, _ mode: UInt16) -> Int32 = {
        openat($0, $1, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode_t($2))
    }
    var write: @Sendable (_ file: Int32, _ bytes: UnsafeRawBufferPointer) -> Int = {
        Glibc.write($0, $1.baseAddress, $1.count)
    }
    /// Of an open file or folder.
    var sync: @Sendable (_ number: Int32) -> Int32 = { fsync($0) }
    var rename: @Sendable (_ folder: Int32, _ name: String, _ new: String) -> Int32 = {
        renameat($0, $1, $0, $2)
    }
    /// Not of folders. `folder` does not matter for an absolute path.
    var remove: @Sendable (_ folder: Int32, _ name: String) -> Int32 = { unlinkat($0, $1, 0) }
}
