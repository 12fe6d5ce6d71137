import Model
import NIOCore
import NIOPosix
import NIOSSL

/// Opens conversations with a coordinator.
public enum Dialer {
    /// Opens a link or an enrolment. The peer's certificate is judged by `check` alone. `limits`
    /// hold from then on; `deadline` is for the TCP connection and the TLS handshake together.
    ///
    /// With TLS 1.3 a client is done before the server has judged its certificate: a refusal is
    /// what `incoming` throws first (`unauthorized`).
    ///
    /// Throws what `check` throws, `unavailable` if nobody answers, `timeout` after `deadline`.
    public static func dial(
        host: String, port: UInt16, conversation: Conversation, credentials: Credentials?,
        check: @escaping PeerCheck, deadline: Duration = .seconds(10),
        limits: LinkLimits = LinkLimits()
    ) async throws -> any Link {
        precondition(conversation != .tunnel, "a tunnel is dialled with dialTunnel")
        let rules: FrameRules =
            conversation == .link ? .agentSide(limits) : .enrolling(limits)
        let call = Call(
            host: host, port: port, conversation: conversation, check: check, deadline: deadline)
        return try await call.connect(credentials) { channel, peer in
            try TLSLink(on: channel, peer: peer, rules: rules, limits: limits)
        }
    }

    /// Opens tunnel `number` that the coordinator asked for: a connection that carries bytes.
    /// Throws as `dial` does.
    public static func dialTunnel(
        host: String, port: UInt16, number: UInt64, credentials: Credentials,
        check: @escaping PeerCheck, deadline: Duration = .seconds(10)
    ) async throws -> RawStream {
        let call = Call(
            host: host, port: port, conversation: .tunnel, check: check, deadline: deadline)
        let stream = try await call.connect(credentials) { channel, _ in
            try RawStream(on: channel)
        }
        try await stream.write(Frame.encode(.tunnel(TunnelHello(number: number))))
        return stream
    }
}

/// One attempt to reach a coordinator.
private struct Call: Sendable {
    let host: String
    let port: UInt16
    let conversation: Conversation
    let check: PeerCheck
    let deadline: Duration

    /// `open` runs on the event loop as soon as TLS is up. What it returns closes itself if nobody
    /// takes it, so a cancelled call leaks nothing.
    func connect<Opened: Sendable>(
        _ credentials: Credentials?,
        open: @escaping @Sendable (any Channel, Peer) throws -> Opened
    ) async throws -> Opened {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let opened = loop.makePromise(of: Opened.self)
        let until = NIODeadline.now() + TimeAmount(deadline)
        let bootstrap = ClientBootstrap(group: loop).connectTimeout(TimeAmount(deadline))
        // An address needs no resolver, which has threads of its own.
        let address = try? SocketAddress(ipAddress: host, port: Int(port))
        (address.map(bootstrap.connect(to:)) ?? bootstrap.connect(host: host, port: Int(port)))
            .whenComplete { result in
                switch result {
                case .failure(let error): opened.fail(unreachable(error))
                case .success(let channel):
                    do {
                        // Made only now: a node redials an absent coordinator for ever.
                        try shake(
                            channel, TLS.client(conversation, credentials), until: until,
                            open: open, result: opened)
                    } catch {
                        opened.fail(error)
                        channel.close(promise: nil)
                    }
                }
            }
        return try await withTaskCancellationHandler {
            try await opened.futureResult.get()
        } onCancel: {
            opened.fail(CancellationError())
        }
    }

    private func shake<Opened: Sendable>(
        _ channel: any Channel, _ context: NIOSSLContext, until: NIODeadline,
        open: @escaping @Sendable (any Channel, Peer) throws -> Opened,
        result: EventLoopPromise<Opened>
    ) throws {
        let verdict = Verdict()
        let doorway = Doorway(limit: deadline, deadline: until) { ended in
            do {
                let chosen = try ended.get()
                guard case .success(let peer)? = verdict.result, chosen == conversation.rawValue
                else { throw Failure(.unsupported, "the peer does not speak \(conversation)") }
                result.succeed(try open(channel, peer))
            } catch {
                let failure = verdict.explain(Failure(wire: error, trying: "the TLS handshake"))
                result.fail(failure.context("connecting to \(host):\(port)"))
                channel.abort()
            }
        }
        Sockets.keepAlive(channel)
        try channel.pipeline.syncOperations.addHandler(doorway)
        try channel.pipeline.syncOperations.addHandler(
            NIOSSLClientHandler(
                context: context, serverHostname: nil,
                customVerificationCallback: verdict.callback(check)),
            name: TLS.handlerName, position: .first)
    }

    private func unreachable(_ error: any Error) -> Failure {
        var said = printable("\(error)")
        if let failures = error as? NIOConnectionError {
            said = failures.connectionErrors.first.map { printable("\($0.error)") } ?? said
        }
        var code = Failure.Code.unavailable
        if case ChannelError.connectTimeout = error { code = .timeout }
        return Failure(
            code, "connecting to \(host):\(port): \(said)",
            fix: "check that `jeeves serve` or `jeeves up` runs there and that the address, port "
                + "and security group let this node in")
    }
}
