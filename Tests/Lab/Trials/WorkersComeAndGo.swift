/// A worker joins and leaves while people use the chat, and a dead one is made anew.
struct WorkersComeAndGo {
    let cluster: LiveCluster

    func play(_ verdicts: inout Verdicts) async {
        var file = cluster.base
        guard await cluster.begins(file, &verdicts) else { return }
        let load = Load(person: cluster.person)
        file.workers += 1
        await verdicts.expect("a worker joins, and no request or WebSocket is lost") {
            var code = Int32(-1)
            let seen = try await load.beside("one worker more") {
                code = try await cluster.up(to: file)
            }
            let members = try await cluster.look.members()
            return code == 0 && seen.requests.lost == 0 && seen.sockets.opened > 0
                && seen.sockets.cut == 0 && members.contains("worker-3")
        }
        file.workers -= 1
        await verdicts.expect("it leaves, and nobody sees an outage") {
            var code = Int32(-1)
            let seen = try await load.beside("one worker less") {
                code = try await cluster.up(to: file)
            }
            let members = try await cluster.look.members()
            return code == 0 && seen.gap < Upgrade.gapMax && !members.contains("worker-3")
        }
        await verdicts.expect("a dead worker is made anew under its name") {
            let dead = try Node.machine(of: "worker-2").id
            try await PowerSwitch(cluster: cluster).off("worker-2")
            let code = try await cluster.jeeves("up", "--replace", "worker-2")
            let new = try Node.machine(of: "worker-2").id
            let members = try await cluster.look.members()
            guard new != dead, members.contains("worker-2") else { return false }
            return try await cluster.serves(after: code)
        }
    }
}
