import Coordinator
import FoundationEssentials
import Model
import Outside

/// The newest events; the script adds those that come.
struct EventsPane {
    let events: Window.Events
    let now: Date

    var html: HTML {
        """
        <section id="events" aria-labelledby="events-title">
        <h2 id="events-title">Events</h2>
        <ol id="event-list" reversed>\(events.events.reversed().map(line))</ol>
        </section>
        """
    }

    private func line(_ event: Event) -> HTML {
        """
        <li>\(PageTime(event.at, now: now).clock) <b>\(event.outcome.rawValue)</b> \(event.subject)
        by \(event.actor) (\(event.cause)) \(event.detail)</li>
        """
    }
}
