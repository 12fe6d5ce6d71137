import Glibc

/// Writes to the person at the terminal.
enum Terminal {
    static func write(_ text: String) { put(text, to: 1) }

    static func complain(_ text: String) { put(text, to: 2) }

    private static func put(_ text: String, to descriptor: Int32) {
        var bytes = Array(text.utf8)[...]
        bytes.append(UInt8(ascii: "\n"))
        while !bytes.isEmpty {
            let written = bytes.withUnsafeBytes {
                Glibc.write(descriptor, $0.baseAddress, $0.count)
            }
            guard written > 0 else { return }
            bytes = bytes.dropFirst(written)
        }
    }
}
