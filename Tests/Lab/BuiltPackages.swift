import Foundation
import Model

/// The Debian packages of this version that `make package` has built; older ones may lie beside.
struct BuiltPackages {
    let folder: String

    /// The absolute path of a package. Throws `notFound`.
    func file(_ package: String) throws -> String {
        let here = FileManager.default.currentDirectoryPath
        let folder = folder.hasPrefix("/") ? folder : "\(here)/\(folder)"
        let prefix = "\(package)_\(Release.version)_"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        guard let name = names.first(where: { $0.hasPrefix(prefix) && $0.hasSuffix(".deb") }) else {
            throw Failure(
                .notFound, "looking for \(prefix)*.deb in \(folder): it is not there",
                fix: "make package")
        }
        return "\(folder)/\(name)"
    }
}
