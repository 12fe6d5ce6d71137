import Model
import Outside
import Trust
import Wire

/// Opens connections to the coordinator, pinned to the cluster's root.
public struct Dialler: Sendable {
    private let settings: Settings
    private let clock: any Clocks

    public init(settings: Settings, clock: any Clocks) {
        self.settings = settings
        self.clock = clock
    }

    public func dial(
        _ address: String, _ conversation: Conversation, _ credentials: Credentials?
    ) async throws -> any Link {
        let (host, port) = try Self.split(address)
        return try await Dialer.dial(
            host: host, port: port, conversation: conversation, credentials: credentials,
            check: check)
    }

    /// Carries tunnel `number` between the coordinator and this node's Kubernetes API, to its end.
    public func carry(_ number: UInt64, state: StateFolder, files: any Files)
        async throws
    {
        guard let credentials = try IdentityFile(files: files, state: state).inUse() else {
            throw Failure(.unauthorized, "opening tunnel \(number): this node has not enrolled")
        }
        let api = try await connectLocal(host: "127.0.0.1", port: 16443)
        var last = Failure(.unavailable, "opening tunnel \(number): no coordinator is known")
        let book = AddressBook(settings: settings, files: files, state: state)
        for address in book.addresses() {
            let tunnel: RawStream
            do {
                let (host, port) = try Self.split(address)
                tunnel = try await Dialer.dialTunnel(
                    host: host, port: port, number: number, credentials: credentials,
                    check: check)
            } catch {
                last = Failure(error, trying: "opening tunnel \(number)")
                continue
            }
            return try await splice(tunnel, api)
        }
        await api.close()
        throw last
    }

    private var check: PeerCheck {
        { [settings, clock] chain in
            let peer = try await PeerPolicy.checkCoordinator(
                chain, cluster: settings.cluster, pin: settings.pin, now: clock.now())
            return Peer(uri: peer.uri, serial: peer.serial, expired: peer.expired)
        }
    }

    /// `host:port`, with an IPv6 host in brackets.
    private static func split(_ address: String) throws -> (host: String, port: UInt16) {
        guard let colon = address.lastIndex(of: ":"),
            let port = UInt16(address[address.index(after: colon)...])
        else {
            throw Failure(
                .invalid, "dialling \(address): it is not host:port",
                fix: "mend `coordinators` in \(Settings.path) and restart jeeves-agent")
        }
        let host = address[..<colon].filter { $0 != "[" && $0 != "]" }
        return (String(host), port)
    }
}
