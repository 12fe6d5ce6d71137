import Model

/// The JSON Schema of the cluster file (draft 2020-12), which editors check and complete it by.
///
/// Keys and kinds of values come from the types, ranges from `ClusterSpec.limits`, words and
/// defaults from docs/cluster-file.md. What depends on more than one key is left to
/// `jeeves validate`.
struct ClusterSchema {
    /// A JSON value that is written.
    enum Value: Encodable, Equatable {
        case text(String)
        case number(Int)
        case flag(Bool)
        case list([Value])
        case object([String: Value])

        func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            switch self {
            case .text(let text): try container.encode(text)
            case .number(let number): try container.encode(number)
            case .flag(let flag): try container.encode(flag)
            case .list(let list): try container.encode(list)
            case .object(let object): try container.encode(object)
            }
        }
    }

    /// A part of the schema, and whether the file is refused without it.
    private typealias Part = (schema: [String: Value], isRequired: Bool)

    private let keys: [String: DocumentedKey]
    private let ranges: [String: ClosedRange<Int>]

    /// `fullest` has a value for every key, because the kinds of values are read from it.
    static func render(_ fullest: ClusterSpec, keys: [DocumentedKey]) throws -> String {
        let schema = ClusterSchema(
            keys: Dictionary(uniqueKeysWithValues: keys.map { ($0.path, $0) }),
            ranges: Dictionary(uniqueKeysWithValues: ClusterSpec.limits.map { ($0.path, $0.range) })
        )
        var root = try schema.section(fullest, ClusterSpec.self, at: "").schema
        root["$schema"] = .text("https://json-schema.org/draft/2020-12/schema")
        root["title"] = .text("The cluster file of Jeeves")
        return String(decoding: try JSON.encode(Value.object(root), pretty: true), as: UTF8.self)
            + "\n"
    }

    private func section(_ value: Any, _ type: any Section.Type, at path: String) throws -> Part {
        var properties: [String: Value] = [:]
        var (required, choices): ([Value], [Value]) = ([], [])
        for key in type.keys {
            let place = path.isEmpty ? key : "\(path).\(key)"
            let found = Mirror(reflecting: value).children.first { $0.label == key }?.value
            guard let (child, isOptional) = found.flatMap(Self.unwrapped) else {
                throw Failure(.invalid, "describing \(place): the fullest file has no value")
            }
            let inner = type.section(key)
            let part = try inner.map { try section(child, $0, at: place) } ?? leaf(child, at: place)
            properties[key] = .object(part.schema)
            if isOptional, inner != nil {
                choices.append(.object(["required": .list([.text(key)])]))
            } else if part.isRequired {
                required.append(.text(key))
            }
        }
        // Sections that exclude each other, of which one is needed.
        let isChoice = choices.count > 1
        let isRequired = !required.isEmpty || isChoice
        // A section with nothing in it has its defaults.
        let kinds: Value =
            isRequired ? .text("object") : .list([.text("object"), .text("null")])
        var schema: [String: Value] = [
            "type": kinds, "additionalProperties": .flag(false), "properties": .object(properties),
        ]
        if !required.isEmpty { schema["required"] = .list(required) }
        if isChoice { schema["oneOf"] = .list(choices) }
        return (schema, isRequired)
    }

    private func leaf(_ value: Any, at path: String) throws -> Part {
        guard let key = keys[path], var schema = Self.kind(of: value) else {
            throw Failure(.invalid, "describing \(path): it has no row, or a kind of its own")
        }
        schema["description"] = .text(Self.plain(key.meaning))
        if let range = ranges[path] {
            schema["minimum"] = .number(range.lowerBound)
            schema["maximum"] = .number(range.upperBound)
        }
        if !["required", "none"].contains(key.standard) {
            schema["default"] = Self.standard(key.standard, as: schema["type"])
        }
        return (schema, key.standard == "required")
    }

    /// What a value's type says of it; nil for a type that is not described yet.
    private static func kind(of value: Any) -> [String: Value]? {
        switch value {
        case is Bool: return ["type": .text("boolean")]
        case is Int: return ["type": .text("integer")]
        case is UInt16:
            return [
                "type": .text("integer"), "minimum": .number(0),
                "maximum": .number(Int(UInt16.max)),
            ]
        case is BatchSize:
            return [
                "type": .list([.text("integer"), .text("string")]), "minimum": .number(1),
                "maximum": .number(100),
            ]
        case let choice as any CaseIterable: return ["enum": .list(words(of: choice))]
        case is String, is any Name: return ["type": .text("string")]
        case let list as [Any]:
            guard let items = list.first.flatMap(kind) else { return nil }
            return ["type": .text("array"), "items": .object(items)]
        default: return nil
        }
    }

    private static func words<Choice: CaseIterable>(of _: Choice) -> [Value] {
        Choice.allCases.compactMap { ($0 as? any RawRepresentable)?.rawValue as? String }
            .map(Value.text)
    }

    private static func unwrapped(_ value: Any) -> (Any, isOptional: Bool)? {
        let mirror = Mirror(reflecting: value)
        guard mirror.displayStyle == .optional else { return (value, false) }
        return mirror.children.first.map { ($0.value, true) }
    }

    /// The default as it stands in the document, as a value of its type.
    private static func standard(_ text: String, as type: Value?) -> Value {
        switch type {
        case .text("boolean"): return .flag(text == "true")
        case .text("array"):
            let words = text.dropFirst().dropLast().split(separator: ", ")
            return .list(words.map { .text(String($0)) })
        case .text("string"), nil: return .text(text == "\"\"" ? "" : text)
        default: return Int(text).map(Value.number) ?? .text(text)
        }
    }

    /// Markdown without links and bold: editors show it as it is.
    private static func plain(_ markdown: String) -> String {
        markdown.replacing("**", with: "").replacing(/\[([^\]]*)\]\([^)]*\)/) { $0.output.1 }
    }
}
