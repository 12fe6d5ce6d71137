import FoundationEssentials
import Model
import Outside
import Testing

@testable import Tools

struct RenewalInfoTests {
    private func read(_ json: String, status: Int = 200) throws -> RenewalInfo {
        try RenewalInfo(HTTPResponse(status: status, body: Array(json.utf8)))
    }

    @Test("the identifier is the one that RFC 9773 §4.1 computes")
    func identifier() {
        #expect(
            RenewalInfo.identifier(
                authorityKeyHex: "69885b6b87464041e1b37b847ba0ae2cde01c8d4",
                serialHex: "87654321") == "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE")
    }

    @Test(
        "a serial number is written as DER does, however it was spelled",
        arguments: [
            ("00a1", "AKE"), ("a1", "AKE"), ("7f", "fw"), ("007f", "fw"), ("1", "AQ"),
            ("0102", "AQI"), ("00", "AA"),
        ])
    func serial(hex: String, encoded: String) {
        #expect(
            RenewalInfo.identifier(authorityKeyHex: "fbff", serialHex: hex) == "-_8.\(encoded)")
    }

    @Test(
        "a window is read in every spelling of RFC 3339",
        arguments: [
            "2025-01-02T04:00:00Z", "2025-01-02T04:00:00.123456789Z", "2025-01-02T05:00:00+01:00",
            "2025-01-02T05:00:00.5+01:00",
        ])
    func window(start: String) throws {
        let info = try read(
            """
            {"suggestedWindow": {"start": "\(start)", "end": "2025-01-03T04:00:00Z"},
             "explanationURL": "https://acme.example.com/docs/ari"}
            """)
        #expect(info.window.description == "2025-01-02T04:00:00Z to 2025-01-03T04:00:00Z")
        #expect(info.explanation == "https://acme.example.com/docs/ari")
    }

    @Test(
        "what is no renewal information is refused",
        arguments: [
            "", "[]", "{}", #"{"suggestedWindow": {"start": "now", "end": "later"}}"#,
            #"{"suggestedWindow": {"start": "2025-01-02T04:00:00Z"}}"#,
            #"{"suggestedWindow": {"start": 1, "end": 2}}"#,
        ])
    func broken(json: String) {
        let failure = #expect(throws: Failure.self) { try read(json) }
        #expect(failure?.code == .invalid)
    }

    @Test("another status is the CA's trouble, and an explanation that is no https URL is none")
    func status() throws {
        let failure = #expect(throws: Failure.self) { try read("{}", status: 404) }
        #expect(failure?.code == .unavailable)
        let info = try read(
            #"""
            {"suggestedWindow": {"start": "2025-01-02T04:00:00Z", "end": "2025-01-03T04:00:00Z"},
             "explanationURL": "\u001b[31mrun this"}
            """#)
        #expect(info.explanation == nil)
    }

    @Test(
        "the CA says when to ask again, between a minute and a day",
        arguments: [
            ("21600", 21600), ("0", 60), ("59", 60), ("999999999", 86_400), ("-1", nil), ("", nil),
            ("soon", nil), ("99999999999999999999", nil),
        ] as [(String, Int?)])
    func retryAfter(text: String, seconds: Int?) {
        let response = HTTPResponse(status: 200, headers: ["retry-after": text])
        #expect(RenewalInfo.retryAfter(in: response) == seconds.map { .seconds($0) })
        #expect(RenewalInfo.retryAfter(in: HTTPResponse(status: 200)) == nil)
    }

    @Test("a date when to ask again counts from the answer's own date")
    func retryDate() {
        var headers = ["retry-after": "Sun, 06 Nov 1994 10:49:37 GMT"]
        #expect(RenewalInfo.retryAfter(in: HTTPResponse(status: 200, headers: headers)) == nil)
        headers["date"] = "Sun, 06 Nov 1994 08:49:37 GMT"
        let response = HTTPResponse(status: 200, headers: headers)
        #expect(RenewalInfo.retryAfter(in: response) == .seconds(7200))
    }
}

struct RenewalWindowTests {
    private static let beginning = Date(timeIntervalSince1970: 1_767_225_600)

    private func day(_ number: Double) -> Date {
        Self.beginning.addingTimeInterval(number * 86_400)
    }

    private func judge(_ start: Double, _ end: Double) throws {
        try RenewalWindow(start: day(start), end: day(end))
            .judge(beginning: Self.beginning, latest: day(75))
    }

    @Test(
        "a window inside the life of the certificate is sane, early, late or over",
        arguments: [
            (60, 62), (0, 1), (-0.5, 0.1), (-0.2, -0.1), (70, 80), (74.9, 75.1), (3, 3.001),
        ]
            as [(Double, Double)])
    func sane(start: Double, end: Double) throws { try judge(start, end) }

    @Test(
        "an absurd window is refused with its reason",
        arguments: [
            (62, 60, "ends before it starts"), (60, 60, "ends before it starts"),
            (-400, -399, "over long before the certificate began"), (-3, -2, "over long"),
            (75, 76, "no time for a second try"), (400, 401, "no time for a second try"),
            (0, 400, "wider than the certificate's life"),
        ] as [(Double, Double, String)])
    func absurd(start: Double, end: Double, reason: String) {
        let failure = #expect(throws: Failure.self) { try judge(start, end) }
        #expect(failure?.message.contains(reason) == true)
    }

    @Test("a moment lies inside the window, and never after the latest")
    func moment() {
        let window = RenewalWindow(start: day(60), end: day(64))
        #expect(window.moment(at: 0, latest: day(75)) == day(60))
        #expect(window.moment(at: 0.5, latest: day(75)) == day(62))
        #expect(window.moment(at: 0.5, latest: day(62)) == day(61))
        #expect(window.moment(at: 0.5, latest: day(10)) == day(60))
    }
}
