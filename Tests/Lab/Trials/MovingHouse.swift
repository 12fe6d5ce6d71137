import Foundation

/// A cluster moves to another folder by a backup; when both folders are lost, it comes back by the
/// same backup, which is old by then.
struct MovingHouse {
    private static let backup = "\(Operator.folder)/chat.backup"
    private static let passphrase = "\(Operator.folder)/chat.passphrase"
    private static let house = "\(Operator.folder)/house"
    private static let lost = "\(Operator.folder)/lost"
    /// What `jeeves` says in a folder that the agents have left behind.
    private static let refusal = ["driving the nodes: ", "left behind", "`jeeves epoch raise`"]

    let cluster: LiveCluster

    func play(_ verdicts: inout Verdicts) async {
        guard await cluster.begins(cluster.base, &verdicts) else { return }
        let isMade = await verdicts.expect("a backup becomes a folder elsewhere") {
            try clear()
            try writeFile("a passphrase of the lab\n", to: Self.passphrase, mode: 0o600)
            let isWritten = try await cluster.jeeves(
                "backup", "--out", Self.backup, "--passphrase-file", Self.passphrase,
                endsWith: 0, saying: ["wrote \(Self.backup)"])
            guard isWritten else { return false }
            return try await restore(into: Self.house)
        }
        guard isMade else { return }
        await move(&verdicts)
        await comeBack(&verdicts)
    }

    private func move(_ verdicts: inout Verdicts) async {
        await verdicts.expect("from there nothing is to be changed, and what is changed, is") {
            let left = try await cluster.jeeves("plan", "--detailed-exitcode", in: Self.house)
            var file = cluster.base
            file.drift = "report"
            try file.write(in: Self.house)
            let code = try await cluster.jeeves("up", in: Self.house)
            return try await cluster.serves(after: left + code)
        }
        await verdicts.expect("the folder that was left is refused with 7, and changes no worker") {
            let before = try await cluster.look.workers()
            let refused = try await cluster.jeeves("up", endsWith: 7, saying: Self.refusal)
            let after = try await cluster.look.workers()
            return refused && before == after
        }
    }

    private func comeBack(_ verdicts: inout Verdicts) async {
        let machines = (try? Node.all().map(\.id)) ?? []
        await verdicts.expect("restored where it was made, the backup is refused: it is old") {
            try FileManager.default.moveItem(atPath: Operator.project, toPath: Self.lost)
            guard try await restore(into: Operator.project) else {
                try? FileManager.default.removeItem(atPath: Operator.project)
                try FileManager.default.moveItem(atPath: Self.lost, toPath: Operator.project)
                return false
            }
            return try await cluster.jeeves("up", endsWith: 7, saying: Self.refusal)
        }
        await verdicts.expect("epoch raise learns what the nodes obey, and forgets older specs") {
            try await cluster.jeeves(
                "epoch", "raise", "--yes", endsWith: 0,
                saying: ["newer than this state", "next: `jeeves plan`"])
        }
        await verdicts.expect("then it leads them to its own file, and makes no machine twice") {
            let code = try await cluster.jeeves("up")
            let left = try await cluster.jeeves("plan", "--detailed-exitcode")
            let now = try Node.all().map(\.id)
            say("machines before: \(machines), after: \(now)")
            return try await cluster.serves(after: code + left) && machines == now
        }
        await verdicts.expect("the newer folder, found again, is refused with 7") {
            let refused = try await cluster.jeeves(
                "up", in: Self.house, endsWith: 7, saying: Self.refusal)
            try clear()
            return refused
        }
    }

    private func restore(into folder: String) async throws -> Bool {
        try await cluster.jeeves(
            "restore", Self.backup, "--into", folder, "--passphrase-file", Self.passphrase,
            in: Operator.folder, endsWith: 0, saying: ["restored cluster chat"])
    }

    private func clear() throws {
        for path in [Self.backup, Self.passphrase, Self.house, Self.lost]
        where FileManager.default.fileExists(atPath: path) {
            try FileManager.default.removeItem(atPath: path)
        }
    }
}
