import Foundation
import Model
import Outside

/// Clients of the chat on the operator's machine, beside whatever happens to the cluster, and what
/// they lost meanwhile.
struct Load: Sendable {
    /// What was sent of one kind, what was not answered, and why.
    struct Count: Decodable, Sendable {
        let sent: Int
        let lost: Int
        /// The longest time in which nobody was answered, in seconds.
        let gap: Double
        let reasons: [String: Int]

        var sentence: String {
            let why = reasons.sorted { $0.value > $1.value }.map { "\($0.value) \($0.key)" }
            return "\(lost) of \(sent) lost, longest gap \(String(format: "%.2f", gap)) s"
                + (why.isEmpty ? "" : " (\(why.joined(separator: "; ")))")
        }
    }

    struct Sockets: Decodable, Sendable {
        let opened: Int
        let refused: Int
        let cut: Int
    }

    struct Tally: Decodable, Sendable {
        let requests: Count
        let messages: Count
        let sockets: Sockets

        var gap: Double { max(requests.gap, messages.gap) }
    }

    private static let endMax = Duration.seconds(30)
    private static let warmUp = Duration.seconds(3)

    let person: Operator
    /// The clients end by themselves after this long.
    var limit = LiveCluster.upMax

    /// Runs clients while `body` runs; prints and returns what they saw. Throws what `body` throws,
    /// and `failed` if the clients did not come to their end.
    func beside(_ what: String, _ body: () async throws -> Void) async throws -> Tally {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let command = [
            "python3", Layout.load, ClusterText.domain, "443", Layout.acmeRoot,
            "\(Int(limit.seconds))",
        ]
        let clients = try person.start(
            command, streams: Spawn.Streams(output: scratch.path("tally")))
        defer { Spawn.kill(clients) }
        try await Task.sleep(for: Self.warmUp)
        try await body()
        try await Task.sleep(for: Self.warmUp)
        kill(clients.pid, SIGTERM)
        let code = try await person.status(of: clients, deadline: Self.endMax, command)
        guard code == 0 else { throw Failure(.failed, "counting what is lost: exit \(code)") }
        let text = try scratch.text("tally", bytesMax: Host.outputBytesMax)
        let tally = try JSON.decode(Tally.self, from: text.utf8, what: "the load's tally")
        say("load beside \(what):")
        say("  requests: \(tally.requests.sentence)")
        say("  messages: \(tally.messages.sentence)")
        let sockets = tally.sockets
        say("  sockets: \(sockets.opened) opened, \(sockets.cut) cut, \(sockets.refused) refused")
        return tally
    }
}
