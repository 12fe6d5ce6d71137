import Model
import Outside

/// Renews the node's public certificate because a person asks for it. It makes the renewal due and
/// leaves the rest to the step, so that one place alone runs certbot and counts its tries.
public struct Renewal: Sendable {
    private let reconciler: Reconciler
    private let world: World

    public init(reconciler: Reconciler, world: World) {
        self.reconciler = reconciler
        self.world = world
    }

    /// What is served in the end, in one line. Throws `unsupported` on a node without a
    /// certificate, and why certbot may not be tried now or did not succeed.
    func run() async throws -> String {
        let tried = "renewing the certificate"
        let steps = try await reconciler.steps(CertificateStep.self)
        guard !steps.isEmpty else {
            throw Failure(
                .unsupported, "\(tried): this node serves none",
                fix: "run `jeeves cert renew` without a node: it asks the one that does")
        }
        var served: [String] = []
        for step in steps { served.append(try await renew(step, trying: tried)) }
        return served.joined(separator: "; ")
    }

    private func renew(_ step: CertificateStep, trying tried: String) async throws -> String {
        do { try step.wishRenewal(world) } catch { throw Failure(error, trying: tried) }
        let status = await reconciler.redo(step.id)
        let now = status.steps.first { $0.id == step.id }
        if case .failed(let failure) = now?.state { throw failure.context(tried) }
        if let trouble = status.trouble(with: step.id) {
            throw Failure(
                .unavailable, "\(tried): \(trouble)",
                fix: "look at `jeeves status`; it is renewed when the steps before are right")
        }
        return now?.detail ?? ""
    }
}
