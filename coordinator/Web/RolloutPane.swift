import Coordinator
import FoundationEssentials
import Model
import Outside

/// The last rollout as a timeline.
struct RolloutPane {
    let picture: Picture
    let rollout: Rollout?

    var html: HTML {
        """
        <section id="rollout" aria-labelledby="rollout-title" data-live>
        <h2 id="rollout-title">Rollout</h2>
        \(rollout.map(timeline) ?? "<p>There was none yet.</p>")
        </section>
        """
    }

    private func timeline(_ rollout: Rollout) -> HTML {
        """
        <p>\(rollout.id): <b>\(rollout.state.rawValue)</b>, began
        \(PageTime(rollout.startedAt, now: picture.at).clock), took \(took(rollout)).</p>
        <ol class="timeline">\(rollout.stages.map { stage($0, of: rollout) })</ol>
        """
    }

    private func took(_ rollout: Rollout) -> String {
        time(from: rollout.startedAt, to: rollout.endedAt).shortText
    }

    private func stage(_ entry: Rollout.Progress, of rollout: Rollout) -> HTML {
        let took = time(from: entry.startedAt, to: entry.endedAt)
        // A failure may name its pods, a line each.
        let lines = (entry.failure?.message ?? entry.summary).split(separator: "\n")
        let words: [HTML] = lines.map { "\(String($0))<br>" }
        let start = PageTime(entry.startedAt, now: picture.at).clock
        return """
            <li><h3>\(entry.stage.rawValue)</h3>
            <p><b>\(entry.state.rawValue)</b> from \(start), took \(took.shortText)</p>
            \(bar(entry, of: rollout))
            <p class="why">\(words)</p></li>
            """
    }

    /// Where in the rollout's time the stage was.
    private func bar(_ entry: Rollout.Progress, of rollout: Rollout) -> HTML {
        let whole = max(time(from: rollout.startedAt, to: rollout.endedAt).seconds, 0.1)
        let begin = entry.startedAt.timeIntervalSince(rollout.startedAt)
        let length = time(from: entry.startedAt, to: entry.endedAt).seconds
        func share(_ seconds: Double) -> Int { Int((min(max(seconds / whole, 0), 1) * 1000)) }
        // Never so short that it cannot be seen.
        let (left, width) = (share(begin), max(share(length), 4))
        return """
            <svg viewBox="0 0 1000 12" preserveAspectRatio="none" aria-hidden="true">
            <rect class="lane" width="1000" height="12"/>
            <rect class="\(entry.state.rawValue)" x="\(left)" width="\(width)" height="12"/></svg>
            """
    }

    /// To now if it has not ended.
    private func time(from start: Date, to end: Date?) -> Duration {
        .seconds(max(0, (end ?? picture.at).timeIntervalSince(start)))
    }
}
