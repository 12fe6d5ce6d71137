import Dispatch
import Glibc
import Outside
import Testing

/// A server on a Unix socket that reads one request a connection and answers as the test says.
final class SocketServer: Sendable {
    let endpoint: Endpoint
    /// What came, one entry a connection.
    let requests = Seen()
    private let listener: Int32

    /// `answer` gets nothing but what came; nil keeps silent until the client goes.
    init(in folder: TemporaryFolder, answer: @escaping @Sendable (String) -> String?) throws {
        let path = folder.file("socket")
        let listener = try listening(on: path)
        self.listener = listener
        endpoint = .unix(path: path)
        let requests = requests
        DispatchQueue(label: "socket server").async {
            while true {
                let client = accept(listener, nil, nil)
                guard client >= 0 else { return }
                Self.serve(client, requests, answer)
            }
        }
    }

    deinit { shutdown(listener, Int32(SHUT_RDWR)) }

    private static func serve(
        _ client: Int32, _ requests: Seen, _ answer: (String) -> String?
    ) {
        defer { close(client) }
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        let count = read(client, &buffer, buffer.count)
        let request = String(decoding: buffer.prefix(max(count, 0)), as: UTF8.self)
        requests.add(request)
        if let text = answer(request) {
            let bytes = Array(text.utf8)
            _ = send(client, bytes, bytes.count, Int32(MSG_NOSIGNAL))
        } else {
            _ = read(client, &buffer, buffer.count)
        }
    }
}

/// A new Unix socket that accepts connections.
func listening(on path: String) throws -> Int32 {
    let listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let bound = withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            bind(listener, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
    }
    try #require(bound == 0 && listen(listener, 8) == 0)
    return listener
}
