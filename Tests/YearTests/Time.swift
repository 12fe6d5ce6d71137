import Foundation
import Outside
import Support

extension Duration {
    static func minutes(_ count: Double) -> Duration { .seconds(count * 60) }
    static func hours(_ count: Double) -> Duration { .minutes(count * 60) }
    static func days(_ count: Double) -> Duration { .hours(count * 24) }
}

extension Date {
    static func + (date: Date, duration: Duration) -> Date {
        date.addingTimeInterval(duration.seconds)
    }

    static func - (date: Date, duration: Duration) -> Date {
        date.addingTimeInterval(-duration.seconds)
    }

    static func - (end: Date, start: Date) -> Duration {
        .seconds(end.timeIntervalSince(start))
    }
}

extension Range<Date> {
    var length: Duration { upperBound - lowerBound }

    /// With so much more on both sides.
    func widened(by duration: Duration) -> Range { lowerBound - duration..<upperBound + duration }
}

extension SeededChance {
    func duration(_ range: ClosedRange<Duration>) -> Duration {
        range.lowerBound + jitter(range.upperBound - range.lowerBound)
    }

    func date(in range: Range<Date>) -> Date { range.lowerBound + jitter(range.length) }

    func index(_ count: Int) -> Int { Int(fraction() * Double(count)) }
}
