import FoundationEssentials
import Model
import Outside
import Store

/// Reads the events in the order in which they were written, beside whoever writes them.
public struct EventReader: Sendable {
    private static let lookEvery = Duration.milliseconds(500)

    private let store: Store
    private let clock: any Clocks
    private let filter: EventFilter
    /// Number of the first event that was not read yet.
    private var next: UInt64 = 0

    /// Throws `notFound` before `jeeves init`.
    public init(_ project: Project, filter: EventFilter, world: World) throws {
        try project.requireState(world.files)
        store = try Store.open(path: project.store)
        clock = world.clock
        self.filter = filter
    }

    /// What was written since the last time, at first everything that is kept.
    public mutating func read() throws -> [Event] {
        let found = try store.events(from: next)
        next = found.next
        return found.events.filter(filter.admits)
    }

    /// Waits until something was written. Throws `CancellationError` if the task is cancelled.
    public mutating func follow() async throws -> [Event] {
        while true {
            let revision = try store.revision()
            let events = try read()
            if !events.isEmpty { return events }
            while try store.revision() == revision {
                try await clock.sleep(Self.lookEvery, op: "events.follow")
            }
        }
    }
}

/// Which events a person wants to see.
public struct EventFilter: Sendable {
    let since: Date?
    let node: NodeName?
    let subject: String?

    public init(since: Date? = nil, node: NodeName? = nil, subject: String? = nil) {
        self.since = since
        self.node = node
        self.subject = subject
    }

    /// A node's events are those that its agent reports and those that are about it; a subject
    /// includes what is below it.
    func admits(_ event: Event) -> Bool {
        if let since, event.at < since { return false }
        if let node, event.actor != "agent/\(node)", !Self.isIn(event.subject, "node/\(node)") {
            return false
        }
        return subject.map { Self.isIn(event.subject, $0) } ?? true
    }

    private static func isIn(_ subject: String, _ whole: String) -> Bool {
        subject == whole || subject.hasPrefix(whole + "/")
    }
}
