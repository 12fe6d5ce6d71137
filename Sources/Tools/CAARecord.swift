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

    /// Whether its `validationmethods` (RFC 8657 §4), if it has any, name that one.
    private func allows(_ method: String) -> Bool {
        for parameter in value.split(separator: ";").dropFirst() {
            let parts = parameter.split(separator: "=", maxSplits: 1)
            guard parts.count == 2,
                parts[0].filter({ !$0.isWhitespace }).lowercased() == "validationmethods"
            else { continue }
            return parts[1].split(separator: ",").contains {
                $0.filter { !$0.isWhitespace }.lowercased() == method
            }
        }
        return true
    }

    private static let known: Set<String> = [
        "issue", "issuewild", "issuemail", "issuevmc", "iodef", "contactemail", "contactphone",
    ]

    /// Why the records of a name forbid an authority that calls itself by one of `issuers` to issue
    /// after that kind of challenge; nil if they do not. For a name without wildcard. An
    /// `accounturi` is left to the authority.
    public static func refusal(
        in records: [CAARecord], issuers: [String], method: String
    ) -> String? {
        if let strange = records.first(where: { $0.isCritical && !known.contains($0.tag) }) {
            return "holds the critical property \"\(strange.tag.prefix(40))\""
        }
        let issue = records.filter { $0.tag == "issue" }
        guard !issue.isEmpty else { return nil }
        let wanted = Set(issuers.map { $0.lowercased() })
        let ours = issue.filter { wanted.contains($0.issuer) }
        guard !ours.isEmpty else {
            let named = Set(issue.map(\.issuer)).subtracting([""]).sorted()
            let list = named.prefix(5).map { String($0.prefix(80)) }.joined(separator: ", ")
            return list.isEmpty ? "allows no CA at all" : "allows only \(list)"
        }
        if ours.contains(where: { $0.allows(method) }) { return nil }
        return "does not allow \(ours[0].issuer.prefix(80)) to validate by \(method)"
    }
}

extension Collection {
    fileprivate var nonEmpty: Self? { isEmpty ? nil : self }
}
