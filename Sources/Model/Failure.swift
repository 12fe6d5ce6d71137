/// The one error type that crosses a module or the wire: what was tried, what happened, what to
/// type next.
public struct Failure: Error, Codable, Hashable, Sendable {
    /// What kind of trouble it is; decides the exit status and whether a retry makes sense.
    public enum Code: String, Codable, Sendable, CaseIterable {
        /// The input is wrong and stays wrong until a person changes it.
        case invalid
        /// The thing asked for is not there.
        case notFound
        /// Somebody or something else changed or holds it; nothing was overwritten.
        case conflict
        /// Another process of ours owns it, such as a coordinator that drives; nothing was done.
        case locked
        /// The peer is not who it must be, or may not do this.
        case unauthorized
        /// The other side cannot be reached or is not ready now.
        case unavailable
        /// The deadline passed.
        case timeout
        /// This version, distribution or combination cannot do it.
        case unsupported
        /// Tried and did not work, for a reason of its own.
        case failed
        /// What serves was looked at from outside and is not as it must be; nothing was undone.
        case gate
        /// What a plan said would be done is not what would be done now; nothing was done.
        case stale
    }

    public let code: Code
    /// `what was tried: what happened`, one line.
    public let message: String
    /// What to type or change next; empty where there is nothing a person can do.
    public let fix: String

    public init(_ code: Code, _ message: String, fix: String = "") {
        self.code = code
        self.message = message
        self.fix = fix
    }

    /// The same failure seen from one level up: `could not issue the certificate: ` + message.
    public func context(_ tried: String) -> Failure {
        Failure(code, "\(tried): \(message)", fix: fix)
    }
}

extension Failure: CustomStringConvertible {
    public var description: String { fix.isEmpty ? message : "\(message)\n  fix: \(fix)" }
}

extension Failure {
    /// Any error as a failure; one that is a failure already gets `tried` as its context.
    public init(_ error: any Error, trying tried: String) {
        if let failure = error as? Failure {
            self = failure.context(tried)
        } else {
            self = Failure(.failed, "\(tried): \(error)")
        }
    }

    /// Whether the same attempt may work later with nothing changed by a person.
    public var mayPass: Bool {
        switch code {
        case .unavailable, .timeout, .failed, .conflict, .locked, .gate: true
        case .invalid, .notFound, .unauthorized, .unsupported, .stale: false
        }
    }
}
