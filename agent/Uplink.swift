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
    /// What the files say, kept while nobody answers: reading it costs more than dialling.
    private var known: Known?

    /// Whom to dial, and as whom.
    private struct Known {
        /// Of the files that it was read from.
        let stamps: [FileInfo?]
        let addresses: [String]
        let pairs: [IdentityFile.Pair]
        /// Until then one of the pairs opens at least a renewal-only link; nil without any.
        let opensUntil: Date?
    }

    /// Without a coordinator's word. A person who runs a verb now and then waits for that long.
    static let redialMax = Duration.seconds(15)
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
            // A person may have mended a file meanwhile.
            if known?.stamps != stamps() { known = nil }
            for address in known?.addresses ?? book.addresses() where !Task.isCancelled {
                do {
                    try await connect(to: address)
                } catch is CancellationError {
                    return
                } catch {
                    failures += 1
                    report(Failure(error, trying: "connecting to \(address)"), at: address)
                }
            }
            try? await world.clock.sleep(pause(), op: "uplink.redial")
        }
    }

    /// Full jitter at first, because all nodes lose a coordinator at once; between half and the
    /// whole window when it is away for longer.
    private func pause() -> Duration {
        let windows = 1 + failures / Self.failuresPerWindow
        let window = min(redialWindow * windows, max(Self.redialMax, redialWindow))
        let least = windows > 1 ? window / 2 : .milliseconds(250)
        return least + world.chance.jitter(window - least)
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
        var known = try self.known ?? look()
        self.known = known
        // This machine's clock may be what is wrong: the old pair stays until the new one opened a
        // link.
        if known.opensUntil.map({ world.clock.now() > $0 }) ?? true {
            try await enroller.enrol { [dial] in try await dial(address, .enrolment, nil) }
            log.info("enrolled", metadata: ["coordinator": "\(address)"])
            known = try look()
            self.known = known
        }
        for pair in known.pairs {
            do {
                return try await converse(with: address, as: pair)
            } catch let failure as Failure where failure.code == .unauthorized && pair.isCandidate {
                log.warning(
                    "new certificate refused", metadata: ["reason": "\(failure.message)"])
                try identity.dropCandidate()
                self.known = nil
            }
        }
    }

    private func stamps() -> [FileInfo?] {
        (book.sources + identity.sources).map { path in (try? world.files.info(path)) ?? nil }
    }

    private func look() throws -> Known {
        let stamps = stamps()
        let pairs = try identity.pairs()
        let ends = try pairs.map { pair in
            try CertificateFacts(pem: pair.credentials.chainPEM).notAfter
                .addingTimeInterval(PeerPolicy.renewalGrace.seconds)
        }
        return Known(
            stamps: stamps, addresses: book.addresses(), pairs: pairs, opensUntil: ends.max())
    }

    private func converse(with address: String, as pair: IdentityFile.Pair) async throws {
        let link = try await dial(address, .link, pair.credentials)
        known = nil
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
