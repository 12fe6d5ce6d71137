import Foundation
import Model
import Testing

@testable import Trust

/// Requests and how botocore signed them (Fixtures/sigv4.py made them).
struct SignedByBotocore: Decodable {
    struct Case: Decodable, Sendable, CustomTestStringConvertible {
        let name: String
        let method: String
        let host: String
        let path: String
        let query: [[String]]
        let headers: [String: String]
        let body: String
        let region: String
        let service: String
        let token: String?
        let url: String
        let authorization: String

        var testDescription: String { name }

        var request: SigV4.Request {
            SigV4.Request(
                method: method, host: host, path: path,
                query: query.map { (name: $0[0], value: $0[1]) }, headers: headers,
                body: Array(body.utf8))
        }
    }

    let now: Date
    let accessKeyID: String
    let secretAccessKey: Secret
    let cases: [Case]

    static func read() throws -> SignedByBotocore {
        try JSON.decode(from: fixture("sigv4.json"), what: "Fixtures/sigv4.json")
    }

    func credentials(_ token: String?) -> AWSCredentials {
        AWSCredentials(
            accessKeyID: accessKeyID, secretAccessKey: secretAccessKey,
            sessionToken: token.map(Secret.init))
    }
}

struct SigV4Tests {
    let botocore: SignedByBotocore

    init() throws { botocore = try .read() }

    @Test(
        "requests are signed exactly as botocore signs them",
        arguments: try SignedByBotocore.read().cases)
    func sameAsBotocore(request: SignedByBotocore.Case) {
        let headers = SigV4(
            credentials: botocore.credentials(request.token), region: request.region,
            service: request.service
        ).headers(for: request.request, now: botocore.now)
        #expect(headers["authorization"] == request.authorization)
        #expect(headers["x-amz-date"] == "20261123T050338Z")
        #expect(headers["x-amz-security-token"] == request.token)
        let query = request.request.canonicalQuery
        #expect(
            "https://\(request.host)\(request.request.encodedPath)"
                + (query.isEmpty ? "" : "?\(query)")
                == request.url)
    }

    @Test("a second later, another key or another body is another signature")
    func everythingIsSigned() throws {
        let request = try #require(botocore.cases.first)
        func signature(
            key: Secret? = nil, body: String? = nil, after seconds: TimeInterval = 0
        ) -> String? {
            var changed = request.request
            if let body { changed.body = Array(body.utf8) }
            return SigV4(
                credentials: AWSCredentials(
                    accessKeyID: botocore.accessKeyID,
                    secretAccessKey: key ?? botocore.secretAccessKey,
                    sessionToken: request.token.map(Secret.init)),
                region: request.region, service: request.service
            ).headers(for: changed, now: botocore.now.addingTimeInterval(seconds))["authorization"]
        }
        let signatures = [
            signature(), signature(after: 1), signature(key: Secret("other")), signature(body: ""),
        ]
        #expect(signatures[0] == request.authorization)
        #expect(Set(signatures).count == 4)
    }
}
