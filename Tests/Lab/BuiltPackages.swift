import Foundation
import Model

/// The Debian packages that `make package` has built.
struct BuiltPackages {
    let folder: String

    /// The absolute path of the package whose name begins so. Throws `notFound`.
    func file(_ prefix: String) throws -> String {
        let here = FileManager.default.currentDirectoryPath
        let folder = folder.hasPrefix("/") ? folder : "\(here)/\(folder)"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        guard let name = names.first(where: { $0.hasPrefix(prefix) && $0.hasSuffix(".deb") }) else {
            throw Failure(
                .notFound, "looking for \(prefix)*.deb in \(folder): it is not there",
                fix: "make package")
        }
        return "\(folder)/\(name)"
    }
}
