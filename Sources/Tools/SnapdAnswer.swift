import FoundationEssentials
import Model
import Outside

extension Snapd {
    /// The snap of a ``get()``; nil if it is not installed.
    public func snap(in response: HTTPResponse) throws -> Snap? {
        do {
            return try result(of: response, trying: "asking snapd for \(name)")
        } catch let failure as Failure where failure.code == .notFound {
            return nil
        }
    }

    /// The first unfinished change of a ``running()``.
    public func firstRunning(in response: HTTPResponse) throws -> Change? {
        let changes: [Change] = try result(of: response, trying: "asking snapd what it is doing")
        return changes.first { !$0.ready }
    }

    public func change(in response: HTTPResponse) throws -> Change {
        try result(of: response, trying: "asking snapd for its change")
    }

    /// Id of the change that an action started; nil if there is nothing left to do.
    public func started(in response: HTTPResponse, trying tried: String) throws -> String? {
        let answer = try parse(response, trying: tried, Answer<Trouble>.self)
        if answer.kind == "error", answer.result?.kind == "snap-already-installed" { return nil }
        try refuse(answer, response, trying: tried)
        guard let change = answer.change else { return nil }
        // The id becomes a part of a path.
        guard !change.isEmpty, change.utf8.count <= 20, change.allSatisfy(\.isNumber) else {
            throw Failure(.failed, "\(tried): snapd answered with an unusable change id")
        }
        return change
    }

    private struct Answer<Result: Decodable>: Decodable {
        let kind: String
        let change: String?
        let result: Result?

        enum CodingKeys: String, CodingKey {
            case kind = "type"
            case change, result
        }
    }

    /// The `result` of an error.
    private struct Trouble: Decodable {
        let message: String?
        let kind: String?
    }

    private func result<Value: Decodable>(
        of response: HTTPResponse, trying tried: String
    ) throws -> Value {
        if response.status >= 400 {
            try refuse(
                parse(response, trying: tried, Answer<Trouble>.self), response, trying: tried)
        }
        guard let value = try parse(response, trying: tried, Answer<Value>.self).result else {
            throw Failure(.failed, "\(tried): snapd answered nothing")
        }
        return value
    }

    private func parse<Value: Decodable>(
        _ response: HTTPResponse, trying tried: String, _ type: Value.Type
    ) throws -> Value {
        do {
            return try JSON.decode(type, from: response.body, what: "snapd's answer")
        } catch let failure as Failure {
            throw Failure(.failed, "\(tried): HTTP \(response.status): \(failure.message)")
        }
    }

    private func refuse(
        _ answer: Answer<Trouble>, _ response: HTTPResponse, trying tried: String
    ) throws {
        guard answer.kind == "error" || response.status >= 400 else { return }
        let said = String((answer.result?.message ?? "HTTP \(response.status)").prefix(400))
        let (code, fix) = Self.meaning(of: answer.result?.kind ?? "", status: response.status)
        throw Failure(code, "\(tried): \(said)", fix: fix)
    }

    /// snapd's error kinds (client/errors.go of snapd) as ours.
    static func meaning(of kind: String, status: Int) -> (Failure.Code, fix: String) {
        switch kind {
        case "snap-not-found", "snap-not-installed": (.notFound, "")
        case "snap-channel-not-available", "snap-revision-not-available":
            (.invalid, "choose a channel that `snap info` lists")
        case "snap-change-conflict":
            (.unavailable, "snapd is busy with the same snap; this is tried again by itself")
        case "network-timeout", "dns-failure":
            (.unavailable, "let the node reach api.snapcraft.io on port 443")
        case "insufficient-disk-space": (.failed, "free space under /var on the node")
        case "login-required", "auth-cancelled": (.unauthorized, "run the agent as root")
        case "snap-needs-classic", "snap-not-classic": (.unsupported, "")
        default: (status == 401 || status == 403 ? .unauthorized : .failed, "")
        }
    }
}
