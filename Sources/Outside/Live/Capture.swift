import Synchronization

/// Keeps the first and the last part of what a child prints, however much that is, and cuts it into
/// lines of bounded length.
final class Capture: Sendable {
    /// Of a longer line only this much is handed on.
    private static let lineBytesMax = 64 << 10

    private struct State {
        var head: [UInt8] = []
        var tail: [UInt8] = []
        var dropped = 0
        var line: [UInt8] = []
    }

    private let half: Int
    private let state = Mutex(State())

    init(bytesMax: Int) { half = max(bytesMax / 2, 1) }

    /// Takes more output and returns the lines that it completes.
    func append(_ bytes: [UInt8]) -> [String] {
        state.withLock { state in
            keep(bytes[...], &state)
            var lines: [String] = []
            for byte in bytes {
                if byte == UInt8(ascii: "\n") {
                    lines.append(String(decoding: state.line, as: UTF8.self))
                    state.line = []
                } else if state.line.count < Self.lineBytesMax {
                    state.line.append(byte)
                }
            }
            return lines
        }
    }

    /// The last line, if it did not end with a line break.
    var rest: String? {
        state.withLock {
            $0.line.isEmpty ? nil : String(decoding: $0.line, as: UTF8.self)
        }
    }

    /// What was kept; says how much is missing in the middle.
    var text: String {
        state.withLock { state in
            let head = String(decoding: state.head, as: UTF8.self)
            // Half of the tail may be surplus: it is trimmed rarely, not for each byte.
            let surplus = max(state.tail.count - half, 0)
            let tail = String(decoding: state.tail.dropFirst(surplus), as: UTF8.self)
            let dropped = state.dropped + surplus
            return dropped == 0 ? head + tail : "\(head)\n[\(dropped) bytes left out]\n\(tail)"
        }
    }

    private func keep(_ bytes: ArraySlice<UInt8>, _ state: inout State) {
        let first = bytes.prefix(half - state.head.count)
        state.head.append(contentsOf: first)
        state.tail.append(contentsOf: bytes.dropFirst(first.count))
        guard state.tail.count > 2 * half else { return }
        let surplus = state.tail.count - half
        state.tail.removeFirst(surplus)
        state.dropped += surplus
    }
}
