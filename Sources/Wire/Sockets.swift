import Glibc
import NIOCore

/// Socket options that make the kernel notice a dead peer about as soon as pings do (tcp(7)); best
/// effort, for tunnels, which have no pings.
enum Sockets {
    private static func tcp(_ name: CInt) -> ChannelOptions.Types.SocketOption {
        ChannelOptions.Types.SocketOption(
            level: .tcp, name: NIOBSDSocket.Option(rawValue: name))
    }

    private static let alive: [(ChannelOptions.Types.SocketOption, SocketOptionValue)] = [
        (ChannelOptions.socketOption(.so_keepalive), 1),
        // Seconds idle, seconds between probes, probes.
        (tcp(TCP_KEEPIDLE), 10),
        (tcp(TCP_KEEPINTVL), 5),
        (tcp(TCP_KEEPCNT), 3),
        // Milliseconds that sent bytes may stay without acknowledgement.
        (tcp(TCP_USER_TIMEOUT), 15_000),
    ]

    /// Sets them on a connected channel. On its event loop.
    static func keepAlive(_ channel: any Channel) {
        for (option, value) in alive { try? channel.syncOptions?.setOption(option, value: value) }
    }
}
