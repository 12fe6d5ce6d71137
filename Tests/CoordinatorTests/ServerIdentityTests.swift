import FoundationEssentials
import Logging
import Model
import Support
import Testing
import Trust

@testable import Coordinator

@Suite struct ServerIdentityTests {
    @Test("a coordinator that runs for longer than its certificate is good shows a good one")
    func years() throws {
        let clock = ManualClock()
        let cluster = ClusterID(unchecked: "chat")
        let made = try Authority.create(
            cluster: cluster, passphrase: Secret("a passphrase"), now: clock.now())
        let authority = try Authority(
            rootPEM: made.rootPEM, intermediatePEM: made.intermediatePEM,
            intermediateKeyPEM: made.intermediateKeyPEM)
        let log = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        let identity = try ServerIdentity(authority, of: cluster, clock: clock, log: log)
        let first = identity.credentials()
        clock.advance(by: .seconds(3600))
        #expect(identity.credentials().chainPEM == first.chainPEM, "not anew for each connection")
        for days in [80.0, 400, -30] {
            clock.setWall(clock.now().addingTimeInterval(days * 86_400))
            let shown = identity.credentials()
            let facts = try CertificateFacts(pem: shown.chainPEM)
            #expect(facts.notBefore <= clock.now())
            #expect(facts.notAfter > clock.now().addingTimeInterval(30 * 86_400))
            #expect(shown.keyPEM != first.keyPEM)
        }
    }
}
