/// So many a second for each source, and no more: strangers cannot make us work.
struct TokenBuckets: Sendable {
    private struct Bucket {
        var tokens: Double
        var at: Duration
    }

    /// Tokens a second, and as many at once.
    private let rate: Double
    private let sourcesMax: Int
    private var buckets: [String: Bucket] = [:]

    init(rate: Double, sourcesMax: Int = 4096) {
        self.rate = rate
        self.sourcesMax = sourcesMax
    }

    /// Whether `source` may go on at `now`, a time on any clock that never jumps.
    mutating func take(_ source: String, now: Duration) -> Bool {
        if buckets[source] == nil, buckets.count >= sourcesMax { forgetFull(now: now) }
        guard buckets[source] != nil || buckets.count < sourcesMax else { return false }
        var bucket = buckets[source] ?? Bucket(tokens: rate, at: now)
        bucket.tokens = level(of: bucket, now: now)
        bucket.at = now
        defer { buckets[source] = bucket }
        guard bucket.tokens >= 1 else { return false }
        bucket.tokens -= 1
        return true
    }

    private func level(of bucket: Bucket, now: Duration) -> Double {
        min(rate, bucket.tokens + rate * ((now - bucket.at) / .seconds(1)))
    }

    private mutating func forgetFull(now: Duration) {
        buckets = buckets.filter { level(of: $0.value, now: now) < rate }
    }
}
