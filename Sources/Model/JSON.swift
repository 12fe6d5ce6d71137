import FoundationEssentials

/// The one way documents become bytes: sorted keys and ISO 8601 dates, so that equal values have
/// equal bytes and a digest over them means something.
public enum JSON {
    /// Throws `failed` if the value cannot be encoded (a programmer's mistake in its `encode`).
    public static func encode(_ value: some Encodable, pretty: Bool = false) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        if pretty { encoder.outputFormatting.insert(.prettyPrinted) }
        encoder.dateEncodingStrategy = .iso8601
        return try [UInt8](encoder.encode(value))
    }

    /// Throws `invalid` naming the field that could not be read.
    public static func decode<Value: Decodable>(
        _ type: Value.Type = Value.self, from bytes: some Sequence<UInt8>, what: String
    ) throws -> Value {
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .iso8601
        do {
            return try decoder.decode(type, from: Data(bytes))
        } catch let failure as Failure {
            throw failure.context("reading \(what)")
        } catch let error as DecodingError {
            throw Failure(.invalid, "reading \(what): \(error.sentence)")
        }
    }
}

extension DecodingError {
    /// The place and the reason, in one line.
    public var sentence: String {
        func place(_ context: Context, _ key: (any CodingKey)? = nil) -> String {
            let path = (context.codingPath + (key.map { [$0] } ?? [])).map(\.stringValue)
            return path.isEmpty ? "the document" : path.joined(separator: ".")
        }
        return switch self {
        case .typeMismatch(let type, let context):
            "\(place(context)) is not \(Self.word(for: type))"
        case .valueNotFound(_, let context): "\(place(context)) has no value"
        case .keyNotFound(let key, let context): "\(place(context, key)) is missing"
        case .dataCorrupted(let context):
            "\(place(context)): "
                + ((context.underlyingError as? Failure)?.message ?? context.debugDescription)
        @unknown default: "it does not have the expected shape"
        }
    }

    /// A kind of value as whoever wrote the document calls it, and not as Swift does.
    private static func word(for type: Any.Type) -> String {
        let name = "\(type)"
        return switch type {
        case is Bool.Type: "true or false"
        case is String.Type: "text"
        case is any BinaryInteger.Type: "a whole number"
        case is any BinaryFloatingPoint.Type: "a number"
        case _ where name == "Sequence" || name.hasPrefix("Array"): "a list"
        case _ where name == "Mapping" || name.hasPrefix("Dictionary"): "a group of keys"
        case _ where name == "Scalar": "a plain value"
        default: "a \(name)"
        }
    }
}
