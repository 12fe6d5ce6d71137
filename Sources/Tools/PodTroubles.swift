import Model

/// Why pods do not run, from what the control plane says of them: a person's first two commands
/// after a Helm that timed out.
public enum PodTroubles {
    static let sentencesMax = 5
    static let sentenceBytesMax = 240

    private struct Event: Decodable {
        struct Object: Decodable { let name: String? }
        let involvedObject: Object?
        let reason: String?
        let message: String?
        let lastTimestamp: String?
    }

    /// One sentence for each pod that is not ready, from `get pods --output=json`, at most
    /// ``sentencesMax``. Throws `invalid` if it is not a list of pods.
    public static func pods(_ text: String) throws -> [String] {
        let pods: [Kubectl.Pod] = try Kubectl.items(text, "pods")
        return Array(pods.compactMap(sentence).prefix(sentencesMax))
    }

    /// The newest warnings, from `get events --output=json`, at most ``sentencesMax``. Throws
    /// `invalid` if it is not a list of events.
    public static func events(_ text: String) throws -> [String] {
        let events: [Event] = try Kubectl.items(text, "events")
        // Kubernetes' own time format sorts as text.
        return events.sorted { $0.lastTimestamp ?? "" < $1.lastTimestamp ?? "" }
            .suffix(sentencesMax).map { event in
                bounded(
                    [event.involvedObject?.name, event.reason, event.message]
                        .compactMap(\.self).joined(separator: ": "))
            }
    }

    private static func sentence(_ pod: Kubectl.Pod) -> String? {
        reason(pod).map { bounded("\(pod.metadata.name)\($0.place): \($0.why)") }
    }

    /// Why a pod is not ready, as it says itself, and of which container (`/name`); nil if it is
    /// ready or through.
    static func reason(_ pod: Kubectl.Pod) -> (place: String, why: String)? {
        let status = pod.status
        guard status?.phase != "Succeeded" else { return nil }
        let containers =
            (status?.initContainerStatuses ?? []) + (status?.containerStatuses ?? [])
        for container in containers where !container.ready {
            if let why = container.state?.waiting ?? container.lastState?.terminated
                ?? container.state?.terminated, why.reason != "Completed"
            {
                let code = (container.lastState?.terminated?.exitCode).map { "exit \($0)" }
                let parts = [why.reason, code, why.message].compactMap(\.self)
                return ("/\(container.name)", parts.joined(separator: ", "))
            }
        }
        let broken = (status?.conditions ?? []).first { $0.status == "False" }
        return broken.map { ("", "not \($0.type): \($0.message ?? "no reason given")") }
    }

    static func bounded(_ text: String) -> String {
        let line = text.replacing("\n", with: " ")
        return line.utf8.count <= sentenceBytesMax
            ? line : String(line.prefix(sentenceBytesMax)) + "…"
    }
}
