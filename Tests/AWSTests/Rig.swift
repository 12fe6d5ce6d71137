import Model
import Outside
import Support
import Synchronization
import Trust

@testable import AWS

/// Answers requests in turn with what a test recorded, and keeps them.
final class RecordedTransport: Transport {
    private struct State {
        var answers: [Result<HTTPResponse, Failure>]
        var requests: [HTTPS.Request] = []
    }
    private let state: Mutex<State>

    init(_ answers: [Result<HTTPResponse, Failure>]) { state = Mutex(State(answers: answers)) }

    var requests: [HTTPS.Request] { state.withLock { $0.requests } }

    func send(_ request: HTTPS.Request) async throws -> HTTPResponse {
        try state.withLock { state in
            state.requests.append(request)
            guard !state.answers.isEmpty else {
                throw Failure(.invalid, "recorded transport: \(request.url): no answer is left")
            }
            return try state.answers.removeFirst().get()
        }
    }
}

/// A client whose answers are recorded and whose clock moves by itself.
struct Rig {
    let fake = FakeWorld()
    let transport: RecordedTransport
    let client: AWSClient

    init(
        _ answers: Result<HTTPResponse, Failure>..., region: String = "eu-central-1",
        endpoint: String? = nil
    ) {
        transport = RecordedTransport(answers)
        client = AWSClient(
            credentials: AWSCredentials(
                accessKeyID: "AKIDEXAMPLE", secretAccessKey: Secret("wJalrXUtnFEMI"),
                sessionToken: Secret("token")),
            region: region, endpoint: endpoint, world: fake.world, transport: transport)
    }

    var requests: [HTTPS.Request] { transport.requests }
    var urls: [String] { requests.map(\.url) }
    var bodies: [String] { requests.map { String(decoding: $0.body, as: UTF8.self) } }
}

func answer(_ text: String, status: Int = 200) -> Result<HTTPResponse, Failure> {
    .success(HTTPResponse(status: status, body: Array(text.utf8)))
}

/// What `body` throws, if that is a failure.
func failure<Value>(_ body: () async throws -> Value) async -> Failure? {
    do {
        _ = try await body()
        return nil
    } catch { return error as? Failure }
}

let chat = DomainName(unchecked: "chat.example.org")
let zone = HostedZone(id: "N7NIC13A966KQKIQZ1854L", name: "example.org")

/// A list of hosted zones.
func zones(_ zones: (id: String, name: String, isPrivate: Bool)...) -> Result<HTTPResponse, Failure>
{
    let elements = zones.map {
        "<HostedZone><Id>/hostedzone/\($0.id)</Id><Name>\($0.name)</Name>"
            + "<Config><PrivateZone>\($0.isPrivate)</PrivateZone></Config></HostedZone>"
    }
    return answer("<R><HostedZones>\(elements.joined())</HostedZones></R>")
}

/// A list of record sets, each given as its inner XML.
func records(_ sets: String...) -> Result<HTTPResponse, Failure> {
    let elements = sets.map { "<ResourceRecordSet>\($0)</ResourceRecordSet>" }
    return answer("<R><ResourceRecordSets>\(elements.joined())</ResourceRecordSets></R>")
}

func record(_ name: String, _ type: String, _ value: String, ttl: Int = 60) -> String {
    "<Name>\(name)</Name><Type>\(type)</Type><TTL>\(ttl)</TTL>"
        + "<ResourceRecords><ResourceRecord><Value>\(value)</Value></ResourceRecord>"
        + "</ResourceRecords>"
}
