import Testing

@testable import Wire

@Suite("TokenBuckets")
struct TokenBucketsTests {
    /// How many of `count` tries go through.
    private func passed(
        _ count: Int, _ source: String, at seconds: Double, _ buckets: inout TokenBuckets
    ) -> Int {
        (0..<count).reduce(0) { passed, _ in
            passed + (buckets.take(source, now: .seconds(seconds)) ? 1 : 0)
        }
    }

    @Test("five a second for each source, and no more at once")
    func rate() {
        var buckets = TokenBuckets(rate: 5)
        let tries = [
            passed(9, "a", at: 0, &buckets), passed(9, "b", at: 0, &buckets),
            passed(9, "a", at: 0.19, &buckets), passed(9, "a", at: 0.41, &buckets),
            passed(9, "a", at: 60, &buckets),
        ]
        #expect(tries == [5, 5, 0, 2, 5])
    }

    @Test("a flood of sources is refused, those that rested are forgotten")
    func sources() {
        var buckets = TokenBuckets(rate: 5, sourcesMax: 2)
        let tries = [
            passed(1, "a", at: 0, &buckets), passed(1, "b", at: 0, &buckets),
            passed(1, "c", at: 0, &buckets), passed(1, "c", at: 1, &buckets),
        ]
        #expect(tries == [1, 1, 0, 1])
    }
}
