import Foundation
import Model
import Testing

@testable import Coordinator

@Suite struct ChartValuesTests {
    private let passwords = DatabasePasswords(
        root: Secret("r"), user: Secret("u"), replicaSetKey: Secret("k"))

    private func values(
        _ edits: [(String, String)], secrets: ChartValues.Secrets = .init()
    ) throws -> ChartValues {
        try ChartValues(exampleCluster(edits), secrets: secrets)
    }

    @Test(
        "the values are the golden ones",
        arguments: [
            ("values-8.json", [], false), ("values-7.json", bundledEdits, true),
        ])
    func goldens(file: String, edits: [(String, String)], bundled: Bool) throws {
        let values = try values(
            edits, secrets: .init(passwords: bundled ? passwords : nil))
        let text = String(decoding: try JSON.encode(values, pretty: true), as: UTF8.self)
        #expect(text + "\n" == (try golden(file)))
    }

    @Test(
        "the lab's chart accepts every key that is set, as the real chart names it",
        arguments: [[], bundledEdits])
    func keys(edits: [(String, String)]) throws {
        let text = try golden("../../Lab/Chart/values.schema.json")
        let schema = try #require(
            JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        try #require(schema["properties"] is [String: Any])
        let values = try values(
            edits, secrets: .init(license: Secret("l"), passwords: passwords)
        ).render()
        let object = try JSONSerialization.jsonObject(with: Data(values.reveal().utf8))
        check(object, against: schema, at: "")
    }

    private func check(_ value: Any, against schema: [String: Any], at path: String) {
        guard let object = value as? [String: Any],
            let properties = schema["properties"] as? [String: Any]
        else { return }
        for (key, inner) in object {
            let next = properties[key] as? [String: Any]
            #expect(next != nil, "the chart has no key \(path)\(key)")
            check(inner, against: next ?? [:], at: "\(path)\(key).")
        }
    }

    @Test("the stream hub is named only where the version has one")
    func streamHub() throws {
        #expect(try values([]).streamHub == nil)
        let off = [("version: 8.6.1", "version: 7.10.4")]
        #expect(try values(off).streamHub == .init(enabled: false))
        #expect(try values(bundledEdits).streamHub == .init(enabled: true))
    }

    @Test("the database's URI is in no value, only the name of its Secret")
    func secret() throws {
        #expect(try values([]).existingMongodbSecret == "jeeves-mongodb")
        #expect(try !values([]).render().reveal().contains("mongodb://"))
        #expect(try values(bundledEdits).existingMongodbSecret == nil)
    }

    @Test("every service runs as often as the cluster file says")
    func replicas() throws {
        let values = try values([
            ("replicas: 1", "replicas: 3"), ("licenseFile: \"\"", "licenseFile: l"),
        ])
        let services = values.microservices
        let counts = [
            services.account, services.authorization, services.ddpStreamer, services.presence,
        ].map(\.replicas)
        #expect(counts + [values.replicaCount] == [3, 3, 3, 3, 3])
    }
}
