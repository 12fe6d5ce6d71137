/// `coordinator.statusPage`: where `jeeves serve` shows how the cluster is, to whoever can connect.
public struct StatusPageSection: Section {
    /// `address:port` to listen on; empty turns the page off.
    public var address: String
    /// Whether other machines may reach `address`: nobody is asked who they are.
    public var exposed: Bool

    public enum CodingKeys: String, CodingKey, CaseIterable { case address, exposed }

    /// The port beside `coordinator.packagePort`.
    static let addressDefault = "127.0.0.1:7481"

    public init() { (address, exposed) = (Self.addressDefault, false) }

    public init(from decoder: any Decoder) throws {
        let file = try decoder.container(keyedBy: CodingKeys.self)
        address = try file.decode(.address, or: Self.addressDefault)
        exposed = try file.decode(.exposed, or: false)
    }

    /// Where to listen; nil if the page is off.
    public var place: (host: String, port: UInt16)? {
        guard let colon = address.lastIndex(of: ":"),
            let port = UInt16(address[address.index(after: colon)...])
        else { return nil }
        return (address[..<colon].filter { $0 != "[" && $0 != "]" }, port)
    }

    /// Whether only this machine can reach it (RFC 1122 §3.2.1.3, RFC 4291 §2.5.3).
    public var isLoopback: Bool {
        guard let host = place?.host else { return true }
        return host == "::1" || host == "localhost"
            || (host.hasPrefix("127.") && host.allSatisfy { $0.isNumber || $0 == "." })
    }
}

extension StatusPageSection {
    func problems(beside coordinator: CoordinatorSection) -> [ClusterSpec.Problem] {
        guard !address.isEmpty else { return [] }
        var found: [ClusterSpec.Problem] = []
        func check(_ isRight: Bool, _ message: String, _ fix: String) {
            let path = "coordinator.statusPage"
            if !isRight { found.append(.init(path: path, message: message, fix: fix)) }
        }
        check(
            isHostPort(address), "\"\(address)\" is not address:port",
            "write \(Self.addressDefault), or \"\" for no page")
        check(
            isLoopback || exposed, "\(address) can be reached from other machines",
            "write \(Self.addressDefault), or add `exposed: true` if everybody who reaches it may "
                + "see the page")
        check(
            place?.port != coordinator.packagePort,
            "its port is that of `coordinator.packagePort`", "write another port")
        return found
    }
}
