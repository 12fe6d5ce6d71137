import Model
import Outside
import Tools

/// Says why pods do not run, when something that waited for them gave up: Helm 3 itself says only
/// that its deadline is over. Reads only.
struct Diagnosis: Sendable {
    let cluster: ClusterAccess
    let namespace: String
    /// Which pods; empty means all of the namespace.
    let selector: String

    /// `failure` with the pods that are not ready and the newest warnings. If the cluster cannot be
    /// asked, it says so instead.
    func explain(_ failure: Failure) async -> Failure {
        let kubectl = cluster.kubectl
        var found: [String]
        do {
            found = try PodTroubles.pods(
                await cluster.output(
                    kubectl.list("pods", namespace: namespace, selector: selector),
                    op: "diagnosis.pods"))
            found += try PodTroubles.events(
                await cluster.output(
                    kubectl.list("events", namespace: namespace, fields: "type=Warning"),
                    op: "diagnosis.events"))
        } catch {
            found = ["its pods could not be read: \(Failure(error, trying: "asking").message)"]
        }
        let lines = found.map { "\n  \($0)" }.joined()
        return Failure(
            failure.code, failure.message + lines,
            fix: "look at `jeeves kubectl -- describe pods --namespace=\(namespace)` and mend the "
                + "cause")
    }
}
