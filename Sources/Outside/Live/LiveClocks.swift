import FoundationEssentials

/// The system's clocks. `uptime` counts suspended time too, so that a deadline does.
struct LiveClocks: Clocks {
    private static let clock = ContinuousClock()
    private static let start = clock.now

    func now() -> Date { Date() }
    func uptime() -> Duration { Self.start.duration(to: Self.clock.now) }
    func sleep(_ duration: Duration, op: Op) async throws { try await Task.sleep(for: duration) }
}
