/// Any JSON, to compare two documents key by key.
public enum PlainValue: Decodable, Hashable, Sendable {
    case word(String)
    case list([PlainValue])
    case mapping([String: PlainValue])

    public init(from decoder: any Decoder) throws {
        if let mapping = try? [String: PlainValue](from: decoder) {
            self = .mapping(mapping)
        } else if let list = try? [PlainValue](from: decoder) {
            self = .list(list)
        } else {
            let container = try decoder.singleValueContainer()
            if container.decodeNil() {
                self = .word("")
            } else if let flag = try? container.decode(Bool.self) {
                self = .word("\(flag)")
            } else if let number = try? container.decode(Int.self) {
                self = .word("\(number)")
            } else if let number = try? container.decode(Double.self) {
                self = .word("\(number)")
            } else {
                self = .word(try container.decode(String.self))
            }
        }
    }

    /// Every word by its dotted key; `nothing` for an empty one. A list of words is one value.
    public func flat(_ prefix: String = "") -> [String: String] {
        func key(_ name: String) -> String { prefix.isEmpty ? name : "\(prefix).\(name)" }
        switch self {
        case .word(let text): return [prefix: text.isEmpty ? "nothing" : text]
        case .list(let items):
            let words = items.compactMap { if case .word(let text) = $0 { text } else { nil } }
            guard words.count < items.count else {
                return [prefix: "[\(words.joined(separator: ", "))]"]
            }
            return items.enumerated().reduce(into: [:]) { all, item in
                all.merge(item.element.flat(key("\(item.offset)"))) { $1 }
            }
        case .mapping(let items):
            return items.reduce(into: [:]) { $0.merge($1.value.flat(key($1.key))) { $1 } }
        }
    }
}
