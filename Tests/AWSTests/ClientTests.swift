import FoundationEssentials
import Model
import Outside
import Support
import Synchronization
import Testing
import Trust

@testable import AWS

@Suite struct ClientTests {
    private let caller = answer(
        """
        <GetCallerIdentityResponse><GetCallerIdentityResult>\
        <Arn>arn:aws:sts::123456789012:assumed-role/jeeves-node/i-0123456789abcdef0</Arn>\
        <UserId>AROA:i-0123456789abcdef0</UserId><Account>123456789012</Account>\
        </GetCallerIdentityResult></GetCallerIdentityResponse>
        """)
    private let throttled = answer(
        "<ErrorResponse><Error><Code>Throttling</Code><Message>Rate exceeded</Message></Error>"
            + "</ErrorResponse>", status: 400)

    @Test("a call is signed for its service and region, with the session token among the headers")
    func signing() async throws {
        let rig = Rig(caller)
        let identity = try await STS(client: rig.client).caller()
        #expect(identity.account == "123456789012")
        #expect(identity.roleName == "jeeves-node")
        #expect(identity.sessionName == "i-0123456789abcdef0")

        let request = try #require(rig.requests.first)
        #expect(request.method == "POST")
        #expect(request.url == "https://sts.eu-central-1.amazonaws.com/")
        #expect(rig.bodies == ["Action=GetCallerIdentity&Version=2011-06-15"])
        var headers = request.headers
        let authorization = headers.removeValue(forKey: "authorization") ?? "none"
        #expect(
            headers == [
                "content-type": "application/x-www-form-urlencoded; charset=utf-8",
                "host": "sts.eu-central-1.amazonaws.com", "x-amz-date": "20260101T000000Z",
                "x-amz-security-token": "token",
            ])
        #expect(
            authorization.hasPrefix(
                "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/eu-central-1/sts/aws4_request, "
                    + "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token, Signature=")
        )
    }

    @Test("a role's credentials are replaced before their end, and kept while there are no others")
    func expiry() async throws {
        let fake = FakeWorld()
        let start = fake.clock.now()
        let transport = RecordedTransport(Array(repeating: caller, count: 5))
        let nextOnes = Mutex<[AWSCredentials?]>([nil, role("second", until: start + 90_000), nil])
        let client = AWSClient(
            credentials: role("first", until: start + 3600), region: "eu-central-1",
            world: fake.world, transport: transport
        ) {
            let next = nextOnes.withLock { $0.removeFirst() }
            guard let next else { throw Failure(.unavailable, "no metadata") }
            return next
        }
        func call(at seconds: Double) async throws {
            fake.clock.setWall(start + seconds)
            _ = try await STS(client: client).caller()
        }
        for seconds in [0.0, 3299, 3301, 3302, 80_000] { try await call(at: seconds) }
        let keys = transport.requests.map { request in
            ["first", "second"].first {
                request.headers["authorization"]?.contains("=\($0)/") == true
            }
        }
        #expect(keys == ["first", "first", "first", "second", "second"])
        let ended = await failure { try await call(at: 90_001) }
        #expect(ended?.message.contains("no metadata") == true)
        #expect(transport.requests.count == 5)
    }

    private func role(_ id: String, until end: Date) -> AWSCredentials {
        AWSCredentials(
            accessKeyID: id, secretAccessKey: Secret("s"), sessionToken: Secret("t"), expires: end)
    }

    @Test("throttling is waited out by its code, whatever the status, and signed anew each time")
    func throttling() async throws {
        let busy = answer(
            "<Response><Errors><Error><Code>RequestLimitExceeded</Code><Message>m</Message></Error>"
                + "</Errors></Response>", status: 503)
        let rig = Rig(
            throttled, busy, .failure(Failure(.unavailable, "no connection")),
            answer("", status: 502),
            caller)
        let before = rig.fake.clock.uptime()
        _ = try await STS(client: rig.client).caller()
        #expect(rig.requests.count == 5)
        let waited = rig.fake.clock.uptime() - before
        #expect(waited > .zero && waited < .milliseconds(250 + 500 + 1000 + 2000))
    }

    @Test("attempts end, and the last reason is told")
    func attemptsEnd() async throws {
        let rig = Rig(throttled, throttled, throttled, throttled, throttled, throttled, throttled)
        let found = await failure { try await STS(client: rig.client).caller() }
        #expect(rig.requests.count == AWSClient.attemptsMax)
        #expect(found?.code == .unavailable)
        #expect(found?.message == "asking AWS who we are: AWS says Throttling: Rate exceeded")
    }

    @Test("neither a timeout nor a refusal is repeated")
    func noRetry() async throws {
        let late = Rig(.failure(Failure(.timeout, "late")))
        #expect(await failure { try await STS(client: late.client).caller() }?.code == .timeout)
        let refused = Rig(
            answer(
                "<ErrorResponse><Error><Code>InvalidClientTokenId</Code>"
                    + "<Message>m</Message></Error></ErrorResponse>", status: 403))
        let found = await failure { try await STS(client: refused.client).caller() }
        #expect(found?.code == .unauthorized)
        #expect(found?.fix.contains("access key") == true)
        #expect(late.requests.count + refused.requests.count == 2)
    }

    @Test(
        "every shape of error is read and has the code that decides what to do next",
        arguments: [
            (404, Samples.noSuchZone, Failure.Code.notFound, "No hosted zone found with ID: ZNOPE"),
            (400, Samples.outsideZone, .invalid, "is not permitted in zone example.org."),
            (400, Samples.ec2Error, .notFound, "The instance ID 'i-0badbadbadbad0000'"),
            (
                400,
                "<InvalidChangeBatch><Messages><Message>one</Message><Message>two</Message>"
                    + "</Messages></InvalidChangeBatch>", .invalid, "InvalidChangeBatch: one; two"
            ),
            (403, "<html>proxy", .unauthorized, "HTTP403: no reason given"),
            (
                403,
                "<ErrorResponse><Error><Code>AccessDenied</Code><Message>m</Message></Error>"
                    + "</ErrorResponse>", .unauthorized, "AccessDenied: m"
            ),
        ])
    func errors(status: Int, body: String, code: Failure.Code, message: String) {
        let found = Refusal(HTTPResponse(status: status, body: Array(body.trimmed.utf8)))
            .failure("trying")
        #expect(found.code == code)
        #expect(found.message.hasPrefix("trying: AWS says "))
        #expect(found.message.contains(message), "\(found.message)")
    }

    @Test(
        "each service has its endpoint in each partition",
        arguments: [
            (Service.route53, "eu-central-1", "route53.amazonaws.com", "us-east-1"),
            (.route53, "cn-north-1", "route53.amazonaws.com.cn", "cn-northwest-1"),
            (.route53, "us-gov-east-1", "route53.us-gov.amazonaws.com", "us-gov-west-1"),
            (.ec2, "eu-central-1", "ec2.eu-central-1.amazonaws.com", "eu-central-1"),
            (.sts, "cn-north-1", "sts.cn-north-1.amazonaws.com.cn", "cn-north-1"),
        ])
    func endpoints(service: Service, region: String, host: String, signed: String) throws {
        let place = try service.place(region: region, endpoint: nil)
        #expect(place == Service.Place(url: "https://\(host)", host: host, region: signed))
    }

    @Test("AWS_ENDPOINT_URL takes the place of all; nonsense in it or in the region is refused")
    func override() throws {
        let place = try Service.route53.place(
            region: "eu-central-1", endpoint: "http://127.0.0.1:5000/")
        #expect(
            place
                == Service.Place(
                    url: "http://127.0.0.1:5000", host: "127.0.0.1:5000", region: "us-east-1"))
        #expect(
            try Service.ec2.place(region: "a", endpoint: "https://lab:443").host == "lab")
        for endpoint in ["ftp://x", "127.0.0.1:5000", "http://", "http://a/b", "http://a@b"] {
            #expect(throws: Failure.self) {
                try Service.ec2.place(region: "eu-central-1", endpoint: endpoint)
            }
        }
        for region in ["", "eu.evil.example/", "EU"] {
            #expect(throws: Failure.self) { try Service.ec2.place(region: region, endpoint: nil) }
        }
    }

    @Test("a node's proof is sent as it was signed, to our endpoint and nowhere else")
    func replay() async throws {
        let rig = Rig(caller, endpoint: "http://127.0.0.1:5000")
        let headers = ["host": "sts.eu-central-1.amazonaws.com", "authorization": "theirs"]
        _ = try await STS(client: rig.client).replay(headers: headers, body: Array("Action=x".utf8))
        #expect(rig.requests.first?.headers == headers)
        #expect(rig.urls == ["http://127.0.0.1:5000/"])
        #expect(rig.bodies == ["Action=x"])
    }

    @Test(
        "only an assumed role has a role and a session",
        arguments: [
            "arn:aws:iam::1:user/ann", "arn:aws:sts::1:assumed-role/only", "arn:aws:sts::1", "",
            "arn:aws:sts::1:federated-user/a/b", "arn:aws:sts::1:assumed-role//i-1",
        ])
    func callers(arn: String) {
        let identity = CallerIdentity(account: "1", arn: arn)
        #expect(identity.roleName == "(none)")
        #expect(identity.sessionName == "(none)")
    }
}
