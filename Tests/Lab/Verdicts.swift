import Outside

/// Counts what held and what did not, and prints the closing line that every runner of ours prints.
struct Verdicts {
    private(set) var passed = 0
    private(set) var failed = 0

    mutating func expect(_ what: String, _ holds: () async throws -> Bool) async {
        let begun = ContinuousClock.now
        var reason = ""
        do {
            if try await !holds() { reason = "it did not" }
        } catch {
            reason = "\(error)"
        }
        let took = begun.duration(to: .now).shortText
        if reason.isEmpty { passed += 1 } else { failed += 1 }
        say(reason.isEmpty ? "✔ \(what) (\(took))" : "✘ \(what) (\(took)): \(reason)")
    }

    func close() { say("\(passed) passed, \(failed) failed") }
}
