import Model
import Outside
import Trust

/// A query or form as name and value, not yet encoded.
typealias Fields = [(name: String, value: String)]

/// Signs and sends AWS calls, and repeats those that AWS was too busy for.
public struct AWSClient: Sendable {
    /// Attempts at one call, and the longest wait between two.
    static let attemptsMax = 6
    static let waitMax = Duration.seconds(8)

    private let credentials: CurrentCredentials
    private let region: String
    private let endpoint: String?
    private let world: World
    private let transport: any Transport

    /// `renew` finds the next credentials, before those that have an end come to it. `endpoint`
    /// takes the place of every service's own (`AWS_ENDPOINT_URL`).
    public init(
        credentials: AWSCredentials, region: String, endpoint: String? = nil, world: World,
        transport: any Transport = CurlTransport(),
        renew: (@Sendable () async throws -> AWSCredentials)? = nil
    ) {
        self.credentials = CurrentCredentials(
            credentials, clock: world.clock, find: renew ?? { credentials })
        self.region = region
        self.endpoint = endpoint
        self.world = world
        self.transport = transport
    }

    var clock: any Clocks { world.clock }

    /// Reads with GET. `what` says in an error what was tried.
    func get(_ service: Service, _ path: String, _ query: Fields, _ what: String) async throws
        -> XML
    {
        try await call(service, "GET", path, query, headers: [:], body: [], what)
    }

    /// Sends an XML document.
    func post(_ service: Service, _ path: String, xml: String, _ what: String) async throws -> XML {
        try await call(
            service, "POST", path, [], headers: ["Content-Type": "text/xml"], body: Array(xml.utf8),
            what)
    }

    /// Calls an action of a Query API (EC2, STS).
    func action(_ service: Service, _ fields: Fields, _ what: String) async throws -> XML {
        let form = "application/x-www-form-urlencoded; charset=utf-8"
        return try await call(
            service, "POST", "/", [], headers: ["Content-Type": form],
            body: Array(Self.encode(fields).utf8), what)
    }

    /// Sends what somebody else signed, as it is, to the service's endpoint: headers and body are
    /// theirs, the place is ours.
    func replay(_ service: Service, headers: [String: String], body: [UInt8], _ what: String)
        async throws -> XML
    {
        let place = try service.place(region: region, endpoint: endpoint)
        return try await attempt(what) {
            HTTPS.Request("POST", url: "\(place.url)/", headers: headers, body: body)
        }
    }

    private func call(
        _ service: Service, _ method: String, _ path: String, _ query: Fields,
        headers: [String: String], body: [UInt8], _ what: String
    ) async throws -> XML {
        let place = try service.place(region: region, endpoint: endpoint)
        let signer = SigV4(
            credentials: try await credentials.value(), region: place.region,
            service: service.rawValue)
        let plain = SigV4.Request(
            method: method, host: place.host, path: path, query: query,
            headers: headers, body: body)
        let target = plain.encodedPath + (query.isEmpty ? "" : "?\(plain.canonicalQuery)")
        return try await attempt(what) {
            // Signed anew each time: a signature is good for a few minutes only.
            HTTPS.Request(
                method, url: place.url + target,
                headers: signer.headers(for: plain, now: world.clock.now()), body: body)
        }
    }

    /// Full jitter over a window that doubles ("Exponential Backoff And Jitter", AWS Architecture
    /// Blog). All calls made here may safely be made twice.
    private func attempt(
        _ what: String, _ request: () throws -> HTTPS.Request
    ) async throws -> XML {
        var window = Duration.milliseconds(250)
        var attempts = 0
        while true {
            let failure: Failure
            do {
                let answer = try await transport.send(request())
                if (200...299).contains(answer.status) {
                    return try read(answer, what)
                }
                let refusal = Refusal(answer)
                guard refusal.isTransient else { throw refusal.failure(what) }
                failure = refusal.failure(what)
            } catch let trouble as Failure where trouble.code == .unavailable {
                failure = trouble.context(what)
            }
            attempts += 1
            guard attempts < Self.attemptsMax else { throw failure }
            try await world.clock.sleep(world.chance.jitter(window), op: "aws.retry")
            window = min(window * 2, Self.waitMax)
        }
    }

    private func read(_ answer: HTTPResponse, _ what: String) throws -> XML {
        do { return try XML.parse(answer.body) } catch let failure as Failure {
            throw Failure(
                failure.code, "\(what): \(failure.message)",
                fix: "see what answers in AWS's place: a proxy, or AWS_ENDPOINT_URL")
        }
    }

    /// A form's fields are encoded as those of a query.
    private static func encode(_ fields: Fields) -> String {
        SigV4.Request(method: "POST", host: "", query: fields).canonicalQuery
    }
}

/// The services that are called, by the name they are signed with.
enum Service: String, Sendable {
    case route53, ec2, sts

    struct Place: Hashable, Sendable {
        /// Scheme and authority, without a path.
        let url: String
        let host: String
        /// Region of the signature.
        let region: String
    }

    /// Throws `invalid` for a region that is none, or an endpoint that is no plain URL.
    func place(region: String, endpoint: String?) throws -> Place {
        let signed = try signingRegion(region)
        guard let endpoint else {
            let host = host(region)
            return Place(url: "https://\(host)", host: host, region: signed)
        }
        let url = endpoint.hasSuffix("/") ? String(endpoint.dropLast()) : endpoint
        let parts = url.split(separator: "://", maxSplits: 1)
        guard parts.count == 2, parts[0] == "http" || parts[0] == "https", !parts[1].isEmpty,
            parts[1].allSatisfy({
                $0.isASCII && ($0.isLetter || $0.isNumber || ".-:[]".contains($0))
            })
        else {
            throw Failure(
                .invalid, "reading AWS_ENDPOINT_URL: it must be http(s)://host[:port]",
                fix: "unset AWS_ENDPOINT_URL, or set it to such a URL")
        }
        return Place(url: url, host: Self.hostHeader(parts[0], parts[1]), region: signed)
    }

    /// The port is left out where it is the scheme's own, as libcurl does.
    private static func hostHeader(_ scheme: Substring, _ authority: Substring) -> String {
        let ownPort = scheme == "https" ? ":443" : ":80"
        return String(authority.hasSuffix(ownPort) ? authority.dropLast(ownPort.count) : authority)
    }

    /// Route 53 is one service for a whole partition ("Amazon Route 53 endpoints and quotas").
    private func signingRegion(_ region: String) throws -> String {
        guard (1...32).contains(region.utf8.count),
            region.utf8.allSatisfy({
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
                    || $0 == UInt8(ascii: "-")
            })
        else {
            throw Failure(
                .invalid, "choosing an AWS endpoint: \"\(region.prefix(32))\" is no region",
                fix: "set `aws.region`, for example eu-central-1")
        }
        guard self == .route53 else { return region }
        if region.hasPrefix("cn-") { return "cn-northwest-1" }
        return region.hasPrefix("us-gov-") ? "us-gov-west-1" : "us-east-1"
    }

    private func host(_ region: String) -> String {
        let isChina = region.hasPrefix("cn-")
        guard self == .route53 else {
            return "\(rawValue).\(region).amazonaws.com\(isChina ? ".cn" : "")"
        }
        if isChina { return "route53.amazonaws.com.cn" }
        return region.hasPrefix("us-gov-")
            ? "route53.us-gov.amazonaws.com" : "route53.amazonaws.com"
    }
}
