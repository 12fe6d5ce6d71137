import CSystemd
import Model

/// A value of a unit's property, with its D-Bus type (sd_bus_message_append(3)).
enum BusValue {
    case string(String)
    case strings([String])
    case flag(Bool)
    case number(UInt64)
    /// `ExecStart`: one program with its whole argument vector.
    case program(path: String, argv: [String])

    var signature: String {
        switch self {
        case .string: "s"
        case .strings: "as"
        case .flag: "b"
        case .number: "t"
        case .program: "a(sasb)"
        }
    }
}

/// A method call being put together. Swift does not import libsystemd's variadic functions, so
/// every value goes in by itself.
struct BusMessage: ~Copyable {
    let pointer: OpaquePointer

    init(owning pointer: OpaquePointer) { self.pointer = pointer }
    deinit { sd_bus_message_unref(pointer) }

    func append(_ value: BusValue) throws {
        switch value {
        case .string(let text):
            try check(sd_bus_message_append_basic(pointer, Self.type("s"), text))
        case .strings(let texts):
            try container("a", "s") { for text in texts { try append(.string(text)) } }
        case .flag(let flag):
            // A D-Bus boolean is an int in memory.
            var number: Int32 = flag ? 1 : 0
            try check(sd_bus_message_append_basic(pointer, Self.type("b"), &number))
        case .number(var number):
            try check(sd_bus_message_append_basic(pointer, Self.type("t"), &number))
        case .program(let path, let argv):
            try container("a", "(sasb)") {
                try container("r", "sasb") {
                    try append(.string(path))
                    try append(.strings(argv))
                    try append(.flag(false))
                }
            }
        }
    }

    /// `a(sv)`: names with values of any type.
    func append(properties: [(String, BusValue)]) throws {
        try container("a", "(sv)") {
            for (name, value) in properties {
                try container("r", "sv") {
                    try append(.string(name))
                    try container("v", value.signature) { try append(value) }
                }
            }
        }
    }

    /// An array without members, `contents` being its element's type.
    func appendEmptyArray(of contents: String) throws { try container("a", contents) {} }

    private func container(
        _ kind: Unicode.Scalar, _ contents: String, _ fill: () throws -> Void
    ) throws {
        try check(sd_bus_message_open_container(pointer, Self.type(kind), contents))
        try fill()
        try check(sd_bus_message_close_container(pointer))
    }

    private func check(_ code: Int32) throws {
        guard code >= 0 else {
            throw Failure(.failed, "building a call to systemd: \(errnoText(-code))")
        }
    }

    static func type(_ scalar: Unicode.Scalar) -> CChar { CChar(UInt8(ascii: scalar)) }
}
