/// What a node of the lab is given besides its root file system, so that "snapd" can install
/// "MicroK8s" over real Kubernetes programs.
enum NodePayload {
    /// Debian packages of the node image. python3-yaml comes with cloud-init; it is named because
    /// the stand-in reads launch configurations with it.
    static let imagePackages = [
        "conntrack", "containerd", "containernetworking-plugins", "etcd-server", "ethtool",
        "iptables", "kmod", "mount", "python3", "python3-yaml", "runc", "socat", "util-linux",
    ]

    /// Units of those packages that must not run by themselves: the snap starts its own.
    static let maskedUnits = ["containerd.service", "etcd.service"]

    /// Files of the node image, relative to `Tests/Lab/Standins`: source, place, mode.
    static let imageFiles = [
        (source: "snapd/snapd", target: "/usr/lib/snapd/snapd", mode: "0755"),
        (source: "snapd/changes.py", target: "/usr/lib/snapd/changes.py", mode: "0644"),
        (source: "snapd/snap", target: "/usr/bin/snap", mode: "0755"),
        (
            source: "snapd/snapd.service", target: "/etc/systemd/system/snapd.service",
            mode: "0644"
        ),
    ]

    /// Units of the node image to enable.
    static let enabledUnits = ["snapd.service"]

    /// Where the payload lies in a node.
    private static let target = "/opt/jeeves-lab/payload"

    /// What every node sees read-only, each as systemd-nspawn's `source:target`; built now if it is
    /// not in the cache.
    static func binds(cache: Cache) async throws -> [String] {
        let clients = try await KubernetesClients(cache: cache).folder()
        let images = try await Images(cache: cache).folder()
        let programs = try await KubernetesPrograms(cache: cache).folder()
        return [
            "\(programs):\(target)/kubernetes", "\(clients):\(target)/clients",
            "\(images):\(target)/images", "\(Layout.standins)/microk8s:\(target)/microk8s",
        ]
    }
}
