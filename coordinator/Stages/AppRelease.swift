import Model
import Outside
import Tools

/// What a release was made of, kept as its description: a deployed release with the same mark needs
/// nothing. It holds no secret, and no digest of one alone.
struct ReleaseMark: Sendable, Hashable {
    let wish: Digest
    /// Version of the database's Secret; pods read it only when they start.
    let secret: String

    private static let start = "jeeves"

    var text: String { "\(Self.start) \(wish) \(secret)" }

    func isOn(_ revision: Helm.Revision?) -> Bool {
        revision?.status == "deployed" && revision?.description == text
    }

    /// Whether that revision's pods may have started with another Secret: so too if its mark is
    /// not ours, as after a rollback.
    func mayHaveOtherSecret(than revision: Helm.Revision) -> Bool {
        let words = revision.description.split(separator: " ")
        return !secret.isEmpty && (words.count != 3 || words[0] != Self.start || words[2] != secret)
    }
}

/// Helm's release of the application: recovered if an earlier Helm was cut off, upgraded if it is
/// not what is wished for.
///
/// Helm is asked to end (SIGTERM) and given time for it; killed, it would leave the release
/// pending.
struct AppRelease: Sendable {
    /// Beyond Helm's own deadline, so that it is Helm that gives up.
    static let slack = Duration.seconds(60)
    static let grace = Duration.seconds(600)
    private static let changing: [Op] = ["helm.upgrade", "helm.rollback", "helm.uninstall"]

    let wish: AppWish
    let cluster: ClusterAccess

    private var app: AppSection { wish.cluster.app }
    private var timeout: Duration { .seconds(app.timeoutSeconds) }
    private var limits: Limits { Limits(deadline: timeout + Self.slack, grace: Self.grace) }

    private var selector: String { RouteManifest.selector(of: app.release) }
    private var diagnosis: Diagnosis {
        Diagnosis(cluster: cluster, namespace: app.namespace, selector: selector)
    }

    func revisions() async throws -> [Helm.Revision] {
        try Helm.revisions(
            await cluster.finished(
                cluster.helm.history(app.release, namespace: app.namespace), op: "helm.history"))
    }

    /// What ``converge(_:)`` would change: the release, and its objects as Helm renders them.
    /// Throws `failed` with Helm's reason if the chart cannot be rendered.
    func changes(to mark: ReleaseMark) async throws -> [Change] {
        let (found, subject) = (try await revisions(), "release/\(app.release)")
        guard !mark.isOn(found.last) else { return [] }
        guard let ran = Self.lastRun(in: found) else {
            return [Change(.create, subject, detail: "Rocket.Chat \(app.version)")]
        }
        // Helm previews nothing before it is recovered.
        if let last = found.last, last.isCutOff {
            let way = "revision \(last.revision) was cut off, back to \(ran.revision) first"
            return [
                Change(
                    .update, subject, detail: "Rocket.Chat \(app.version); \(way)",
                    effects: [.restart])
            ]
        }
        let (now, wanted) = (
            try await cluster.output(
                cluster.helm.manifest(app.release, namespace: app.namespace), op: "helm.manifest"),
            try await Helm.previewed(
                cluster.finished(
                    cluster.helm.preview(
                        app.release, wish.chart, namespace: app.namespace, values: wish.values),
                    op: "helm.preview"))
        )
        let objects = try RenderedRelease(now, secrets: wish.secrets).changes(
            to: RenderedRelease(wanted, secrets: wish.secrets))
        // What a newer Rocket.Chat makes of its database is not made undone.
        let before = try Rollouts(cluster.run.store).lastCheckpoint()?.goal?.cluster.app.version
        let isOther = before.map { $0 != app.version } ?? false
        let restarts = mark.mayHaveOtherSecret(than: ran)
        return [
            Change(
                .update, subject,
                detail: "Rocket.Chat " + (isOther ? "\(before ?? "") -> " : "") + app.version,
                effects: (restarts ? [.restart] : []) + (isOther ? [.irreversible] : []))
        ] + objects
    }

    /// Whether the release is deployed as `mark` says. What a Helm of an earlier run is still
    /// doing looks pending, and is not: it is awaited first.
    func isRight(_ mark: ReleaseMark) async throws -> Bool {
        for op in Self.changing { try await cluster.run.settle(op, deadline: limits.deadline) }
        return try await mark.isOn(revisions().last)
    }

    /// Throws `timeout` or `failed` with the pods that do not run and the newest warnings.
    func converge(_ mark: ReleaseMark) async throws {
        let found = try await revisions()
        try await recover(found)
        if let ran = Self.lastRun(in: found), mark.mayHaveOtherSecret(than: ran) {
            _ = try await cluster.output(
                cluster.kubectl.restart(selector: selector, namespace: app.namespace),
                op: "app.restart")
        }
        try await upgrade(mark)
        try await awaitPods()
    }

    /// Waits until every pod is of the newest version and available. Helm does not: a Deployment
    /// of one pod that may be unavailable is ready for it while that pod cannot start.
    ///
    /// Throws `timeout` with the pods that do not run and the newest warnings.
    func awaitPods() async throws {
        let tried = "waiting for the pods of \(app.release)"
        do {
            _ = try await cluster.run.world.clock.poll(
                every: .seconds(2), atMost: timeout, waitingFor: "all of them to be available",
                op: "app.pods"
            ) {
                let progress = try Kubectl.progress(
                    await cluster.output(
                        cluster.kubectl.list(
                            "deployments", namespace: app.namespace, selector: selector),
                        op: "app.deployments"))
                if let stuck = progress.filter({ $0.value == .stuck }).keys.min() {
                    throw Failure(.timeout, "the cluster gave up on deployment \(stuck)")
                }
                return progress.values.allSatisfy { $0 == .arrived } ? true : nil
            }
        } catch let failure as Failure where failure.code == .timeout {
            throw await diagnosis.explain(failure.context(tried))
        }
    }

    /// At the end of an upgrade Helm first calls the old revision superseded and then the new one
    /// deployed: one that is cut off between leaves none deployed of a release that serves.
    private static func lastRun(in revisions: [Helm.Revision]) -> Helm.Revision? {
        revisions.last { $0.status == "deployed" } ?? revisions.last { $0.status == "superseded" }
    }

    /// A release that Helm could not finish blocks every later upgrade. What never ran is taken
    /// away; else the last revision that did run comes back.
    private func recover(_ revisions: [Helm.Revision]) async throws {
        guard let last = revisions.last, last.isCutOff else { return }
        let (run, helm) = (cluster.run, cluster.helm)
        let finished: Finished
        if let good = Self.lastRun(in: revisions) {
            run.say("helm: revision \(last.revision) is \(last.status); back to \(good.revision)")
            finished = try await run.effect(
                helm.rollback(
                    app.release, to: good.revision, namespace: app.namespace, timeout: timeout),
                stage: .app, limits: limits, op: "helm.rollback")
        } else {
            run.say("helm: revision \(last.revision) is \(last.status) and none ran; removing it")
            finished = try await run.effect(
                helm.uninstall(app.release, namespace: app.namespace, timeout: timeout),
                stage: .app, limits: limits, op: "helm.uninstall")
        }
        guard finished.succeeded else {
            throw Failure(
                .failed, "recovering release \(app.release): \(finished.sentence)",
                fix: "look at `jeeves helm -- history \(app.release) "
                    + "--namespace=\(app.namespace)`")
        }
    }

    private func upgrade(_ mark: ReleaseMark) async throws {
        let run = cluster.run
        run.say("helm: upgrading \(app.release), at most \(timeout.shortText)")
        let tried = "installing release \(app.release)"
        let finished: Finished
        let watching = Task { try await showPods() }
        defer { watching.cancel() }
        do {
            finished = try await run.effect(
                cluster.helm.upgrade(
                    app.release, wish.chart, namespace: app.namespace, values: wish.values,
                    timeout: timeout, description: mark.text),
                stage: .app, limits: limits, op: "helm.upgrade")
        } catch let failure as Failure where failure.code == .timeout {
            throw await diagnosis.explain(failure.context(tried))
        }
        guard !finished.succeeded else { return }
        let isLate = ["deadline exceeded", "timed out", "not ready"].contains {
            finished.errors.contains($0)
        }
        throw await diagnosis.explain(
            Failure(isLate ? .timeout : .failed, "\(tried): \(finished.sentence)"))
    }

    /// Helm says nothing until it ends, so the pods are counted meanwhile, if somebody looks on.
    private func showPods() async throws {
        guard let show = cluster.run.show else { return }
        while true {
            try await cluster.run.world.clock.sleep(.seconds(3), op: "app.watch")
            let list = try? await cluster.output(
                cluster.kubectl.list("pods", namespace: app.namespace, selector: selector),
                op: "app.watch")
            guard let pods = try list.map(Kubectl.workloads) else { continue }
            show(Activity("pods", "ready", done: pods.ready, of: pods.all))
        }
    }
}
