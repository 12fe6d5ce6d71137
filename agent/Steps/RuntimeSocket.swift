import Model
import Outside
import Tools

/// HAProxy's runtime API over its socket, or its master's: one command a connection.
struct RuntimeSocket: Sendable {
    let path: String
    let network: any Network

    init(_ world: World, _ layout: EdgeLayout) {
        (path, network) = (layout.runtimeSocket, world.network)
    }

    /// The master's: it knows its workers, and only them.
    init(master world: World, _ layout: EdgeLayout) {
        (path, network) = (layout.masterSocket, world.network)
    }

    /// What runs now. Throws `unavailable` if HAProxy does not answer.
    func info() async throws -> HAProxyRuntime.Info {
        try await HAProxyRuntime.Info(ask(HAProxyRuntime.showInfo, op: "haproxy.info"))
    }

    /// Sends one command. Throws `unavailable` if HAProxy does not answer.
    func ask(_ command: String, op: Op) async throws -> String {
        let answer = try await network.exchange(
            .unix(path: path), sending: Array(command.utf8), deadline: .seconds(5),
            bytesMax: HAProxyRuntime.answerBytesMax, op: op)
        return String(decoding: answer, as: UTF8.self)
    }
}
