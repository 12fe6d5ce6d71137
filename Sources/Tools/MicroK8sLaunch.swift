import Model

extension MicroK8s {
    /// The launch configuration: what MicroK8s is told before its first start, so that neither
    /// certificates nor the API server change after it.
    ///
    /// Never holds a persistent token (it would never expire) nor a `join` (it is tried for ever).
    /// Keys: https://microk8s.io/docs/ref-launch-config.
    public static func launchText(_ spec: MicroK8sSpec) throws -> String {
        for name in spec.extraSANs + spec.addons where !isPlain(name) {
            throw Failure(
                .invalid, "writing the launch configuration: \"\(name.prefix(64))\" is not a name",
                fix: "use letters, digits, dots, colons and hyphens only")
        }
        var lines = ["version: 0.2.0"]
        if !spec.extraSANs.isEmpty {
            lines.append("extraSANs:")
            lines += spec.extraSANs.map { "  - \"\($0)\"" }
        }
        if spec.addons.contains("rbac") {
            // From the first boot: the add-on would restart every API server later.
            lines += ["extraKubeAPIServerArgs:", "  --authorization-mode: \"RBAC,Node\""]
        }
        // Our file replaces the bundled one whole, so its arguments are repeated here.
        lines += [
            "extraKubeletArgs:", "  --cluster-domain: cluster.local",
            "  --cluster-dns: 10.152.183.10",
        ]
        let addons = spec.addons.filter { $0 != "rbac" }
        lines.append(addons.isEmpty ? "addons: []" : "addons:")
        lines += addons.map { "  - name: \"\($0)\"" }
        return lines.joined(separator: "\n") + "\n"
    }

    /// Whether a value can stand between double quotes in YAML and as an argument as it is.
    private static func isPlain(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 253 && text.utf8.first != UInt8(ascii: "-")
            && text.utf8.allSatisfy { byte in
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                    || ".:-".utf8.contains(byte)
            }
    }
}
