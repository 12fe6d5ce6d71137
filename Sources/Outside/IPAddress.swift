import Glibc

/// One address of IPv4 or IPv6, so that two spellings of it are equal.
public struct IPAddress: Sendable, Hashable, CustomStringConvertible {
    /// Four or sixteen.
    public let bytes: [UInt8]

    /// RDATA of an A or AAAA record. Nil if it has another length.
    public init?(_ bytes: [UInt8]) {
        guard [4, 16].contains(bytes.count) else { return nil }
        self.bytes = bytes
    }

    /// Nil if the text is no address.
    public init?(_ text: String) {
        let family = text.contains(":") ? AF_INET6 : AF_INET
        var bytes = [UInt8](repeating: 0, count: family == AF_INET6 ? 16 : 4)
        guard inet_pton(family, text, &bytes) == 1 else { return nil }
        self.bytes = bytes
    }

    public var isIPv6: Bool { bytes.count == 16 }

    /// Whether nobody on the internet can mean it (RFC 6890): what a resolver inside a network says
    /// there is not what others are told.
    public var isLocal: Bool {
        if isIPv6 {
            return bytes[0] & 0xFE == 0xFC || (bytes[0] == 0xFE && bytes[1] & 0xC0 == 0x80)
        }
        return switch (bytes[0], bytes[1]) {
        case (10, _), (127, _), (192, 168), (169, 254), (172, 16...31), (100, 64...127): true
        default: false
        }
    }

    public var description: String {
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        inet_ntop(isIPv6 ? AF_INET6 : AF_INET, bytes, &text, socklen_t(text.count))
        return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
