/// The pipelines of packaging/ci with a real repository: what was planned for a change is applied
/// once it is merged, and nothing else is.
struct PlannedAndMerged {
    private static let edge = "controller-1"

    let cluster: LiveCluster
    private var repository: Repository { Repository(host: cluster.host) }

    func play(_ verdicts: inout Verdicts) async {
        guard await cluster.begins(cluster.base, &verdicts) else { return }
        var runners: (github: Runner, jenkins: Runner)?
        await verdicts.expect("main of a new repository holds what the cluster is") {
            try await repository.begin(writing(requests: 600))
            runners = (try .github(repository, cluster), try .jenkins(repository, cluster))
            return try await requests() == 600
        }
        if let (github, jenkins) = runners {
            await apply(github, &verdicts)
            await refuse(github, &verdicts)
            await cancel(github, &verdicts)
            await goBack(jenkins, &verdicts)
        }
        await verdicts.expect("from the operator's own folder nothing is left to change") {
            try cluster.write(cluster.base)
            let code = try await cluster.jeeves("rollout", "retry")
            let left = try await cluster.jeeves("plan", "--detailed-exitcode")
            try repository.remove()
            return try await cluster.serves(after: code + left)
        }
    }

    private func apply(_ github: Runner, _ verdicts: inout Verdicts) async {
        await verdicts.expect("a change of another file is planned and applied: nothing to do") {
            let before = try await cluster.look.workers()
            try await repository.branch("words") {
                try writeFile("The cluster of the lab.\n", to: "\($0)/README.md")
            }
            guard try await github.plans("words", saying: ["No changes."]) else { return false }
            try await repository.merge("words", by: .commit)
            let isApplied = try await github.applies()
            let after = try await cluster.look.workers()
            return isApplied && before == after
        }
        await verdicts.expect("a branch is planned, and nothing is changed") {
            try await repository.branch("more-requests", writing(requests: 2000))
            let isPlanned = try await github.plans(
                "more-requests", saying: ["\(Self.edge)/haproxy"])
            let now = try await requests()
            return isPlanned && now == 600
        }
        await verdicts.expect("merged, exactly that is applied, and its plan is gone") {
            try await repository.merge("more-requests", by: .commit)
            let isApplied = try await github.applies()
            let now = try await requests()
            return isApplied && now == 2000
        }
    }

    private func refuse(_ github: Runner, _ verdicts: inout Verdicts) async {
        await verdicts.expect("main that has moved on without a plan is not applied") {
            try await repository.commit("straight", writing(requests: 3000))
            let isRefused = try await github.refuses(
                with: 1, saying: "Nobody has planned this content.")
            let now = try await requests()
            return isRefused && now == 2000
        }
        await verdicts.expect("of a cluster that has moved since its plan nothing is done (8)") {
            guard try await github.plans() else { return false }
            var own = cluster.base
            own.requestsMax = 4000
            guard try await cluster.up(to: own) == 0 else { return false }
            let isRefused = try await github.refuses(with: 8, saying: "since then moved")
            let now = try await requests()
            return isRefused && now == 4000
        }
    }

    private func cancel(_ github: Runner, _ verdicts: inout Verdicts) async {
        await verdicts.expect("a job that is cancelled in the middle stops jeeves up cleanly") {
            guard try await github.plans() else { return false }
            return try await github.isCancelled()
        }
        await verdicts.expect("main, planned once more as it is, is applied to the end") {
            guard try await github.plans(), try await github.applies(),
                try await requests() == 3000
            else { return false }
            return try await cluster.isLive()
        }
    }

    /// By the other pipeline.
    private func goBack(_ jenkins: Runner, _ verdicts: inout Verdicts) async {
        await verdicts.expect("the Jenkinsfile plans a branch, and applies it once it is squashed")
        {
            try await repository.branch("as-before", writing(requests: 600))
            let isPlanned = try await jenkins.plans("as-before", saying: ["\(Self.edge)/haproxy"])
            guard try await requests() == 3000, isPlanned else { return false }
            try await repository.merge("as-before", by: .squash)
            let isApplied = try await jenkins.applies()
            let now = try await requests()
            return isApplied && now == 600
        }
    }

    /// Writes a cluster file whose secrets lie where only the runner can read them.
    private func writing(requests: Int) -> (String) throws -> Void {
        var file = cluster.base
        file.requestsMax = requests
        file.secrets = Operator.project
        return { [file] folder in try file.write(in: folder) }
    }

    /// How many requests of one address HAProxy lets through in ten seconds.
    private func requests() async throws -> Int? {
        let text = try await Node.machine(of: Self.edge)
            .shell("cat /etc/haproxy/haproxy.cfg", on: cluster.host)
        let found = text.firstMatch(of: #/sc_http_req_rate\(0,sources\) gt (\d+)/#)
            .flatMap { Int($0.1) }
        say("\(Self.edge) lets through \(found ?? 0) requests in ten seconds")
        return found
    }
}
