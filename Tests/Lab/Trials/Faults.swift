import Foundation
import Model

/// What the stand-ins on a worker are told to do wrong.
struct Faults: Sendable {
    private static let path = "/etc/jeeves-lab/faults.json"

    let worker: String
    let host: Host

    /// snapd fails in the first task of every change that fetches a snap.
    func failDownloads() async throws {
        let fault = #"{"snapd.task": {"kind": "download-snap", "message": "a fault of the lab"}}"#
        try await tell("mkdir -p /etc/jeeves-lab && cat >\(Self.path)", input: fault)
    }

    func clear() async throws { try await tell("rm -f \(Self.path)") }

    /// All of Kubernetes on that worker ends, and nothing starts it again.
    func stopKubelet() async throws {
        try await tell("systemctl stop snap.microk8s.daemon-kubelite.service")
    }

    func startKubelet() async throws {
        try await tell("systemctl start snap.microk8s.daemon-kubelite.service")
    }

    private func tell(_ script: String, input: String? = nil) async throws {
        try await Node.machine(of: worker).shell(script, input: input, on: host)
    }
}
