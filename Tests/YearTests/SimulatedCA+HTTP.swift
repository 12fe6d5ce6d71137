import Foundation
import Model
import Outside
import Tools

extension SimulatedCA {
    /// Its directory and its renewal information, as the agent asks for them.
    func serve(on node: SimulatedNode) {
        let endpoint = Endpoint.tls(host: host, port: 443, rootsPEM: "")
        node.fake.network.on("GET", endpoint, "/") { [self] request in
            guard node.isClockTrusted else {
                throw Failure(.unauthorized, "the certificate of \(host): it is not valid now")
            }
            var response = try answer(request.target, about: node.domain, at: node.now)
            response.headers["date"] = Self.dates.string(from: node.now)
            return response
        }
        node.fake.network.on("HEAD", .tcp(host: host, port: 80), "/") { _ in
            HTTPResponse(status: 301, headers: ["date": Self.dates.string(from: node.now)])
        }
    }

    private func answer(
        _ target: String, about domain: DomainName, at now: Date
    ) throws -> HTTPResponse {
        if let number = outages.firstIndex(where: { $0.contains(now) }) {
            if number.isMultiple(of: 2) {
                throw Failure(.unavailable, "connecting to \(host): Connection refused")
            }
            return HTTPResponse(status: 503)
        }
        let parts = target.split(separator: "/")
        if parts == ["directory"] { return HTTPResponse(status: 200, body: Array(document.utf8)) }
        guard parts.count == 2, parts[0] == "renewal-info", hasRenewalInfo,
            let serial = Self.serial(of: parts[1]), let record = record(serial, of: domain)
        else { return HTTPResponse(status: 404) }
        let window = window(of: record, at: now)
        let text = """
            {"suggestedWindow": {
              "start": "\(window.lowerBound.formatted(.iso8601))",
              "end": "\(window.upperBound.formatted(.iso8601))"}}
            """
        return HTTPResponse(
            status: 200, headers: ["retry-after": "21600"], body: Array(text.utf8))
    }

    private var document: String {
        let renewalInfo = hasRenewalInfo ? "\"renewalInfo\": \"https://\(host)/renewal-info\"," : ""
        return "{\(renewalInfo) \"newOrder\": \"https://\(host)/order\"}"
    }

    /// Of a certificate's name in RFC 9773 §4.1: `KEY-IDENTIFIER.SERIAL`, both base64url.
    private static func serial(of name: Substring) -> UInt64? {
        guard let last = name.split(separator: ".").last else { return nil }
        let text = last.replacing("-", with: "+").replacing("_", with: "/")
        let padding = String(repeating: "=", count: (4 - text.count % 4) % 4)
        return Data(base64Encoded: text + padding)?.reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// RFC 9110 §5.6.7.
    private static let dates: DateFormatter = {
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.timeZone = TimeZone(identifier: "GMT")
        formatter.dateFormat = "EEE, dd MMM yyyy HH:mm:ss 'GMT'"
        return formatter
    }()
}
