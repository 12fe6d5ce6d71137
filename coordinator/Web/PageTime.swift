import FoundationEssentials
import Outside

/// A moment for people, with the exact one for machines.
struct PageTime {
    private let moment: Date
    private let now: Date

    init(_ moment: Date, now: Date) {
        self.moment = moment
        self.now = now
    }

    /// `5m`: how long ago.
    var age: HTML {
        let age = Duration.seconds(max(0, now.timeIntervalSince(moment)))
        return """
            <time datetime="\(exact)" title="\(exact)">\(age.ageText)</time>
            """
    }

    var clock: HTML {
        """
        <time datetime="\(exact)">\(exact)</time>
        """
    }

    private var exact: String { moment.formatted(.iso8601) }
}
