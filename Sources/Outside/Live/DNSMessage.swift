/// Reads the records out of a DNS answer (RFC 1035 §4). It may come from anybody, so nothing in it
/// is believed to fit.
enum DNSMessage {
    /// What TCP's length field allows.
    static let bytesMax = 65_535
    /// Class IN.
    static let internet: UInt16 = 1
    /// More than any name has; what is beyond is left out.
    static let recordsMax = 256

    /// RDATA of the answers of that type, of whatever name: an alias leads to another one. Nil if
    /// the message breaks off or points nowhere.
    static func records(
        _ type: RecordType, in message: some Collection<UInt8>
    ) -> [[UInt8]]? {
        var reader = Reader(bytes: Array(message))
        guard reader.skip(4), let questions = reader.number(), let answers = reader.number(),
            reader.skip(4)
        else { return nil }
        for _ in 0..<questions {
            guard reader.skipName(), reader.skip(4) else { return nil }
        }
        var found: [[UInt8]] = []
        for _ in 0..<answers where found.count < recordsMax {
            guard reader.skipName(), let kind = reader.number(), let group = reader.number(),
                reader.skip(4), let length = reader.number(), let data = reader.take(Int(length))
            else { return nil }
            if kind == type.rawValue, group == internet { found.append(data) }
        }
        return found
    }

    private struct Reader {
        let bytes: [UInt8]
        var position = 0

        mutating func take(_ count: Int) -> [UInt8]? {
            guard count <= bytes.count - position else { return nil }
            defer { position += count }
            return Array(bytes[position..<position + count])
        }

        mutating func skip(_ count: Int) -> Bool { take(count) != nil }

        mutating func number() -> UInt16? {
            take(2).map { UInt16($0[0]) << 8 | UInt16($0[1]) }
        }

        /// Labels up to the root, or to a pointer into what came before, which need not be
        /// followed.
        mutating func skipName() -> Bool {
            while let length = take(1)?.first {
                switch length {
                case 0: return true
                case 1...63: guard skip(Int(length)) else { return false }
                case 0xC0...: return skip(1)
                default: return false
                }
            }
            return false
        }
    }
}
