import Foundation
import Model

/// The network namespace that plays AWS and the internet around it.
struct Cloud {
    let host: Host

    /// Makes the namespace with its addresses. Throws `failed` if one of that name is left.
    func make() async throws {
        try await host.output("ip", ["netns", "add", Layout.namespace])
        try writeFile(
            "nameserver \(Layout.Address.resolver)\n", to: "\(Layout.namespaceEtc)/resolv.conf")
        try await ip(["link", "set", "lo", "up"])
        let special = [Layout.Address.resolver, Layout.Address.metadata]
        for address in Layout.Address.internet + special {
            try await ip(["address", "add", "\(address)/32", "dev", "lo"])
        }
        // Neighbours of a subnet find each other through us: see Standins/aws/router.py.
        let settings = ["ip_forward=1", "conf.all.proxy_arp=1", "conf.all.rp_filter=0"]
        try await host.output(
            "nsenter",
            ["--net=\(Layout.namespacePath)", "sysctl", "--quiet", "--write"]
                + settings.map { "net.ipv4.\($0)" })
    }

    private func ip(_ arguments: [String]) async throws {
        try await host.output("ip", ["-n", Layout.namespace] + arguments)
    }
}
