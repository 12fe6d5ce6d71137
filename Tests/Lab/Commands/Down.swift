import ArgumentParser
import Outside

/// Removes the data centre; the cache stays.
struct Down: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Remove every process, mount, namespace and folder of the lab; the cache stays.")

    func run() async throws {
        try Preflight.checkRoot()
        let lock = try await Lock(Layout.lock, of: "making, trying or removing the lab")
        defer { lock.release() }
        let begun = ContinuousClock.now
        try await Teardown(host: Host()).run()
        say("Nothing of the lab is left (\(begun.duration(to: .now).shortText)).")
    }
}
