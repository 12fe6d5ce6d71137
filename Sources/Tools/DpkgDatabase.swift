import Model

/// What `/var/lib/dpkg/status` says of each package (dpkg(1); deb822(5)). Never runs dpkg.
public struct DpkgDatabase: Sendable, Hashable {
    /// Packages that are installed and configured.
    public let installed: Set<String>
    /// Packages that a dpkg run left half done.
    public let unfinished: Set<String>

    /// Largest database read: some 30,000 packages.
    public static let bytesMax = 32 << 20

    /// Reads bytes, not strings: it is done in every pass, and the file has megabytes.
    public init(_ bytes: [UInt8]) {
        var installed: Set<String> = []
        var unfinished: Set<String> = []
        var name: ArraySlice<UInt8> = []
        var rest = bytes[...]
        // One line after the other: a list of all of them would be as large as the file again.
        while !rest.isEmpty {
            let line = rest.prefix { $0 != UInt8(ascii: "\n") }
            rest = rest.dropFirst(line.count + 1)
            if line.starts(with: Self.packageField) {
                name = line.dropFirst(Self.packageField.count)
            } else if line.starts(with: Self.statusField) {
                switch line.split(separator: UInt8(ascii: " ")).last.map(Self.text) {
                case "installed": installed.insert(Self.text(name))
                case "unpacked", "half-configured", "half-installed", "triggers-awaited",
                    "triggers-pending":
                    unfinished.insert(Self.text(name))
                default: break
                }
            }
        }
        (self.installed, self.unfinished) = (installed, unfinished)
    }

    private static let packageField = Array("Package: ".utf8)
    private static let statusField = Array("Status: ".utf8)

    private static func text(_ bytes: ArraySlice<UInt8>) -> String {
        String(decoding: bytes, as: UTF8.self)
    }
}
