import Foundation
import Model
import Synchronization
import Trust

@testable import Agent

/// HAProxy's runtime API as far as certificates go, in the words of 2.6. It keeps what it ever
/// served, and from when on.
final class SimulatedHAProxy: Sendable {
    /// One certificate in service.
    struct Served: Sendable {
        let from: Date
        let facts: CertificateFacts
    }

    fileprivate struct State {
        var hasPlace = false
        var isUsed = false
        var transaction: String?
        var loaded: CertificateFacts?
        var served: [Served] = []
    }

    private let state = Mutex(State())

    /// All that clients ever saw, in order.
    var served: [Served] { state.withLock { $0.served } }

    /// What a handshake shows. Throws `unavailable` if TLS is refused.
    func handshake() throws -> CertificateFacts {
        guard let facts = state.withLock({ $0.isUsed ? $0.loaded : nil }) else {
            throw Failure(.unavailable, "TLS failed: unrecognized name")
        }
        return facts
    }

    func answer(_ command: String, at now: Date) throws -> String {
        let words = command.prefix { !$0.isNewline }.split(separator: " ").prefix(3)
        let payload = command.drop { !$0.isNewline }.dropFirst()
        return try state.withLock { state in
            defer { state.note(now) }
            switch words.joined(separator: " ") {
            case "show ssl cert": return state.shown
            case "new ssl cert":
                state.hasPlace = true
                return "New empty certificate store!\n"
            case "abort ssl cert":
                state.transaction = nil
                return "Transaction aborted for certificate!\n"
            case "set ssl cert":
                state.transaction = String(payload)
                return "Transaction created for certificate!\n"
            case "commit ssl cert":
                guard let pem = state.transaction else { return "No ongoing transaction! !\n" }
                state.loaded = try CertificateFacts(pem: pem)
                state.transaction = nil
                return "Committing\nSuccess!\n"
            case "add ssl crt-list":
                state.isUsed = true
                return "Inserting certificate in crt-list.\nSuccess!\n"
            default: return "Unknown command\n"
            }
        }
    }
}

extension SimulatedHAProxy.State {
    fileprivate var shown: String {
        guard hasPlace else {
            return "Can't display the certificate: Not found or the certificate is a bundle!\n"
        }
        guard let loaded else { return "Status: Empty\n" }
        return """
            Status: \(isUsed ? "Used" : "Unused")
            Serial: \(loaded.serialHex.uppercased())

            """
    }

    fileprivate mutating func note(_ now: Date) {
        guard isUsed, let loaded, served.last?.facts.serialHex != loaded.serialHex else { return }
        served.append(SimulatedHAProxy.Served(from: now, facts: loaded))
    }
}
