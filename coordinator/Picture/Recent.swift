import Outside

/// What is made anew at most once in a while, however many ask for it: who only watches must not
/// keep the store and the links from the coordinator's own work.
actor Recent<Value: Sendable> {
    private let freshFor: Duration
    private let clock: any Clocks
    private let make: @Sendable () async -> Value
    private var last: (at: Duration, task: Task<Value, Never>)?

    init(
        for freshFor: Duration, _ clock: any Clocks, _ make: @Sendable @escaping () async -> Value
    ) {
        self.freshFor = freshFor
        self.clock = clock
        self.make = make
    }

    /// Who comes while it is made gets the same.
    func value() async -> Value {
        let now = clock.uptime()
        if let last, now - last.at < freshFor { return await last.task.value }
        let task = Task { await make() }
        last = (now, task)
        return await task.value
    }
}
