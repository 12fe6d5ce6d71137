extension UInt64 {
    /// So many bytes, `512 B` or `1.2 GiB`: for people.
    public var sizeText: String {
        guard self >= 1024 else { return "\(self) B" }
        var units = ["KiB", "MiB", "GiB", "TiB"][...]
        var whole = self
        while whole >= 1 << 20, units.count > 1 {
            whole /= 1024
            units.removeFirst()
        }
        return "\(whole / 1024).\(whole % 1024 * 10 / 1024) \(units.first ?? "")"
    }
}
