import ArgumentParser
import Foundation
import Outside

/// Says what of the lab lives.
struct Status: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Say what of the lab lives.")

    func run() async throws {
        guard Teardown.isNeeded else { return say("There is no lab. Make one with: lab up") }
        let names = try? FileManager.default.contentsOfDirectory(atPath: Layout.pids)
        for name in (names ?? []).sorted() {
            let child = Service.child(recordedIn: "\(Layout.pids)/\(name)")
            let state = child.map { Spawn.isAlive($0) ? "pid \($0.pid)" : "ended" } ?? "unknown"
            let service = name.replacing(".json", with: "")
            say("service \(service): \(state), log \(Layout.log)/\(service).log")
        }
        for node in try Node.all() {
            let state = node.leader.map { Spawn.isAlive($0) ? "running" : "off" } ?? "starting"
            let public_ = node.publicAddress.map { ", public \($0)" } ?? ""
            say("node \(node.id) (\(node.member)): \(state), \(node.address)\(public_)")
        }
    }
}
