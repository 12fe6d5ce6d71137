import Glibc
import Model

/// A port of loopback that nobody else gets while this is there. Agents know it before the first
/// coordinator listens on it and after the last one, so no listener can be asked for it.
///
/// It is bound and never listens: connections are refused, and a listener with SO_REUSEADDR, as
/// ours are, may bind it as well (socket(7)).
final class ReservedPort: Sendable {
    let number: UInt16
    private let descriptor: Int32

    init() throws {
        let made = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var isReused: Int32 = 1
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        // Port 0 means one that the system chooses.
        let isBound = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                setsockopt(
                    made, SOL_SOCKET, SO_REUSEADDR, &isReused,
                    socklen_t(MemoryLayout<Int32>.size)) == 0
                    && bind(made, $0, size) == 0 && getsockname(made, $0, &size) == 0
            }
        }
        guard isBound else {
            throw Failure(.unavailable, "reserving a port of loopback: error \(errno)")
        }
        descriptor = made
        number = UInt16(bigEndian: address.sin_port)
    }

    deinit { close(descriptor) }
}
