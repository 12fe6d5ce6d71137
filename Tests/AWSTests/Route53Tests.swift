import Model
import Outside
import Support
import Testing

@testable import AWS

@Suite struct Route53Tests {
    private let base = "https://route53.amazonaws.com/2013-04-01"
    private let nothing = records()

    @Test(
        "the public zone with the longest suffix is found; names that only begin so are passed over"
    )
    func zoneChoice() async throws {
        let rig = Rig(
            zones(("ZA", "chat.example.org.", true)),
            zones(
                ("ZC", "example.org.", true), ("ZB", "example.org.", false),
                ("ZD", "example.orga.", false)))
        let found = try await Route53(client: rig.client).zone(for: chat)
        #expect(found == HostedZone(id: "ZB", name: "example.org"))
        #expect(
            rig.urls == [
                "\(base)/hostedzonesbyname?dnsname=chat.example.org&maxitems=100",
                "\(base)/hostedzonesbyname?dnsname=example.org&maxitems=100",
            ])
    }

    @Test("two public zones of one name are an error that names both and the setting")
    func ambiguity() async throws {
        let rig = Rig(zones(), answer(Samples.zones))
        let found = await failure { try await Route53(client: rig.client).zone(for: chat) }
        #expect(found?.code == .conflict)
        #expect(
            found?.message.contains("(N7NIC13A966KQKIQZ1854L, WS2UXAHR3NE5AB6G57FXDE)") == true)
        #expect(found?.fix.contains("dns.zoneID") == true)
    }

    @Test("an account without a zone for the domain says so")
    func noZone() async throws {
        let rig = Rig(zones(), zones(), zones(("Z", "com.", false)))
        #expect(
            await failure { try await Route53(client: rig.client).zone(for: chat) }?.code
                == .notFound)
    }

    @Test("a zone given by id must hold the domain, and no other text gets into the path")
    func zoneByID() async throws {
        func described(_ name: String) -> Result<HTTPResponse, Failure> {
            answer("<R><HostedZone><Id>/hostedzone/ZB</Id><Name>\(name)</Name></HostedZone></R>")
        }
        let rig = Rig(described("example.org."), described("other.org."), described("le.org."))
        let route53 = Route53(client: rig.client)
        #expect(try await route53.zone(for: chat, id: "ZB").name == "example.org")
        #expect(await failure { try await route53.zone(for: chat, id: "ZB") }?.code == .invalid)
        #expect(await failure { try await route53.zone(for: chat, id: "ZB") }?.code == .invalid)
        #expect(await failure { try await route53.zone(for: chat, id: "../x") }?.code == .invalid)
        #expect(rig.urls == Array(repeating: "\(base)/hostedzone/ZB", count: 3))
    }

    @Test("the zone's servers are read without their final dots")
    func nameServers() async throws {
        let rig = Rig(
            answer(
                "<R><DelegationSet><NameServers><NameServer>ns-1.awsdns-00.org.</NameServer>"
                    + "<NameServer>NS-2.awsdns-01.com</NameServer></NameServers>"
                    + "</DelegationSet></R>"
            ))
        #expect(
            try await Route53(client: rig.client).nameServers(of: zone)
                == ["ns-1.awsdns-00.org", "ns-2.awsdns-01.com"])
    }

    @Test("an A record is written byte for byte as Route 53 wants it, and its change awaited")
    func upsert() async throws {
        let pending = answer(Samples.upserted.replacing("INSYNC", with: "PENDING"))
        let stillPending = answer(Samples.change.replacing("INSYNC", with: "PENDING"))
        let rig = Rig(
            records(record("chat.example.orga.", "A", "192.0.2.1")), pending, stillPending,
            answer(Samples.change))
        let before = rig.fake.clock.uptime()
        #expect(
            try await Route53(client: rig.client).upsert(
                chat, address: "203.0.113.9", ttl: 60, in: zone, deadline: .seconds(60)))
        let set = "\(base)/hostedzone/N7NIC13A966KQKIQZ1854L/rrset"
        #expect(
            rig.urls == [
                "\(set)?maxitems=100&name=chat.example.org", set, "\(base)/change/C2682N5HXP0BZ4",
                "\(base)/change/C2682N5HXP0BZ4",
            ])
        #expect(rig.requests[1].headers["content-type"] == "text/xml")
        #expect(
            rig.bodies[1] == """
                <?xml version="1.0" encoding="UTF-8"?>
                <ChangeResourceRecordSetsRequest \
                xmlns="https://route53.amazonaws.com/doc/2013-04-01/"><ChangeBatch><Changes>\
                <Change><Action>UPSERT</Action><ResourceRecordSet><Name>chat.example.org.</Name>\
                <Type>A</Type><TTL>60</TTL><ResourceRecords><ResourceRecord>\
                <Value>203.0.113.9</Value></ResourceRecord></ResourceRecords></ResourceRecordSet>\
                </Change></Changes></ChangeBatch></ChangeResourceRecordSetsRequest>
                """)
        #expect(rig.fake.clock.uptime() - before == .seconds(2))
    }

    @Test("a change that does not spread in time is a timeout that names it")
    func neverInSync() async throws {
        let pending = answer(Samples.change.replacing("INSYNC", with: "PENDING"))
        let rig = Rig(
            nothing, answer(Samples.upserted.replacing("INSYNC", with: "PENDING")), pending,
            pending,
            pending)
        let found = await failure {
            try await Route53(client: rig.client).upsert(
                chat, address: "203.0.113.9", ttl: 60, in: zone, deadline: .seconds(5))
        }
        #expect(found?.code == .timeout)
        #expect(found?.message.contains("C2682N5HXP0BZ4") == true)
    }

    @Test("a record that is right already is not written again, one with another TTL is")
    func noChange() async throws {
        let rig = Rig(
            records(record("chat.example.org.", "A", "203.0.113.9")),
            records(record("chat.example.org.", "A", "203.0.113.9", ttl: 300)),
            answer(Samples.upserted))
        let route53 = Route53(client: rig.client)
        for expected in [false, true] {
            #expect(
                try await route53.upsert(
                    chat, address: "203.0.113.9", ttl: 60, in: zone, deadline: .seconds(5))
                    == expected)
        }
        #expect(rig.requests.count == 3)
    }

    @Test("another's value is overwritten only when a person said so, our own without asking")
    func conflict() async throws {
        let theirs = records(record("chat.example.org.", "A", "198.51.100.7"))
        let rig = Rig(theirs, theirs, answer(Samples.upserted), theirs, answer(Samples.upserted))
        let route53 = Route53(client: rig.client)
        func upsert(ours: String?, take: Bool) async throws -> Bool {
            try await route53.upsert(
                chat, address: "203.0.113.9", ttl: 60, in: zone, replacing: ours.map { [$0] } ?? [],
                take: take,
                deadline: .seconds(5))
        }
        let found = await failure { try await upsert(ours: "192.0.2.1", take: false) }
        #expect(found?.code == .conflict)
        #expect(found?.message.contains("198.51.100.7") == true)
        #expect(found?.fix.contains("--take-dns") == true)
        #expect(rig.requests.count == 1)
        #expect(try await upsert(ours: nil, take: true))
        #expect(try await upsert(ours: "198.51.100.7", take: false))
    }

    @Test(
        "aliases, CNAMEs and routed sets are left alone, even with --take-dns",
        arguments: [
            (
                "<Type>A</Type><AliasTarget><DNSName>lb.example.</DNSName></AliasTarget>",
                "lb.example"
            ),
            ("<Type>A</Type><SetIdentifier>blue</SetIdentifier><TTL>60</TTL>", "(blue)"),
            ("<Type>CNAME</Type><TTL>60</TTL>", "a CNAME"),
        ])
    func foreign(inner: String, word: String) async throws {
        let rig = Rig(records("<Name>chat.example.org.</Name>\(inner)"))
        let found = await failure {
            try await Route53(client: rig.client).upsert(
                chat, address: "203.0.113.9", ttl: 60, in: zone, take: true, deadline: .seconds(5))
        }
        #expect(found?.code == .conflict)
        #expect(found?.message.contains(word) == true)
        #expect(rig.requests.count == 1)
    }

    @Test("a record is removed with the TTL it has, and only while it holds our value")
    func delete() async throws {
        let rig = Rig(
            records(record("chat.example.org.", "A", "203.0.113.9", ttl: 300)),
            answer(Samples.upserted), records(record("chat.example.org.", "A", "198.51.100.7")),
            nothing)
        let route53 = Route53(client: rig.client)
        for expected in [true, false, false] {
            #expect(
                try await route53.delete(
                    chat, address: "203.0.113.9", in: zone, deadline: .seconds(5)) == expected)
        }
        #expect(rig.bodies[1].contains("<Action>DELETE</Action>"))
        #expect(rig.bodies[1].contains("<TTL>300</TTL>"))
        #expect(rig.requests.count == 4)
    }

    @Test(
        "what is no IPv4 address is never sent",
        arguments: ["", "not-an-ip", "1.2.3", "1.2.3.256", "01.2.3.4", "::1", "1.2.3.4</Value>"])
    func addresses(text: String) async throws {
        let rig = Rig()
        let found = await failure {
            try await Route53(client: rig.client).upsert(
                chat, address: text, ttl: 60, in: zone, deadline: .seconds(5))
        }
        #expect(found?.code == .invalid)
        #expect(rig.requests.isEmpty)
    }
}
