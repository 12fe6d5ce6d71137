import Glibc
import Model
import NIOCore
import NIOPosix

/// Accepts plain connections on this machine's loopback address, where the programs that we start
/// reach a tunnel.
public final class LocalListener: Sendable {
    private static let waitingMax = 64

    /// The port that was bound.
    public let port: UInt16
    /// Connections as they come; those that nobody takes in time are closed.
    public let accepted: AsyncStream<RawStream>
    private let server: any Channel

    private init(server: any Channel, accepted: AsyncStream<RawStream>) {
        self.server = server
        self.accepted = accepted
        port = UInt16(server.localAddress?.port ?? 0)
    }

    deinit { server.close(promise: nil) }

    /// Port 0 means any that is free. Throws `conflict` if the port is taken.
    public static func bind(port: UInt16 = 0) async throws -> LocalListener {
        let (accepted, offer) = AsyncStream.makeStream(
            of: RawStream.self, bufferingPolicy: .bufferingOldest(waitingMax))
        let bootstrap = ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    offer.yield(try RawStream(on: channel))
                }
            }
        let server = try await bootstrap.listen(host: "127.0.0.1", port: port)
        server.closeFuture.whenComplete { _ in offer.finish() }
        return LocalListener(server: server, accepted: accepted)
    }

    /// Accepts no more; connections that were accepted stay.
    public func close() async { try? await server.close().get() }
}

/// Connects to a plain TCP service. Throws `unavailable` if nothing listens there, `timeout` after
/// `deadline`.
public func connectLocal(
    host: String = "127.0.0.1", port: UInt16, deadline: Duration = .seconds(5)
) async throws -> RawStream {
    do {
        return try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connectTimeout(TimeAmount(deadline))
            .connect(host: host, port: Int(port)) { channel in
                channel.eventLoop.makeCompletedFuture { try RawStream(on: channel) }
            }
    } catch {
        var code = Failure.Code.unavailable
        if case ChannelError.connectTimeout = error { code = .timeout }
        throw Failure(code, "connecting to \(host):\(port): \(printable("\(error)"))")
    }
}

extension ServerBootstrap {
    /// Throws `conflict` if the port is taken, `invalid` if the address is not ours.
    func listen(host: String, port: UInt16) async throws -> any Channel {
        do {
            return try await bind(host: host, port: Int(port)).get()
        } catch let error as IOError where error.errnoCode == EADDRINUSE {
            throw Failure(
                .conflict, "listening on \(host):\(port): another program uses that port",
                fix: "stop it (`ss -ltnp` names it) or set another port")
        } catch {
            throw Failure(
                .invalid, "listening on \(host):\(port): \(printable("\(error)"))",
                fix: "give an address of this machine and a free port")
        }
    }
}
