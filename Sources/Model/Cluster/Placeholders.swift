extension ClusterSpec {
    private static let domains = ["example.com", "example.net", "example.org"]

    /// Values of an example that nobody has written over: right by their form, and lead nowhere.
    public func placeholders() -> [Problem] {
        var found: [Problem] = []
        func check(_ host: some StringProtocol, _ path: String, _ fix: String) {
            guard Self.isPlaceholder(host.lowercased()) else { return }
            found.append(
                Problem(path: path, message: "\(host) is kept for examples", fix: fix))
        }
        check(domain.rawValue, "domain", "write the name under which people shall reach the chat")
        for (index, address) in coordinator.addresses.enumerated() {
            let host = address.prefix(upTo: address.lastIndex(of: ":") ?? address.endIndex)
            check(
                host, "coordinator.addresses.\(index)",
                "write where the nodes can reach this machine")
        }
        let mailHost = certificate.email.split(separator: "@").last ?? ""
        check(mailHost, "certificate.email", "write the address that the CA may write to")
        return found
    }

    /// Names of RFC 2606 §3, and the block of RFC 5737 that the example is from: nobody has them.
    private static func isPlaceholder(_ host: String) -> Bool {
        host.hasPrefix("203.0.113.")
            || domains.contains { host == $0 || host.hasSuffix(".\($0)") }
    }
}
