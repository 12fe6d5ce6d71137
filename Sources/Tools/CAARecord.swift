/// One CAA record: which authority may issue for a name (RFC 8659 §4.1). Only reads.
public struct CAARecord: Sendable, Hashable {
    /// An authority that does not know the tag must not issue.
    public let isCritical: Bool
    /// Lower case.
    public let tag: String
    public let value: String

    /// Nil if the RDATA is not of that form.
    public init?(_ data: [UInt8]) {
        guard data.count >= 2, let tag = data.dropFirst(2).prefix(Int(data[1])).nonEmpty,
            tag.count == Int(data[1])
        else { return nil }
        isCritical = data[0] & 0x80 != 0
        self.tag = String(decoding: tag, as: UTF8.self).lowercased()
        value = String(decoding: data.dropFirst(2 + tag.count), as: UTF8.self)
    }

    /// The authority's name of an `issue` value (RFC 8659 §4.2), lower case; empty forbids all.
    private var issuer: String {
        value.prefix { $0 != ";" }.filter { !$0.isWhitespace }.lowercased()
    }

    /// What follows `TAG=` among the parameters of an `issue` value; nil if nothing does.
    private func parameter(_ tag: String) -> String? {
        for parameter in value.split(separator: ";").dropFirst() {
            let parts = parameter.split(separator: "=", maxSplits: 1)
                .map { $0.filter { !$0.isWhitespace } }
            if parts.count == 2, parts[0].lowercased() == tag { return parts[1] }
        }
        return nil
    }

    /// Whether its `validationmethods` (RFC 8657 §4), if it has any, name that one.
    private func allows(method: String) -> Bool {
        guard let methods = parameter("validationmethods") else { return true }
        return methods.lowercased().split(separator: ",").contains { $0 == method }
    }

    /// Whether its `accounturi` (RFC 8657 §3), if it has one, is that one.
    private func allows(account: String) -> Bool {
        parameter("accounturi").map { $0 == account } ?? true
    }

    private static let known: Set<String> = [
        "issue", "issuewild", "issuemail", "issuevmc", "iodef", "contactemail", "contactphone",
    ]

    /// Why an authority may not issue, and the `issue` value that would let it.
    public struct Refusal: Sendable, Hashable {
        public let reason: String
        public let wanted: String
    }

    /// Why the records of a name forbid an authority that calls itself by one of `issuers`, the
    /// first of them preferred, to issue to `account` after that kind of challenge; nil if they do
    /// not. For a name without wildcard. An account that nobody knows yet is not judged.
    public static func refusal(
        in records: [CAARecord], issuers: [String], method: String, account: String? = nil
    ) -> Refusal? {
        let wanted = issuers.first ?? ""
        if let strange = records.first(where: { $0.isCritical && !known.contains($0.tag) }) {
            return Refusal(
                reason: "holds the critical property \"\(strange.tag.prefix(40))\"", wanted: wanted)
        }
        let issue = records.filter { $0.tag == "issue" }
        guard !issue.isEmpty else { return nil }
        let names = Set(issuers.map { $0.lowercased() })
        let ours = issue.filter { names.contains($0.issuer) }
        guard !ours.isEmpty else {
            let named = Set(issue.map(\.issuer)).subtracting([""]).sorted()
            let list = named.prefix(5).map { String($0.prefix(80)) }.joined(separator: ", ")
            return Refusal(
                reason: list.isEmpty ? "allows no CA at all" : "allows only \(list)",
                wanted: wanted)
        }
        let fitting = ours.filter { $0.allows(method: method) }
        guard let first = fitting.first else {
            return Refusal(
                reason: "does not allow \(ours[0].issuer) to validate by \(method)", wanted: wanted)
        }
        guard let account, !fitting.contains(where: { $0.allows(account: account) }) else {
            return nil
        }
        let other = (first.parameter("accounturi") ?? "").prefix(200)
        return Refusal(
            reason: "allows \(first.issuer) only for the account \(other), and this node's is "
                + account,
            wanted: "\(wanted); accounturi=\(account)")
    }
}

extension Collection {
    fileprivate var nonEmpty: Self? { isEmpty ? nil : self }
}
