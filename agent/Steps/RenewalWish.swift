import Model
import Outside

/// That a person wants the certificate with this serial replaced before its time.
///
/// It is fulfilled as soon as another serial is there, so nothing has to take it back, and a
/// restart neither loses it nor does it twice. It makes a renewal due and nothing more: the order
/// budget still says when certbot may be tried.
struct RenewalWish: Codable, Hashable, Sendable {
    let serial: String

    /// Nil if nobody wished anything, or the file is damaged.
    static func read(_ path: String, _ files: any Files) throws -> RenewalWish? {
        guard let bytes = try files.readIfThere(path, bytesMax: 4 << 10) else { return nil }
        return try? JSON.decode(RenewalWish.self, from: bytes, what: path)
    }

    func save(_ path: String, _ files: any Files) throws {
        try files.replace(path, with: JSON.encode(self), mode: 0o600, op: "certificate.wish")
    }
}
