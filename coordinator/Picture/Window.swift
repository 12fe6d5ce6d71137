import FoundationEssentials
import Logging
import Model
import Outside
import Store

/// What a running coordinator shows to whoever watches it. Reads only; a second's looks are one.
public struct Window: Sendable {
    /// The cluster at one time.
    public struct View: Sendable {
        public let picture: Picture
        public let status: ClusterStatus
        /// Nodes with a link.
        public let linked: Int

        public init(picture: Picture, status: ClusterStatus, linked: Int) {
            self.picture = picture
            self.status = status
            self.linked = linked
        }
    }

    /// Events in the order of their numbers, and the number after the last one.
    public typealias Events = (events: [Event], next: UInt64)

    public let clock: any Clocks
    public var look: @Sendable () async throws -> View
    public var measure: @Sendable () async -> Measures
    /// The events from a number on; nil asks for the newest ones.
    public var events: @Sendable (_ from: UInt64?) throws -> Events
    /// What was desired, attempted and running at a time.
    public var moment: @Sendable (Date) throws -> Moment

    public init(
        clock: any Clocks, look: @escaping @Sendable () async throws -> View,
        measure: @escaping @Sendable () async -> Measures,
        events: @escaping @Sendable (_ from: UInt64?) throws -> Events,
        moment: @escaping @Sendable (Date) throws -> Moment
    ) {
        self.clock = clock
        self.look = look
        self.measure = measure
        self.events = events
        self.moment = moment
    }
}

extension Driver {
    /// Where the page is to be served.
    public var statusPage: StatusPageSection { run.cluster.coordinator.statusPage }

    public var log: Logger { run.log }

    /// One line for the person who runs this coordinator.
    public func tell(_ line: String) { progress(.line(line)) }

    public var window: Window {
        let clock = run.world.clock
        let views = Recent(for: .seconds(1), clock) { await seen() }
        let measures = Recent(for: .seconds(10), clock) { [run] in await Measures.take(run) }
        return Window(
            clock: clock, look: { try await views.value().get() },
            measure: { await measures.value() },
            events: { start in
                let newest = try run.store.nextEvent()
                let first = newest > Self.eventsShown ? newest - Self.eventsShown : 1
                let events = try run.store.events(from: start ?? first)
                return (events.events, max(events.next, start ?? newest))
            },
            moment: { try Timeline(store: run.store).at($0) })
    }

    private func seen() async -> Result<Window.View, any Error> {
        do {
            let linked = await run.downlinks.connected()
            return .success(
                Window.View(
                    picture: try await picture(),
                    status: try ClusterStatus.read(
                        run.cluster, store: run.store, connected: linked,
                        now: run.world.clock.now()),
                    linked: linked.count))
        } catch { return .failure(error) }
    }

    private static let eventsShown: UInt64 = 30
}
