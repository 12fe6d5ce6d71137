/// A mapping of the cluster file. Its keys are listed, so that an unknown key can be named with the
/// one that was probably meant, and the commented example can be compared with the types.
public protocol Section: Codable, Hashable, Sendable {
    associatedtype CodingKeys: CodingKey & CaseIterable & Hashable
    /// The sections inside this one, by key.
    static var sections: [CodingKeys: any Section.Type] { get }
}

extension Section {
    public static var sections: [CodingKeys: any Section.Type] { [:] }

    /// Every key of this section.
    public static var keys: [String] { CodingKeys.allCases.map(\.stringValue) }

    /// The section under `key`; nil if that key holds a plain value.
    public static func section(_ key: String) -> (any Section.Type)? {
        CodingKeys(stringValue: key).flatMap { sections[$0] }
    }
}

extension KeyedDecodingContainer {
    /// The value of `key`, or `fallback` if the file does not have it.
    func decode<Value: Decodable>(_ key: Key, or fallback: Value) throws -> Value {
        try decodeIfPresent(Value.self, forKey: key) ?? fallback
    }
}
