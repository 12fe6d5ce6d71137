import Foundation
import Model
import Outside

/// What a node of the lab is given besides its root file system, so that "snapd" can install
/// "MicroK8s" over real Kubernetes programs.
struct NodePayload {
    /// One bind mount into a node.
    struct Mount: Sendable, Hashable {
        let source: String
        let target: String
        let isReadOnly: Bool

        /// The option of systemd-nspawn(1).
        var option: String { "--bind\(isReadOnly ? "-ro" : "")=\(source):\(target)" }
    }

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
    static let target = "/opt/jeeves-lab/payload"

    /// Control groups (cgroup v1 and v2) that nodes leave behind when they are gone:
    /// `/sys/fs/cgroup[/CONTROLLER]/jeeves-lab`, emptied from the leaves up.
    static let controlGroup = "jeeves-lab"

    let programs: String
    let clients: String
    let images: String
    let standins: String

    /// Builds or finds everything in the cache. `standins` is `Tests/Lab/Standins` of the checkout.
    static func prepare(cache: Cache, standins: String) async throws -> NodePayload {
        let clients = try await KubernetesClients(cache: cache).folder()
        let images = try await Images(cache: cache, standins: standins).folder()
        let programs = try await KubernetesPrograms(cache: cache).folder()
        return NodePayload(
            programs: programs, clients: clients, images: images, standins: standins)
    }

    /// What to bind into a node whose own data lie in `data`, a folder on a real file system (not
    /// an overlay); the folder `var-snap` is made in it: containerd, kubelet and etcd keep theirs
    /// there.
    func mounts(forNode data: String) throws -> [Mount] {
        let own = "\(data)/var-snap"
        try FileManager.default.createDirectory(
            atPath: own, withIntermediateDirectories: true)
        return [
            Mount(source: programs, target: "\(Self.target)/kubernetes", isReadOnly: true),
            Mount(source: clients, target: "\(Self.target)/clients", isReadOnly: true),
            Mount(source: images, target: "\(Self.target)/images", isReadOnly: true),
            Mount(
                source: "\(standins)/microk8s", target: "\(Self.target)/microk8s",
                isReadOnly: true),
            Mount(source: own, target: "/var/snap", isReadOnly: false),
        ]
    }
}
