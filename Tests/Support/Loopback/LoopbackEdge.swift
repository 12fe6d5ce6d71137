import Glibc
import Model
import NIOCore
import NIOPosix
import Outside
import Synchronization
import Tools

/// A place of its own for a real edge on this machine: a temporary folder and free ports, both gone
/// with the test. It starts nothing by itself.
public struct LoopbackEdge: Sendable {
    public let domain = DomainName(unchecked: "chat.example.test")
    public let folder: String
    public let layout: EdgeLayout
    /// Where the chat listens behind HAProxy.
    public let backendPort: UInt16
    /// For whoever else must listen.
    public let sparePorts: [UInt16]
    public let units: LoopbackUnits
    /// The real one, but for systemd.
    public let world: World

    /// The agent's own folder.
    public var state: String { "\(folder)/state" }

    public static func with<Value>(
        _ debian: Debian = .bookworm, sparePorts: Int = 0,
        _ body: (LoopbackEdge) async throws -> Value
    ) async throws -> Value {
        let edge = try await LoopbackEdge(debian, sparePorts: sparePorts)
        do {
            let value = try await body(edge)
            await edge.end()
            return value
        } catch {
            await edge.end()
            throw error
        }
    }

    private init(_ debian: Debian, sparePorts spare: Int) async throws {
        var world = World.live()
        world.processes = try await debian.programs(of: world)
        var ports = try await Self.freePorts(5 + spare, world.chance)
        backendPort = ports.removeLast()
        // Short: a socket's path has at most 107 bytes (unix(7)), and HAProxy adds some.
        var template = Array("/tmp/edge-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw Failure(.failed, "making a temporary folder in /tmp: error \(errno)")
        }
        folder = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        var layout = EdgeLayout()
        layout.configFile = "\(folder)/haproxy/haproxy.cfg"
        layout.certificateFolder = "\(folder)/haproxy/certs"
        layout.runtimeSocket = "\(folder)/admin.sock"
        layout.masterSocket = "\(folder)/master.sock"
        layout.certbotConfig = "\(folder)/letsencrypt"
        layout.certbotWork = "\(folder)/letsencrypt-work"
        layout.certbotLogs = "\(folder)/letsencrypt-log"
        layout.httpPort = ports.removeLast()
        layout.httpsPort = ports.removeLast()
        layout.acmePort = ports.removeLast()
        layout.metricsPort = ports.removeLast()
        self.layout = layout
        sparePorts = ports
        units = LoopbackUnits(world, layout)
        world.units = units
        self.world = world
        for path in ["\(folder)/haproxy", "\(folder)/state"] {
            try world.files.makeDirectory(path, mode: 0o700, op: "edge.folder")
        }
    }

    /// Points certbot's links at a generation of its archive, as certbot does at an order's end.
    public func link(generation: Int, _ type: KeyType = .ecdsa) throws {
        let certbot = Certbot(layout: layout)
        let lineage = certbot.lineage(of: domain, type)
        let live = "\(layout.certbotConfig)/live/\(lineage)"
        try world.files.makeDirectory(live, mode: 0o700, op: "edge.live")
        for part in [Certbot.Part.key, .chain] {
            let link = certbot.live(part, of: domain, type)
            let target = "../../archive/\(lineage)/\(part.rawValue)\(generation).pem"
            try world.files.remove(link, op: "edge.unlink")
            guard symlink(target, link) == 0 else {
                throw Failure(.failed, "making the link \(link): error \(errno)")
            }
        }
    }

    private func end() async {
        await units.settle()
        await units.end()
        world.files.clear(folder)
    }

    /// An edge does not listen on its ports from the start, so that others would find them free.
    private static let given = Mutex<Set<UInt16>>([])

    /// Ports that nobody listens on, below those that the kernel gives to outgoing connections.
    private static func freePorts(_ count: Int, _ chance: any Chance) async throws -> [UInt16] {
        var free: Set<UInt16> = []
        for _ in 0..<count * 20 where free.count < count {
            let port = 20_000 + UInt16(chance.fraction() * 10_000)
            // Both families at once, as HAProxy binds them.
            let server = ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            guard let channel = try? await server.bind(host: "::", port: Int(port)).get() else {
                continue
            }
            try await channel.close()
            if given.withLock({ $0.insert(port).inserted }) { free.insert(port) }
        }
        guard free.count == count else {
            throw Failure(.unavailable, "looking for \(count) free ports: found \(free.count)")
        }
        return Array(free)
    }
}
