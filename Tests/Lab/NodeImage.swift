import Foundation
import Model

/// The disk that every node begins with, and the packages that a node can install later.
///
/// Programs that the product installs (HAProxy, certbot) are not in the image: they come from the
/// mirror, over the network and through apt, as in production.
struct NodeImage {
    static let suite = "bookworm"
    static let archive = "http://deb.debian.org/debian"
    static let security = "http://deb.debian.org/debian-security"
    static let base = ["systemd", "systemd-sysv", "dbus", "iproute2", "ca-certificates"]
    /// cloud-init cannot be installed by debootstrap itself: its Python is configured too early.
    static let packages =
        [
            "apt", "cloud-init", "curl", "dnsutils", "gnupg", "iputils-ping", "locales",
            "openssl", "procps", "python3-cryptography", "xz-utils",
        ] + NodePayload.imagePackages
    /// sudo is for the operator's own machine.
    static let offered = ["certbot", "haproxy", "sudo"]
    static let cloudConfig = """
        datasource_list: [ Ec2 ]
        datasource:
          Ec2:
            strict_id: false
            metadata_urls: ["http://\(Layout.Address.metadata)"]
            max_wait: 60
            timeout: 5
        network: {config: disabled}
        locale: C.UTF-8

        """
    /// cloud-init knows EC2 by the machine's firmware, of which a container sees nothing; the other
    /// mark that it looks for is Xen's, a file that we can give it.
    static let hypervisorID = (
        original: "/sys/hypervisor/uuid", ours: "/etc/jeeves-lab/hypervisor-uuid",
        text: "ec2e1916-9099-7caf-fd21-012345abcdef\n"
    )
    static let sources = "deb [trusted=yes] http://\(Layout.Address.packages)/ ./\n"
    static let resolver = "nameserver \(Layout.Address.resolver)\n"

    let host: Host
    /// The artifact's folder: `root`, the disk, and `packages`, a flat apt repository.
    let folder: String

    static func build(host: Host, cache: Cache) async throws -> NodeImage {
        let files = try NodePayload.imageFiles.flatMap { file in
            [
                file.target, file.mode,
                try String(contentsOfFile: "\(Layout.standins)/\(file.source)", encoding: .utf8),
            ]
        }
        let key =
            [suite, archive, cloudConfig, sources, resolver, hypervisorID.text]
            + base + packages + offered + NodePayload.maskedUnits + NodePayload.enabledUnits + files
        let folder = try await cache.artifact(
            "node-image", key: key, usually: "2 to 4 minutes"
        ) { try await NodeImage(host: host, folder: $0).build() }
        return NodeImage(host: host, folder: folder)
    }

    var root: String { "\(folder)/root" }
    var offeredPackages: String { "\(folder)/packages" }
    private var log: String { "\(folder)/build.log" }

    private func build() async throws {
        say("node-image: 1 of 3, Debian \(NodeImage.suite) by debootstrap")
        try await host.output(
            "nice",
            [
                "debootstrap", "--variant=minbase",
                "--include=\(NodeImage.base.joined(separator: ","))",
                NodeImage.suite, root, NodeImage.archive,
            ],
            log: log, deadline: .seconds(900))
        try await install()
        try await offer()
        try configure()
        try identify()
        try await addStandins()
    }

    private func install() async throws {
        say("node-image: 2 of 3, cloud-init and \(NodeImage.packages.count - 1) more packages")
        let suite = NodeImage.suite
        try writeFile(
            """
            deb \(NodeImage.archive) \(suite) main
            deb \(NodeImage.archive) \(suite)-updates main
            deb \(NodeImage.security) \(suite)-security main

            """, to: "\(root)/etc/apt/sources.list")
        // invoke-rc.d starts nothing in a folder that is not running.
        try writeFile("#!/bin/sh\nexit 101\n", to: "\(root)/usr/sbin/policy-rc.d", mode: 0o755)
        try await inside("apt-get", ["update"])
        try await inside("apt-get", ["dist-upgrade", "--yes"])
        try await inside(
            "apt-get", ["install", "--yes", "--no-install-recommends"] + NodeImage.packages)
        try await inside("apt-get", ["clean"])
    }

    /// Whatever the offered packages need that the image lacks, with an index (dpkg-scanpackages).
    private func offer() async throws {
        say("node-image: 3 of 3, the mirror with \(NodeImage.offered.joined(separator: ", "))")
        try await inside(
            "apt-get",
            ["install", "--yes", "--no-install-recommends", "--download-only"] + NodeImage.offered)
        try makeFolder(offeredPackages)
        let archives = "\(root)/var/cache/apt/archives"
        for name in try FileManager.default.contentsOfDirectory(atPath: archives)
        where name.hasSuffix(".deb") {
            // apt writes a version's colon as %3a, which a web server would take for a colon.
            let plain = name.replacing("%3a", with: ".")
            try FileManager.default.moveItem(
                atPath: "\(archives)/\(name)", toPath: "\(offeredPackages)/\(plain)")
        }
        let index = try await host.output(
            "dpkg-scanpackages", ["--multiversion", "."], directory: offeredPackages)
        try writeFile(index, to: "\(offeredPackages)/Packages")
    }

    private func configure() throws {
        let files = FileManager.default
        try writeFile(NodeImage.sources, to: "\(root)/etc/apt/sources.list")
        try writeFile(NodeImage.resolver, to: "\(root)/etc/resolv.conf")
        try writeFile(NodeImage.cloudConfig, to: "\(root)/etc/cloud/cloud.cfg.d/90-lab.cfg")
        try writeFile("C.UTF-8 UTF-8\n", to: "\(root)/etc/locale.gen")
        for path in ["usr/sbin/policy-rc.d", "etc/hostname", "etc/machine-id"] {
            try files.removeItem(atPath: "\(root)/\(path)")
        }
        let lists = "\(root)/var/lib/apt/lists"
        for name in try files.contentsOfDirectory(atPath: lists) {
            try files.removeItem(atPath: "\(lists)/\(name)")
        }
        // Timers that would fetch and upgrade by themselves, and a clock that is the machine's own.
        let timers = ["apt-daily.timer", "apt-daily-upgrade.timer", "systemd-timesyncd.service"]
        for unit in timers + NodePayload.maskedUnits {
            let path = "\(root)/etc/systemd/system/\(unit)"
            try? files.removeItem(atPath: path)
            try files.createSymbolicLink(atPath: path, withDestinationPath: "/dev/null")
        }
    }

    private func identify() throws {
        let names = NodeImage.hypervisorID
        let path = "\(root)/usr/lib/python3/dist-packages/cloudinit/sources/DataSourceEc2.py"
        let text = try String(contentsOfFile: path, encoding: .utf8)
        let call = "util.load_file(\"\(names.original)\")"
        guard text.contains(call) else {
            throw Failure(
                .unsupported, "telling cloud-init that it is on EC2: no \(call) in \(path)")
        }
        try writeFile(
            text.replacing(call, with: "util.load_file(\"\(names.ours)\")"), to: path)
        try writeFile(names.text, to: root + names.ours)
    }

    /// What a node has from Ubuntu's image and Debian has not: snapd, here a stand-in.
    private func addStandins() async throws {
        for file in NodePayload.imageFiles {
            try await host.output(
                "install",
                ["-D", "-m", file.mode, "\(Layout.standins)/\(file.source)", root + file.target])
        }
        try await host.output("systemctl", ["--root=\(root)", "enable"] + NodePayload.enabledUnits)
    }

    private func inside(_ program: String, _ arguments: [String]) async throws {
        try await host.output(
            "nice", ["chroot", root, program, "-qq"] + arguments,
            environment: ["DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"], log: log,
            deadline: .seconds(900))
    }
}
