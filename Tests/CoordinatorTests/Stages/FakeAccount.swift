import Model
import Outside
import Support
import Synchronization

@testable import AWS

/// An AWS account in memory, behind the transport of our own client: what one call leaves the next
/// one finds. Its answers have the shapes that AWS and moto gave (Tests/AWSTests/Samples.swift).
final class FakeAccount: Transport {
    static let number = "123456789012"
    static let keyID = "AKIDEXAMPLE"
    static let nameServer = "ns-1.example.net"

    struct Zone: Hashable {
        let id: String
        let name: String
        var isPrivate = false
    }

    struct Record: Hashable {
        let name: String
        let type: String
        let ttl: Int
        let values: [String]
    }

    /// Something in EC2 that carries the cluster's tag.
    struct Resource: Hashable {
        let id: String
        let kind: String
        var isTerminated = false
        var isStopped = false
    }

    struct State {
        var zones = [Zone(id: "Z1EXAMPLE", name: "example.org")]
        var records: [Record] = []
        /// What the name servers answer: the records, some time after they changed.
        var served: [Record] = []
        var servedFrom = Duration.zero
        var resources: [Resource] = []
        /// Public addresses by instance.
        var addresses: [String: String] = [:]
        /// What every call gets instead of an answer.
        var refusal: (status: Int, code: String, message: String)?
        var changes = 0
    }

    /// How long Route 53 takes to spread a change.
    static let spreadTime = Duration.seconds(20)

    private let state = Mutex(State())
    private let fake: FakeWorld

    init(_ fake: FakeWorld) { self.fake = fake }

    func look<Value: Sendable>(_ body: (State) -> Value) -> Value { state.withLock { body($0) } }
    func change(_ body: (inout State) -> Void) { state.withLock { body(&$0) } }

    /// Puts a record there as somebody else did, long ago.
    func hold(_ record: Record) {
        change {
            $0.records.append(record)
            $0.served = $0.records
        }
    }

    /// What the zone's own name server holds.
    func lookup(_ domain: DomainName, at server: String) throws -> [String] {
        try fake.read("dns.question")
        let now = fake.clock.uptime()
        let found = state.withLock { state in
            if now >= state.servedFrom { state.served = state.records }
            return state.served.first { $0.name == domain.rawValue && $0.type == "A" }
        }
        guard server == Self.nameServer, let found else {
            throw Failure(.notFound, "asking \(server) for \(domain): it holds no A record")
        }
        return found.values.sorted()
    }

    func send(_ request: HTTPS.Request) async throws -> HTTPResponse {
        let call = Call(request)
        let isKnown = request.headers.contains {
            $0.key.lowercased() == "authorization" && $0.value.contains("=\(Self.keyID)/")
        }
        let refusal = look {
            $0.refusal
                ?? (isKnown
                    ? nil
                    : (
                        403, "InvalidClientTokenId",
                        "The security token included in the request is invalid."
                    ))
        }
        if let refusal { return Self.refused(refusal.status, refusal.code, refusal.message) }
        switch call.service {
        case "sts":
            try fake.read("sts.caller")
            return Self.answer(Self.caller)
        case "ec2":
            try fake.read("ec2.describe")
            return Self.answer(look { Self.describe(call, $0) })
        case "route53" where request.method == "POST":
            return try fake.effect("route53.change") { upsert(call) }
        case "route53":
            try fake.read("route53.read")
            return read(call)
        default: return Self.refused(404, "NoSuchService", call.service)
        }
    }

    // MARK: Route 53

    private func read(_ call: Call) -> HTTPResponse {
        let now = fake.clock.uptime()
        return look { state in
            let parts = call.path.split(separator: "/").map(String.init)
            switch parts.dropFirst().first {
            case "hostedzonesbyname": return Self.answer(Self.zones(from: call, state))
            case "change":
                let status = now >= state.servedFrom ? "INSYNC" : "PENDING"
                return Self.answer("<R>\(Self.changeInfo(state, status))</R>")
            case "hostedzone" where parts.last == "rrset":
                return Self.answer(Self.records(from: call.query["name"] ?? "", state))
            default:
                guard let zone = state.zones.first(where: { $0.id == parts.last }) else {
                    return Self.refused(
                        404, "NoSuchHostedZone",
                        "No hosted zone found with ID: \(parts.last ?? "")")
                }
                return Self.answer(
                    "<R>\(Self.element(zone))<DelegationSet><NameServers><NameServer>"
                        + "\(Self.nameServer)</NameServer></NameServers></DelegationSet></R>")
            }
        }
    }

    /// Lists start at a name and go on behind it: whoever asks has to compare.
    private static func zones(from call: Call, _ state: State) -> String {
        let start = backwards(call.query["dnsname"] ?? "")
        let found = state.zones.filter { backwards($0.name) >= start }
        return "<R><HostedZones>\(found.map(element).joined())</HostedZones></R>"
    }

    private static func records(from name: String, _ state: State) -> String {
        let sets = state.records.filter { backwards($0.name) >= backwards(name) }.map { record in
            let values = record.values.map {
                "<ResourceRecord><Value>\($0)</Value></ResourceRecord>"
            }
            return "<ResourceRecordSet><Name>\(record.name).</Name><Type>\(record.type)</Type>"
                + "<TTL>\(record.ttl)</TTL><ResourceRecords>\(values.joined())</ResourceRecords>"
                + "</ResourceRecordSet>"
        }
        return "<R><ResourceRecordSets>\(sets.joined())</ResourceRecordSets></R>"
    }

    private func upsert(_ call: Call) -> HTTPResponse {
        let now = fake.clock.uptime()
        return state.withLock { state in
            guard let xml = try? XML.parse(Array(call.body.utf8)),
                let change = xml.all("ChangeBatch", "Changes", "Change").first,
                let set = change.all("ResourceRecordSet").first
            else { return Self.refused(400, "MalformedXML", "no change") }
            let name = (set.text("Name") ?? "").split(separator: ".").joined(separator: ".")
            let record = Record(
                name: name, type: set.text("Type") ?? "",
                ttl: set.text("TTL").flatMap { Int($0) } ?? 0,
                values: set.all("ResourceRecords", "ResourceRecord").compactMap {
                    $0.text("Value")
                })
            let zone = state.zones.first { call.path.contains("/\($0.id)/") }
            guard let zone, name.hasSuffix(zone.name) else {
                return Self.refused(
                    400, "InvalidChangeBatch",
                    "RRSet with DNS name \(name). is not permitted in zone \(zone?.name ?? "").")
            }
            switch change.text("Action") {
            case "UPSERT":
                state.records.removeAll { $0.name == name && $0.type == record.type }
                state.records.append(record)
            case "DELETE" where state.records.contains(record):
                state.records.removeAll { $0 == record }
            default:
                return Self.refused(
                    400, "InvalidChangeBatch",
                    "Tried to delete resource record set [name='\(name).', type='A'] but it was "
                        + "not found")
            }
            state.changes += 1
            state.servedFrom = now + Self.spreadTime
            return Self.answer("<R>\(Self.changeInfo(state, "PENDING"))</R>")
        }
    }

    private static func changeInfo(_ state: State, _ status: String) -> String {
        "<ChangeInfo><Id>/change/C\(state.changes)</Id><Status>\(status)</Status></ChangeInfo>"
    }

    private static func element(_ zone: Zone) -> String {
        "<HostedZone><Id>/hostedzone/\(zone.id)</Id><Name>\(zone.name).</Name><Config>"
            + "<PrivateZone>\(zone.isPrivate)</PrivateZone></Config></HostedZone>"
    }

    /// Route 53 sorts names by their labels from the right.
    private static func backwards(_ name: String) -> String {
        name.split(separator: ".").reversed().joined(separator: ".")
    }
}

/// EC2, STS, and how all of them answer.
extension FakeAccount {
    /// One call as its service reads it.
    private struct Call {
        let service: String
        let path: String
        let query: [String: String]
        let body: String

        init(_ request: HTTPS.Request) {
            let rest = request.url.split(separator: "://", maxSplits: 1).last ?? ""
            let slash = rest.firstIndex(of: "/") ?? rest.endIndex
            let target = rest[slash...].split(separator: "?", maxSplits: 1)
            service = String(rest.prefix { $0 != "." })
            path = target.first.map(String.init) ?? "/"
            body = String(decoding: request.body, as: UTF8.self)
            let text = target.count == 2 ? String(target[1]) : ""
            query = Dictionary(
                text.split(separator: "&").map { pair in
                    let parts = pair.split(separator: "=", maxSplits: 1).map(String.init)
                    return (parts[0], parts.count == 2 ? parts[1] : "")
                }, uniquingKeysWith: { $1 })
        }
    }

    private static func describe(_ call: Call, _ state: State) -> String {
        guard call.body.contains("Action=DescribeTags") else {
            let items = state.resources.filter { $0.kind == "instance" && !$0.isTerminated }.map {
                let address = state.addresses[$0.id].map { "<ipAddress>\($0)</ipAddress>" } ?? ""
                let (code, name) = $0.isStopped ? (80, "stopped") : (16, "running")
                return "<item><instanceId>\($0.id)</instanceId><instanceState>"
                    + "<code>\(code)</code><name>\(name)</name></instanceState>\(address)</item>"
            }
            return "<R><reservationSet><item><instancesSet>\(items.joined())</instancesSet></item>"
                + "</reservationSet></R>"
        }
        // Terminated instances keep their tags for about an hour; nothing else outlives itself.
        let items = state.resources.map {
            "<item><resourceId>\($0.id)</resourceId><resourceType>\($0.kind)</resourceType>"
                + "<key>jeeves:cluster</key><value>chat</value></item>"
        }
        return "<R><tagSet>\(items.joined())</tagSet></R>"
    }

    private static let caller = """
        <R><GetCallerIdentityResult><Arn>arn:aws:iam::\(number):user/ann</Arn>\
        <UserId>AIDAEXAMPLE</UserId><Account>\(number)</Account></GetCallerIdentityResult></R>
        """

    private static func answer(_ xml: String) -> HTTPResponse {
        HTTPResponse(status: 200, body: Array(xml.utf8))
    }

    private static func refused(_ status: Int, _ code: String, _ text: String) -> HTTPResponse {
        let xml = """
            <ErrorResponse><Error><Type>Sender</Type><Code>\(code)</Code>\
            <Message>\(text)</Message></Error></ErrorResponse>
            """
        return HTTPResponse(status: status, body: Array(xml.utf8))
    }
}
