import AWS
import Model
import Outside
import Tools

/// Proves that everything needed is there before anything is changed.
struct Preflight: Stage {
    let name = StageName.preflight
    /// As our modules want it (Terraform/versions.tf).
    static let terraformMin = Version(1, 9, 0)

    func plan(_ run: StageRun) async throws -> [Change] {
        _ = try await self.run(run)
        return []
    }

    func run(_ run: StageRun) async throws -> String {
        try await checkTerraform(run)
        try await checkKubectl(run)
        try await checkHelm(run)
        let account = try await run.account()
        _ = try await run.cloud.route53.zone(
            for: run.cluster.domain, id: run.cluster.dns.zoneID)
        try await judgeAddresses(run)
        return "account \(account), credentials from \(run.cloud.source)"
    }

    private func checkTerraform(_ run: StageRun) async throws {
        let least =
            TerraformBackend(run.cluster) == .local
            ? Self.terraformMin : TerraformBackend.lockFileMin
        let fix = "install Terraform \(least.text) or newer"
        let command = Terraform(folder: "/", environment: [:], secrets: [:]).version()
        let text: String
        do {
            text = try await run.world.processes.output(
                of: command, limits: Limits(deadline: .seconds(60)), op: "terraform.version")
        } catch let failure as Failure {
            throw Failure(failure.code, "checking Terraform: \(failure.message)", fix: fix)
        }
        struct Answer: Decodable { let terraform_version: String }
        let answer = try JSON.decode(
            Answer.self, from: text.utf8, what: "the answer of `terraform version`")
        guard let version = Version(answer.terraform_version), version >= least else {
            throw Failure(
                .unsupported,
                "checking Terraform: its version is \(answer.terraform_version), and "
                    + "\(least.text) is needed", fix: fix)
        }
    }

    private func checkKubectl(_ run: StageRun) async throws {
        do {
            _ = try await run.world.processes.output(
                of: Kubectl.version(), limits: Limits(deadline: .seconds(60)),
                op: "kubectl.version")
        } catch let failure as Failure {
            throw Failure(
                failure.code, "checking kubectl: \(failure.message)",
                fix: "install kubectl and put it on PATH")
        }
    }

    private func checkHelm(_ run: StageRun) async throws {
        let text: String
        do {
            text = try await run.world.processes.output(
                of: Helm.version(), limits: Limits(deadline: .seconds(60)), op: "helm.version")
        } catch let failure as Failure {
            throw Failure(
                failure.code, "checking Helm: \(failure.message)",
                fix: "install Helm and put it on PATH")
        }
        try Helm.checkVersion(text)
    }

    /// The port is bound already; what is left to say is whether nodes can reach it.
    private func judgeAddresses(_ run: StageRun) async throws {
        let local = Set(LocalAddresses.read(run.world.files))
        for address in run.cluster.coordinator.addresses {
            let host = String(address.prefix(upTo: address.lastIndex(of: ":") ?? address.endIndex))
            let found =
                (try? await run.world.network.resolve(
                    host, deadline: .seconds(5), op: "preflight.resolve")) ?? [host]
            if local.isDisjoint(with: found) {
                run.say(
                    "note: no interface here owns \(host); \(address) must be forwarded to this "
                        + "machine")
            }
        }
    }
}

extension StageRun {
    /// The account of the credentials. Throws `unauthorized` if it is not the one that the cluster
    /// file wants or that the machines are in: there Terraform would find none of them, and forget
    /// them, or make all of them a second time.
    func account() async throws -> String {
        let account = try await cloud.caller().account
        let known = try store.get(Infrastructure.self, .meta, Self.infrastructureKey)?.account
        let tried = "checking the AWS account: the credentials belong to \(account), "
        if !cluster.aws.account.isEmpty, account != cluster.aws.account {
            throw Failure(
                .unauthorized, "\(tried)the cluster file wants \(cluster.aws.account)",
                fix: "use the right profile (AWS_PROFILE), or mend `aws.account`")
        }
        if let known, account != known {
            throw Failure(
                .unauthorized, "\(tried)the cluster's machines are in \(known)",
                fix: "use the right profile (AWS_PROFILE)")
        }
        return account
    }
}

/// IPv4 addresses of this machine's interfaces, from `/proc/net/fib_trie`.
enum LocalAddresses {
    static func read(_ files: any Files) -> [String] {
        let trie = (try? files.text("/proc/net/fib_trie")).flatMap { $0 } ?? ""
        var found: [String] = []
        var last = ""
        for line in trie.split(whereSeparator: \.isNewline) {
            if line.contains("/32 host LOCAL") {
                found.append(last)
            } else if let text = line.split(separator: "-- ").last {
                last = String(text)
            }
        }
        return found
    }
}
