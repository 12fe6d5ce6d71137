import ArgumentParser

/// `lab payload`: builds or finds what nodes need for Kubernetes, and prints where it is.
struct PayloadCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "payload", abstract: "Build what nodes need for Kubernetes, once.")

    @Option(help: "The folder Tests/Lab/Standins of the checkout.")
    var standins = "Tests/Lab/Standins"

    func run() async throws {
        let payload = try await NodePayload.prepare(cache: Cache(), standins: standins)
        say("kubernetes \(payload.programs)")
        say("clients \(payload.clients)")
        say("images \(payload.images)")
    }
}
