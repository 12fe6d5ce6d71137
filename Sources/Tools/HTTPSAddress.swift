import Model
import Outside

/// Where an `https` URL leads, in the parts that a request needs (RFC 9110 §4.2.2).
public struct HTTPSAddress: Hashable, Sendable {
    /// A name or an address, lower-case, without brackets.
    public let host: String
    public let port: UInt16
    /// Path and query, as sent.
    public let target: String

    static let bytesMax = 2000

    /// Throws `invalid` for anything but `https://HOST[:PORT][/PATH][?QUERY]` in printable ASCII:
    /// what comes from outside has no user, password or fragment to bring.
    public init(_ text: String) throws {
        let refusal = Failure(
            .invalid, "reading the URL `\(text.prefix(200))`: it is not https://HOST[:PORT]/PATH")
        let scheme = "https://"
        guard text.utf8.count <= Self.bytesMax,
            text.utf8.allSatisfy({ (0x21...0x7e).contains($0) && $0 != UInt8(ascii: "#") }),
            text.prefix(scheme.count).lowercased() == scheme
        else { throw refusal }
        let rest = text.dropFirst(scheme.count)
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        guard let (host, port) = Self.split(authority.lowercased()) else { throw refusal }
        (self.host, self.port) = (host, port)
        let target = rest.dropFirst(authority.count)
        self.target = target.hasPrefix("/") ? String(target) : "/\(target)"
    }

    private init(host: String, port: UInt16, target: String) {
        (self.host, self.port, self.target) = (host, port, target)
    }

    /// The same server's `name` below this path.
    public func appending(_ name: String) -> HTTPSAddress {
        let folder = target.hasSuffix("/") ? target : "\(target)/"
        return HTTPSAddress(host: host, port: port, target: folder + name)
    }

    public func isSameServer(as other: HTTPSAddress) -> Bool {
        host == other.host && port == other.port
    }

    /// A question to it; its server must have a certificate that chains to `rootsPEM`, or to the
    /// system's roots if that is empty.
    public func get(rootsPEM: String) -> HTTPRequest {
        HTTPRequest(
            "GET", .tls(host: host, port: port, rootsPEM: rootsPEM), target,
            headers: ["Accept": "application/json", "User-Agent": "jeeves"])
    }

    /// Nil unless it is `HOST`, `HOST:PORT` or the same with an IPv6 address in brackets.
    private static func split(_ authority: String) -> (host: String, port: UInt16)? {
        let host: Substring
        let tail: Substring
        if authority.hasPrefix("[") {
            host = authority.dropFirst().prefix { $0 != "]" }
            tail = authority.dropFirst(host.count + 2)
            guard authority.contains("]"),
                host.allSatisfy({ $0.isHexDigit || $0 == ":" || $0 == "." })
            else { return nil }
        } else {
            host = authority.prefix { $0 != ":" }
            tail = authority.dropFirst(host.count)
            guard host.allSatisfy({ $0.isLetter || $0.isNumber || $0 == "." || $0 == "-" }) else {
                return nil
            }
        }
        guard !host.isEmpty else { return nil }
        if tail.isEmpty { return (String(host), 443) }
        guard tail.hasPrefix(":"), let port = UInt16(tail.dropFirst()), port > 0 else { return nil }
        return (String(host), port)
    }
}

extension HTTPSAddress: CustomStringConvertible {
    public var description: String {
        let name = host.contains(":") ? "[\(host)]" : host
        return "https://\(name)\(port == 443 ? "" : ":\(port)")\(target)"
    }
}
