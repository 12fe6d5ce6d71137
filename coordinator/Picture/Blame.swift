import Model

/// Finds what keeps a part of the picture from being right: walks down what it stands on to the
/// last thing that is not right itself. Reads only.
public struct Blame: Sendable {
    /// From the symptom to the cause.
    public typealias Chain = [Picture.Part]

    private let picture: Picture
    private let byID: [PartID: Picture.Part]

    public init(_ picture: Picture) {
        self.picture = picture
        byID = Dictionary(
            picture.parts.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// What is not right of what `target` names, and why: a node, a stage, a part, or the chat by
    /// its name or URL. Nil asks for all of it. Throws `notFound` if nothing is called that.
    public func chains(_ target: String? = nil) throws -> [Chain] {
        let symptoms = try target.map(parts) ?? picture.parts
        var told: Set<PartID> = []
        var found: [Chain] = []
        // Below what is right something may be wrong as well.
        let ordered =
            symptoms.filter { $0.state != .right } + symptoms.filter { $0.state == .right }
        for symptom in ordered {
            let chain = chain(from: symptom)
            guard let cause = chain.last, !told.contains(cause.id) else { continue }
            told.formUnion(chain.map(\.id))
            found.append(chain)
        }
        return found
    }

    private func parts(_ target: String) throws -> [Picture.Part] {
        let site = "https://\(picture.domain)"
        let isChat = [picture.domain.rawValue, site].contains(target)
        if isChat || target.hasPrefix("\(site)/") {
            return byID[PartID(.chat)].map { [$0] } ?? []
        }
        let found = picture.parts.filter { part in
            part.id.description == target || part.id.name == target
                || part.id.name.hasPrefix(target + "/")
        }
        guard found.isEmpty else { return found }
        let names = picture.parts.map(\.id.description).joined(separator: ", ")
        throw Failure(
            .notFound, "asking why about \"\(target)\": nothing is called that",
            fix: "name the chat by its URL, a node, a stage of the last rollout, or one of \(names)"
        )
    }

    /// The worst way down from a part: that which ends at what is surely wrong, then the longest.
    private func chain(from part: Picture.Part) -> Chain {
        var known: [PartID: Chain] = [:]
        return chain(from: part, known: &known, above: [])
    }

    private func chain(
        from part: Picture.Part, known: inout [PartID: Chain], above: Set<PartID>
    ) -> Chain {
        if let chain = known[part.id] { return chain }
        var worst: Chain = []
        for need in part.needs.compactMap({ byID[$0] }) where !above.contains(need.id) {
            let chain = chain(from: need, known: &known, above: above.union([part.id]))
            if Self.rank(worst) < Self.rank(chain) { worst = chain }
        }
        let chain = part.state == .right ? worst : [part] + worst
        known[part.id] = chain
        return chain
    }

    /// Orders chains by their cause, then by their length.
    private static func rank(_ chain: Chain) -> (Int, Int) {
        let cause =
            switch chain.last?.state {
            case nil, .right: 0
            case .changing: 1
            case .unknown: 2
            case .wrong: 3
            }
        return (cause, chain.count)
    }
}
