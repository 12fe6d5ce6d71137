import FoundationEssentials
import Model
import Testing

@Suite struct ServedCertificateTests {
    @Test("the line that the agent writes is read again; any other line is none")
    func line() {
        let served = ServedCertificate(
            serial: "04ab", notAfter: Date(timeIntervalSince1970: 1_767_225_600),
            renewsFrom: Date(timeIntervalSince1970: 1_764_547_200))
        let text =
            "serial 04ab, until 2026-01-01T00:00:00Z, renews from 2025-12-01T00:00:00Z"
        #expect(served.description == text)
        #expect(ServedCertificate(text) == served)
        let noted = ServedCertificate(
            serial: served.serial, notAfter: served.notAfter, renewsFrom: served.renewsFrom,
            note: "the CA could not be asked: no, never")
        #expect(noted.description == text + ", the CA could not be asked: no, never")
        #expect(ServedCertificate(noted.description) == noted)
        #expect(ServedCertificate("no certificate yet") == nil)
        #expect(ServedCertificate("serial 04ab, until tomorrow, renews from today") == nil)
    }

    @Test("the beginning is read again, with a note and without; it is no part of an older line")
    func beginning() {
        let start = Date(timeIntervalSince1970: 1_759_449_600)
        for note in ["", "the CA could not be asked: no, never"] {
            let served = ServedCertificate(
                serial: "04ab", notAfter: start.addingTimeInterval(90 * 86_400),
                renewsFrom: start.addingTimeInterval(60 * 86_400), notBefore: start, note: note)
            #expect(ServedCertificate(served.description) == served)
        }
        let old = "serial 04ab, until 2026-01-01T00:00:00Z, renews from 2025-12-01T00:00:00Z"
        #expect(ServedCertificate(old + ", since when, who knows")?.notBefore == nil)
        #expect(ServedCertificate(old + ", since when, who knows")?.note == "since when, who knows")
    }

    @Test(
        "the alert follows what is left of the lifetime",
        arguments: [600.0, 518_400.0, 7_776_000.0])
    func alert(lifetime: Double) {
        let start = Date(timeIntervalSince1970: 1_759_449_600)
        func alert(_ left: Double, since: Date?) -> ServedCertificate.Alert {
            ServedCertificate(
                serial: "04ab", notAfter: start.addingTimeInterval(lifetime),
                renewsFrom: start.addingTimeInterval(lifetime * 2 / 3), notBefore: since
            ).alert(now: start.addingTimeInterval(lifetime * (1 - left)))
        }
        let lefts = [0.5, 0.3, 0.2, 0.1, 0, -1]
        #expect(
            lefts.map { alert($0, since: start) }
                == [.quiet, .due, .warning, .critical, .expired, .expired])
        #expect(
            lefts.map { alert($0, since: nil) } == [.quiet, .due, .due, .due, .expired, .expired])
    }

    @Test("the share that is left is a part of the lifetime, and unknown without its beginning")
    func left() {
        let start = Date(timeIntervalSince1970: 1_759_449_600)
        func left(_ days: Double, since: Date? = start) -> Double? {
            ServedCertificate(
                serial: "04ab", notAfter: start.addingTimeInterval(90 * 86_400),
                renewsFrom: start, notBefore: since
            ).left(now: start.addingTimeInterval(days * 86_400))
        }
        #expect([0, 45, 90, 91, -1].map { left($0) } == [1, 0.5, 0, 0, 1])
        #expect(left(45, since: nil) == nil)
        #expect(left(45, since: start.addingTimeInterval(90 * 86_400)) == nil)
    }

    @Test("a step's word has the alert of a certificate in trouble, and of no other")
    func word() {
        let start = Date(timeIntervalSince1970: 1_759_449_600)
        let served = ServedCertificate(
            serial: "04ab", notAfter: start.addingTimeInterval(90 * 86_400),
            renewsFrom: start.addingTimeInterval(60 * 86_400), notBefore: start)
        func word(_ days: Double, _ state: StepState = .converged) -> String {
            StepStatus(
                id: StepID(unchecked: "certificate"), state: state, detail: served.description
            ).word(now: start.addingTimeInterval(days * 86_400))
        }
        #expect(
            [10, 65, 70, 80, 91].map { word($0) }
                == ["right", "right", "right, warning", "right, critical", "right, expired"])
        #expect(word(80, .failed(Failure(.failed, "no"))) == "failed, critical")
        let other = StepStatus(id: StepID(unchecked: "haproxy"), state: .converged, detail: "2.6")
        #expect(other.word(now: start) == "right")
    }
}
