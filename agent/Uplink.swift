import FoundationEssentials
import Logging
import Model
import Outside
import Trust
import Wire

/// The node's line to its coordinator: dials for ever, enrols when it has no identity, renews its
/// certificate, and carries specs down and status up.
///
/// It is one of the two places that may catch an error and go on: a node needs no coordinator to
/// keep serving, so nothing here ever stops the agent.
public actor Uplink {
    /// Opens a connection; the live one is TLS, tests hand in memory.
    public typealias Dial =
        @Sendable (_ address: String, Conversation, Credentials?) async throws -> any Link

    private let settings: Settings
    private let world: World
    private let identity: IdentityFile
    private let book: AddressBook
    private let enroller: Enroller
    private let reconciler: Reconciler
    private let events: EventSpool
    private let requests: Requests
    private let version: String
    private let log: Logger
    private let dial: Dial
    /// What the coordinator asked for last, or a short wait before the first welcome.
    private var redialWindow = Duration.seconds(2)
    /// Tries since the last link. A coordinator that is away for long is asked less often.
    private var failures = 0
    /// By address, the reason that the journal has; it is not told again at each try.
    private var reasons: [String: String] = [:]

    /// Without a coordinator's word. A person who runs a verb now and then waits for that long.
    static let redialMax = Duration.seconds(10)
    /// Failures after which the window has doubled; it goes on growing by as much.
    static let failuresPerWindow = 10

    public init(
        settings: Settings, state: StateFolder, world: World, reconciler: Reconciler,
        events: EventSpool, requests: Requests, version: String, log: Logger,
        dial: @escaping Dial
    ) {
        self.settings = settings
        self.world = world
        self.reconciler = reconciler
        self.events = events
        self.requests = requests
        self.version = version
        self.log = log
        self.dial = dial
        identity = IdentityFile(files: world.files, state: state)
        book = AddressBook(settings: settings, files: world.files, state: state)
        enroller = Enroller(settings: settings, world: world, identity: identity)
    }

    /// Dials until the task is cancelled, with full jitter between the tries.
    public func run() async {
        while !Task.isCancelled {
            for address in book.addresses() where !Task.isCancelled {
                do {
                    try await connect(to: address)
                } catch is CancellationError {
                    return
                } catch {
                    failures += 1
                    report(Failure(error, trying: "connecting to \(address)"), at: address)
                }
            }
            let window = redialWindow * (1 + failures / Self.failuresPerWindow)
            let limit = max(Self.redialMax, redialWindow)
            let pause = Duration.milliseconds(250) + world.chance.jitter(min(window, limit))
            try? await world.clock.sleep(pause, op: "uplink.redial")
        }
    }

    private func report(_ failure: Failure, at address: String) {
        guard reasons.updateValue(failure.message, forKey: address) != failure.message else {
            return
        }
        log.warning(
            "link down; redialling",
            metadata: ["reason": "\(failure.message)", "fix": "\(failure.fix)"])
    }

    /// One connection, from dial to loss. Enrols first if there is no identity that could still be
    /// renewed.
    func connect(to address: String) async throws {
        if try mustEnrol() {
            try await enroller.enrol { [dial] in try await dial(address, .enrolment, nil) }
            log.info("enrolled", metadata: ["coordinator": "\(address)"])
        }
        for pair in try identity.pairs() {
            do {
                return try await converse(with: address, as: pair)
            } catch let failure as Failure where failure.code == .unauthorized && pair.isCandidate {
                log.warning(
                    "new certificate refused", metadata: ["reason": "\(failure.message)"])
                try identity.dropCandidate()
            }
        }
    }

    /// Whether no certificate of this node opens even a renewal-only link any more. An old one is
    /// kept until a link was opened with the new one: this machine's clock may be what is wrong.
    private func mustEnrol() throws -> Bool {
        let now = world.clock.now()
        return try identity.pairs().allSatisfy { pair in
            let end = try CertificateFacts(pem: pair.credentials.chainPEM).notAfter
            return now > end.addingTimeInterval(PeerPolicy.renewalGrace.seconds)
        }
    }

    private func converse(with address: String, as pair: IdentityFile.Pair) async throws {
        let link = try await dial(address, .link, pair.credentials)
        let session = Session(
            settings: settings, world: world, identity: identity, pair: pair, link: link,
            reconciler: reconciler, events: events, requests: requests, version: version, log: log,
            welcomed: { [book] in book.found(at: address) })
        do {
            redialWindow = try await session.run()
            failures = 0
            reasons = [:]
        } catch {
            await link.close()
            throw error
        }
        await link.close()
    }
}
