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
}
