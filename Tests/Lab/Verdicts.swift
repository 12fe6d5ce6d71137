import Outside

/// Counts what held and what did not, and prints the closing line that every runner of ours prints.
struct Verdicts {
    private(set) var passed = 0
    private var failures: [String] = []

    var failed: Int { failures.count }

    /// False tells who needs it to hold that it did not.
    @discardableResult
    mutating func expect(_ what: String, _ holds: () async throws -> Bool) async -> Bool {
        let begun = ContinuousClock.now
        var reason = ""
        do {
            if try await !holds() { reason = "it did not" }
        } catch {
            reason = "\(error)"
        }
        let took = begun.duration(to: .now).shortText
        guard reason.isEmpty else {
            failures.append("✘ \(what) (\(took)): \(reason)")
            say(failures[failures.count - 1])
            return false
        }
        passed += 1
        say("✔ \(what) (\(took))")
        return true
    }

    /// What failed is said once more: it may be thousands of lines above.
    func close() {
        for failure in failures { say(failure) }
        say("\(passed) passed, \(failed) failed")
    }
}
