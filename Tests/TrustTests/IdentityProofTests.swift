import Foundation
import Model
import Support
import Testing

@testable import Trust

struct IdentityProofTests {
    private static let nonce = "a1b2c3d4e5f60718"
    private static let region = "eu-central-1"

    let botocore: SignedByBotocore
    let csr: String
    let headers: [String: String]

    init() throws {
        botocore = try .read()
        csr = try KeyPair.make().csrPEM()
        headers = try IdentityProof.sign(
            nonce: Self.nonce, csrPEM: csr, cluster: Forge.cluster,
            credentials: botocore.credentials("TOKEN"), region: Self.region, now: botocore.now)
    }

    private func judge(
        _ headers: [String: String], nonce: String = nonce, csr: String? = nil,
        cluster: ClusterID = Forge.cluster, region: String = region, after seconds: TimeInterval = 0
    ) throws -> IdentityProof.Call {
        try IdentityProof.judge(
            headers: headers, nonce: nonce, csrPEM: csr ?? self.csr, cluster: cluster,
            region: region, now: botocore.now.addingTimeInterval(seconds))
    }

    @Test("the proof is what botocore would sign for the same headers")
    func sameAsBotocore() throws {
        let request = try #require(botocore.cases.first { $0.name == "proof of identity" })
        let ours = SigV4(
            credentials: botocore.credentials(request.token), region: request.region,
            service: request.service
        ).headers(for: request.request, now: botocore.now)
        #expect(ours["authorization"] == request.authorization)
        #expect(request.headers["content-type"] == IdentityProof.contentType)
        #expect(Array(request.body.utf8) == IdentityProof.body)
        #expect(Set(headers.keys) == Set(ours.keys))
    }

    @Test("an honest proof leads to the region's own STS with the fixed body")
    func honest() throws {
        let call = try judge(headers)
        #expect(call.host == "sts.eu-central-1.amazonaws.com")
        #expect(
            String(decoding: call.body, as: UTF8.self)
                == "Action=GetCallerIdentity&Version=2011-06-15")
        #expect(call.headers == headers)
        #expect(IdentityProof.host(region: "cn-north-1") == "sts.cn-north-1.amazonaws.com.cn")
    }

    @Test("the key's hash is that of the key as OpenSSL writes it")
    func keyHash() async throws {
        let workshop = try Workshop()
        try workshop.write("csr.pem", csr)
        try await workshop.openssl("req", "-in", "csr.pem", "-pubkey", "-noout", "-out", "key.pem")
        try await workshop.openssl(
            "pkey", "-pubin", "-in", "key.pem", "-outform", "DER", "-out", "key.der")
        let digest = try await workshop.openssl("dgst", "-sha256", "-r", "key.der")
        #expect(digest.hasPrefix(try IdentityProof.keyHash(csr).rawValue))
        #expect(headers["x-jeeves-key-hash"] == (try IdentityProof.keyHash(csr).rawValue))
    }

    @Test("a proof for another conversation is refused")
    func replayed() async throws {
        let otherKey = try KeyPair.make().csrPEM()
        let refusals = [
            try await failure { _ = try judge(headers, nonce: "ffffffffffffffff") },
            try await failure { _ = try judge(headers, csr: otherKey) },
            try await failure { _ = try judge(headers, cluster: ClusterID("staging")) },
            try await failure { _ = try judge(headers, region: "us-east-1") },
            try await failure { _ = try judge(headers, after: 901) },
            try await failure { _ = try judge(headers, after: -901) },
        ]
        #expect(refusals.allSatisfy { $0.code == .unauthorized })
        #expect(Set(refusals.map(\.message)).count == 5)
        #expect(throws: Never.self) { try judge(headers, after: 899) }
    }

    @Test(
        "a proof that was tampered with is refused",
        arguments: [
            ("x-amz-target", "x", "it carries a header that is not on the list"),
            (
                "Host", "sts.eu-central-1.amazonaws.com",
                "it carries a header that is not on the list"
            ),
            ("host", "evil.example.org", "host is not what was asked for"),
            (
                "host", "sts.eu-central-1.amazonaws.com\r\nx: y",
                "a header is too long or not plain text"
            ),
            ("content-type", "text/plain", "content-type is not what was asked for"),
            (
                "x-amz-date", "20261123T050338",
                "it was not made within the last 15 minutes: check the clocks"
            ),
            (
                "x-amz-date", "2026-11-23T05:03",
                "it was not made within the last 15 minutes: check the clocks"
            ),
            (
                "x-amz-security-token", String(repeating: "a", count: 4097),
                "a header is too long or not plain text"
            ),
            ("authorization", "", "its authorization cannot be read"),
            ("authorization", "Basic eDp5", "its authorization cannot be read"),
        ])
    func tampered(name: String, value: String, reason: String) async throws {
        var changed = headers
        changed[name] = value
        let failure = try await failure { _ = try judge(changed) }
        #expect(failure.code == .unauthorized)
        #expect(failure.message == "judging a proof of identity: \(reason)")
    }

    @Test("a header that is missing is refused", arguments: IdentityProofTests.names)
    func missing(name: String) async throws {
        var changed = headers
        #expect(changed.removeValue(forKey: name) != nil)
        #expect(try await failure { _ = try judge(changed) }.code == .unauthorized)
    }

    private static let names = [
        "authorization", "content-type", "host", "x-amz-date", "x-amz-security-token",
        "x-jeeves-cluster", "x-jeeves-key-hash", "x-jeeves-nonce",
    ]

    @Test(
        "an authorization that does not sign what binds the proof is refused",
        arguments: [
            (";x-jeeves-nonce", ""),
            (";x-jeeves-key-hash", ""),
            (";x-jeeves-cluster", ""),
            (";x-amz-security-token", ""),
            ("host;", ""),
            ("x-amz-date;", ""),
            ("content-type;host", "host;content-type"),
            ("SignedHeaders=", "SignedHeaders=host, SignedHeaders="),
            ("SignedHeaders=", "SignedHeaders=host,SignedHeaders="),
            ("/sts/", "/ec2/"),
            ("/eu-central-1/", "/us-east-1/"),
            ("/aws4_request", ""),
            ("Signature=", "Signature=zz"),
            ("AWS4-HMAC-SHA256 ", "AWS4-HMAC-SHA512 "),
        ])
    func unbound(part: String, other: String) async throws {
        var changed = headers
        let text = try #require(changed["authorization"])
        changed["authorization"] = text.replacingOccurrences(of: part, with: other)
        #expect(changed["authorization"] != text)
        #expect(try await failure { _ = try judge(changed) }.code == .unauthorized)
    }

    @Test("an authorization that says a thing twice is refused: AWS might believe the other")
    func twice() async throws {
        var changed = headers
        changed["authorization", default: ""] += ", SignedHeaders=host;x-amz-date"
        let failure = try await failure { _ = try judge(changed) }
        #expect(failure.message.hasSuffix("its authorization cannot be read"))
    }

    @Test("a proof of somebody else's signed call, with our headers only added, is refused")
    func borrowed() async throws {
        let stranger = SigV4(
            credentials: botocore.credentials("TOKEN"), region: Self.region, service: "sts"
        ).headers(
            for: SigV4.Request(
                method: "POST", host: IdentityProof.host(region: Self.region),
                headers: ["content-type": IdentityProof.contentType], body: IdentityProof.body),
            now: botocore.now)
        let stuffed = headers.merging(stranger) { _, theirs in theirs }
        let failure = try await failure { _ = try judge(stuffed) }
        #expect(failure.message.hasSuffix("not every header that binds it is signed"))
    }
}
