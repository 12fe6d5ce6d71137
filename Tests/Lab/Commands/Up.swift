import ArgumentParser
import Foundation
import Model
import Outside

/// Makes the data centre and returns when all of it answers.
struct Up: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make the lab. One that is there already is kept if all of it runs.")

    @Flag(inversion: .prefixedNo, help: "Give nodes what MicroK8s needs, built once.")
    var kubernetes = true

    func run() async throws {
        try Preflight.checkRoot()
        let lock = try await Lock(Layout.lock, of: "making, trying or removing the lab")
        defer { lock.release() }
        let host = Host()
        let begun = ContinuousClock.now
        if try Up.isRunning() { return say("The lab is up already.\n\(Up.advice)") }
        if Teardown.isNeeded {
            try await Up.timed("removing what is left of an older lab") {
                try await Teardown(host: host).run()
            }
        }
        try await Preflight(host: host).check()
        let cache = Cache()
        let python = try await Python.interpreter(host: host, cache: cache)
        let binds = kubernetes ? try await NodePayload.binds(cache: cache) : []
        let image = try await NodeImage.build(host: host, cache: cache)
        try makeFolders()
        try await Up.timed("network") { try await Cloud(host: host).make() }
        let acme = Acme(host: host)
        try await acme.write()
        for service in Service.all(python: python, image: image, binds: binds) {
            try await Up.timed(service.name) {
                try service.start()
                try await service.ready(host: host)
            }
        }
        try await Zone(host: host).make()
        // Last: a lab that has this file is kept by the next `up`.
        try await acme.saveRoot()
        say("The lab is up after \(begun.duration(to: .now).shortText).\n\(Up.advice)")
    }

    private func makeFolders() throws {
        for folder in [Layout.run, Layout.log, Layout.nodes, Layout.pids, Layout.state] {
            try makeFolder(folder)
        }
    }

    /// Whether a lab is there and every process of it lives.
    private static func isRunning() throws -> Bool {
        guard FileManager.default.fileExists(atPath: Layout.acmeRoot) else { return false }
        let records = try FileManager.default.contentsOfDirectory(atPath: Layout.pids)
        return records.allSatisfy { name in
            Service.child(recordedIn: "\(Layout.pids)/\(name)").map(Spawn.isAlive) ?? false
        }
    }

    /// Runs one part and says how long it took.
    static func timed(_ what: String, _ part: () async throws -> Void) async throws {
        let begun = ContinuousClock.now
        try await part()
        say("  \(what): \(begun.duration(to: .now).shortText)")
    }

    static let advice = """
        Run programs in it:  lab run -- COMMAND     inside a node:  lab exec NODE -- COMMAND
        A coordinator in it is reached at \(Layout.Address.operatorHost); the hosted zone is \
        \(Layout.zone).
        ACME directory \(Layout.acmeDirectory), its CA file \(Layout.acmeServerCA),
        root of the certificates that it issues \(Layout.acmeRoot).
        """
}
