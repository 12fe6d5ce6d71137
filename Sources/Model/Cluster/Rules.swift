extension ClusterSpec {
    /// Something in the cluster file that cannot work, and where.
    public struct Problem: Hashable, Sendable {
        /// Keys from the top of the file: `app.mongodb`.
        public let path: String
        public let message: String
        public let fix: String
    }

    /// Everything that is wrong with the values and their combinations, without any network.
    public func problems() -> [Problem] {
        infraProblems() + coordinator.statusPage.problems(beside: coordinator) + edgeProblems()
            + appProblems() + limitProblems() + rolloutProblems()
    }

    private func infraProblems() -> [Problem] {
        var found: [Problem] = []
        func check(_ isRight: Bool, _ path: String, _ message: String, _ fix: String) {
            if !isRight { found.append(Problem(path: path, message: message, fix: fix)) }
        }
        check(
            isRegion(aws.region), "aws.region", "\"\(aws.region)\" is not an AWS region",
            "write a region such as eu-central-1")
        check(
            aws.account.isEmpty || (aws.account.count == 12 && aws.account.allSatisfy(\.isNumber)),
            "aws.account", "\"\(aws.account)\" is not an account id",
            "write its 12 digits, in quotes")
        if let s3 = terraform.backend.s3 {
            let path = "terraform.backend.s3"
            check(
                isBucket(s3.bucket), "\(path).bucket", "\"\(s3.bucket)\" is no bucket's name",
                "write the name of a bucket that is there")
            check(
                isObjectKey(s3.key), "\(path).key", "\"\(s3.key)\" is no object's name",
                "write a name such as jeeves/terraform.tfstate")
            check(
                s3.region.isEmpty || isRegion(s3.region), "\(path).region",
                "\"\(s3.region)\" is not an AWS region", "write where the bucket is")
        }
        check(
            !coordinator.addresses.isEmpty, "coordinator.addresses",
            "there is no address, so no node could find the coordinator",
            "list at least one host:port that the nodes can reach")
        let named = coordinator.addresses.enumerated().map {
            ("coordinator.addresses.\($0.offset)", $0.element)
        }
        for (path, address) in named + [("coordinator.listen", coordinator.listen)] {
            check(
                isHostPort(address), path, "\"\(address)\" is not host:port",
                "write for example 203.0.113.7:7443")
        }
        check(
            [1, 3, 5].contains(nodes.controllers.count), "nodes.controllers.count",
            "\(nodes.controllers.count) controllers cannot keep a quorum",
            "write 1, 3 or 5")
        if let problem = cidrProblem(network.cidr) {
            check(false, "network.cidr", problem, "write a private range such as 10.42.0.0/16")
        }
        let package = agent.package
        check(
            package.url.isEmpty == (package.sha256 == nil), "agent.package",
            "`url` and `sha256` go together", "give both, or neither")
        check(
            package.url.isEmpty || package.file.isEmpty, "agent.package",
            "`url` and `file` exclude each other", "remove one of them")
        check(
            !package.url.isEmpty || coordinator.packagePort != 0, "coordinator.packagePort",
            "it is 0, and there is no agent.package.url either, so nodes could not fetch the agent",
            "choose a port, or set agent.package.url and sha256")
        return found
    }

    private func edgeProblems() -> [Problem] {
        var found: [Problem] = []
        func check(_ isRight: Bool, _ path: String, _ message: String, _ fix: String) {
            if !isRight { found.append(Problem(path: path, message: message, fix: fix)) }
        }
        check(
            isEmail(certificate.email), "certificate.email",
            "\"\(certificate.email)\" is not an e-mail address",
            "write the address that the CA may write to")
        check(
            !certificate.keyTypes.isEmpty, "certificate.keyTypes",
            "there is none, so there would be no certificate", "write [ecdsa], or [ecdsa, rsa]")
        check(
            Set(certificate.keyTypes).count == certificate.keyTypes.count, "certificate.keyTypes",
            "a type stands there twice", "write each type once")
        let acme = certificate.acme
        check(
            acme.directory.isEmpty || acme.directory.hasPrefix("https://"),
            "certificate.acme.directory", "an ACME directory is an https URL (RFC 8555 §6.1)",
            "write https://…, or leave it out for Let's Encrypt")
        check(
            acme.directory.isEmpty || !acme.staging, "certificate.acme.staging",
            "it means Let's Encrypt's staging, but `directory` names another CA",
            "remove one of the two")
        check(
            !acme.staging || !acme.trustFile.isEmpty, "certificate.acme.staging",
            "no system trusts the staging environment's roots, so its certificates would be "
                + "refused",
            "name a PEM file of those roots in `trustFile` "
                + "(letsencrypt.org/docs/staging-environment)")
        return found
    }

    private func appProblems() -> [Problem] {
        var found: [Problem] = []
        func check(_ isRight: Bool, _ path: String, _ message: String, _ fix: String) {
            if !isRight { found.append(Problem(path: path, message: message, fix: fix)) }
        }
        let mongodb = app.mongodb
        check(
            (mongodb.external == nil) != (mongodb.bundled == nil), "app.mongodb",
            "exactly one of `external` and `bundled` is needed",
            "write `external: {uriFile: …}` with a file that holds the URI of a replica set")
        check(
            isLabelText(app.release) && app.release.utf8.count <= 40, "app.release",
            "\"\(app.release)\" cannot begin Kubernetes names",
            "use at most 40 of a-z, 0-9 and -")
        check(
            isLabelText(app.namespace), "app.namespace",
            "\"\(app.namespace)\" is not a namespace", "use a-z, 0-9 and -")
        let traefik = Version(ingress.version)
        check(
            traefik.map { $0 >= Version(3, 0, 0) && $0 < Version(4, 0, 0) } ?? false,
            "ingress.version", "\"\(ingress.version)\" is not a version of Traefik 3",
            "write for example 3.5.0")
        if let image = app.mongodb.external?.clientImage {
            check(
                image.utf8.count <= 255 && image.utf8.allSatisfy(isImageByte),
                "app.mongodb.external.clientImage", "\"\(image)\" is not the name of an image",
                "write for example mongo:8.2")
        }
        guard let version = Version(app.version) else {
            check(
                false, "app.version", "\"\(app.version)\" is not a version",
                "write for example 8.6.1")
            return found
        }
        check(
            version < Version(8, 0, 0) || mongodb.bundled == nil, "app.mongodb.bundled",
            "the chart's MongoDB is 6.0, which Rocket.Chat \(app.version) does not support",
            "use `external` with MongoDB 8.2, or a 7.x version")
        check(
            version < Version(8, 0, 0) || !app.streamHub, "app.streamHub",
            "Rocket.Chat 8.0 and later have no stream hub", "remove it")
        check(
            version > Version(7, 7, 0) || app.streamHub, "app.streamHub",
            "Rocket.Chat \(app.version) needs the stream hub", "write `streamHub: true`")
        check(
            app.replicas == 1 || !app.licenseFile.isEmpty, "app.replicas",
            "more than one instance of a service stops itself without a licence",
            "write 1, or name the licence in `licenseFile`")
        return found
    }
}

extension ClusterSpec {
    private func rolloutProblems() -> [Problem] {
        // A window that does not fit into the deadline could never pass.
        guard rollout.stableSeconds >= rollout.deadlineSeconds else { return [] }
        return [
            Problem(
                path: "rollout.stableSeconds",
                message: "a batch has only \(rollout.deadlineSeconds) seconds for all of it",
                fix: "make it shorter, or `deadlineSeconds` longer")
        ]
    }
}

/// Three numbers that compare as versions do.
public struct Version: Comparable, Hashable, Sendable {
    let numbers: [Int]

    public var text: String { numbers.map(String.init).joined(separator: ".") }

    public init(_ major: Int, _ minor: Int, _ patch: Int) { numbers = [major, minor, patch] }

    /// Nil unless `text` is three numbers joined by dots, with an optional `-suffix`.
    public init?(_ text: String) {
        let core = text.split(separator: "-", maxSplits: 1).first ?? ""
        let parts = core.split(separator: ".", omittingEmptySubsequences: false)
        let found = parts.compactMap { $0.utf8.count <= 6 ? UInt32($0).map(Int.init) : nil }
        guard parts.count == 3, found.count == 3 else { return nil }
        numbers = found
    }

    public static func < (left: Version, right: Version) -> Bool {
        left.numbers.lexicographicallyPrecedes(right.numbers)
    }
}

private func isImageByte(_ byte: UInt8) -> Bool {
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/:@".utf8.contains(byte)
}

private func isLabelText(_ text: String) -> Bool { isLabel(text) }

private func isRegion(_ text: String) -> Bool {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    return (3...4).contains(parts.count) && isLabel(text)
        && (parts.last.map { !$0.isEmpty && $0.allSatisfy(\.isNumber) } ?? false)
}

/// 3 to 63 of a-z, 0-9, `-` and `.`, with a letter or digit at either end and on either side of
/// each dot (S3's general purpose buckets).
private func isBucket(_ text: String) -> Bool {
    (3...63).contains(text.utf8.count)
        && text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy(isLabel)
}

/// What needs no escape in a URL, and does not begin with a slash; empty for the default.
private func isObjectKey(_ text: String) -> Bool {
    text.utf8.count <= 512 && !text.hasPrefix("/")
        && text.utf8.allSatisfy(
            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/".utf8.contains)
}

/// `host:port` with an IPv4 address, a `[v6]` address or a name, and a port of 1 to 65535.
func isHostPort(_ text: String) -> Bool {
    guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]),
        port > 0
    else { return false }
    let host = text[..<colon]
    if host.hasPrefix("["), host.hasSuffix("]") {
        return host.dropFirst().dropLast().allSatisfy { $0.isHexDigit || $0 == ":" || $0 == "." }
    }
    return host.utf8.count <= 253
        && host.split(separator: ".", omittingEmptySubsequences: false).allSatisfy(isLabel)
}

/// One `@`, a plain local part, and a domain after it: what ACME accounts accept in practice.
private func isEmail(_ text: String) -> Bool {
    let parts = text.split(separator: "@", omittingEmptySubsequences: false)
    guard parts.count == 2, let local = parts.first, let domain = parts.last,
        (1...64).contains(local.utf8.count), !local.hasPrefix("-")
    else { return false }
    let isPlain = local.utf8.allSatisfy { byte in
        byte < 128 && byte > 32 && !"\"(),:;<>[\\]".utf8.contains(byte)
    }
    return isPlain && DomainName.isValid(domain.lowercased())
}

/// Why `text` cannot be the VPC's range; nil if it can (AWS: /16 to /28; ours must hold a subnet
/// of nodes, so /16 to /24).
private func cidrProblem(_ text: String) -> String? {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, let bits = Int(parts[1]) else {
        return "\"\(text)\" is not address/bits"
    }
    let octets = parts[0].split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) }
    guard octets.count == 4, octets.allSatisfy({ $0 != nil }) else {
        return "\"\(text)\" does not start with an IPv4 address"
    }
    guard (16...24).contains(bits) else { return "/\(bits) is outside /16 to /24" }
    let address = octets.compactMap(\.self).reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    guard address << UInt32(bits) == 0 else { return "\"\(text)\" has bits set after /\(bits)" }
    let pods = (first: UInt32(10) << 24 | 1 << 16, mask: UInt32(0xFFFF_0000))
    let services = (first: UInt32(10) << 24 | 152 << 16 | 183 << 8, mask: UInt32(0xFFFF_FF00))
    for range in [pods, services]
    where address & range.mask == range.first
        || range.first & (~0 << UInt32(32 - bits)) == address
    {
        return "\"\(text)\" overlaps Kubernetes' own 10.1.0.0/16 or 10.152.183.0/24"
    }
    return nil
}
