import Glibc
import Outside
import Support
import Testing

/// A folder that is gone with all in it when the test ends.
final class TemporaryFolder: Sendable {
    let path: String
    private let files = World.live().files

    init() throws {
        var template = Array("/tmp/jeeves-test-XXXXXX".utf8CString)
        let made = try #require(mkdtemp(&template))
        path = String(cString: made)
    }

    deinit { files.clear(path) }

    func file(_ name: String) -> String { "\(path)/\(name)" }
}
