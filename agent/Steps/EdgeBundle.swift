import FoundationEssentials
import Model
import Outside
import Tools
import Trust

/// A bundle on a node: on disk, in HAProxy's memory, and as clients see it.
///
/// Disk first, then a test of a cold start, then memory, then proof by a handshake; the previous
/// bundle comes back if the new one cannot be proven. HAProxy is never stopped. Nothing is written
/// over what is not root's own file.
struct EdgeBundle: Sendable {
    let layout: EdgeLayout
    let domain: DomainName
    /// What the bundle's place is for.
    let keyType: KeyType
    let look: CertificateStep.Look

    private var path: String { layout.bundle(of: keyType) }
    private var line: String { layout.listLine(of: keyType) }
    private var swap: CertificateSwap {
        CertificateSwap(layout: layout, domain: domain, path: path, line: line, look: look)
    }

    /// Whether the bundle is on disk and in the list that HAProxy reads when it starts.
    func isPlaced(_ world: World) throws -> Bool {
        try world.files.info(path) != nil && isListed(world)
    }

    /// What is in the way of a node without this bundle; nil if nothing.
    func leftover(_ world: World) throws -> Difference? {
        guard try world.files.info(path) != nil || isListed(world) else { return nil }
        return Difference(path, found: "there", wanted: "no \(keyType.rawValue) certificate")
    }

    /// The certificate on disk; nil if there is none.
    func placed(_ world: World) -> CertificateFacts? {
        (try? world.files.readIfThere(path)).flatMap { facts(of: $0) }
    }

    /// What HAProxy has under the bundle's path.
    func memory(_ world: World) async -> HeldCertificate.Memory {
        do {
            let loaded = try await swap.loaded(RuntimeSocket(world, layout))
            guard let loaded, let serial = loaded.serial else { return .nothing }
            return .serial(serial, isUsed: loaded.isUsed)
        } catch { return .unknown(Failure(error, trying: "asking HAProxy for its certificate")) }
    }

    /// What is newer than `lineage`, of the same CA and still good: on disk, or with its dates as a
    /// client is shown it. Nil if nothing is, as ever unless somebody turned certbot's files back.
    func newer(
        than lineage: Lineage, rootsPEM: String, _ world: World
    ) async -> CertificateFacts? {
        let (wanted, now) = (lineage.facts, world.clock.now())
        let disk = (try? world.files.text(path)).flatMap { $0 }
        if disk == lineage.bundle.pem.reveal() { return nil }
        let placed = disk.flatMap { try? CertificateFacts(pem: $0) }
        let shown = try? await look(domain, layout, placed?.keyType ?? keyType)
        if let shown, wanted.isOlder(than: shown), shown.covers(domain),
            (shown.notBefore..<shown.notAfter).contains(now)
        {
            return shown
        }
        // Judged last: it costs more than all the rest of a look.
        guard let disk, let placed, wanted.isOlder(than: placed) else { return nil }
        return try? Bundle(pem: disk).judge(domain: domain, rootsPEM: rootsPEM, now: now)
    }

    /// How far what is served is from `lineage`.
    func differences(from lineage: Lineage, _ world: World) async throws -> [Difference] {
        let wanted = lineage.facts.serial
        let disk = try world.files.readIfThere(path)
        if disk != Array(lineage.bundle.pem.reveal().utf8) {
            let serial = disk.flatMap { facts(of: $0)?.serial } ?? "something else"
            return [Difference(path, found: serial, wanted: wanted)]
        }
        let info = try world.files.info(path)
        if info?.mode != 0o600 || info?.owner != 0 {
            return [Difference(path, found: "wrong mode or owner", wanted: "mode 0600, root's")]
        }
        do {
            let loaded = try await swap.loaded(RuntimeSocket(world, layout))
            guard let loaded, loaded.isUsed, loaded.serial == wanted else {
                let serial = loaded?.serial ?? "none"
                return [Difference("HAProxy's memory", found: serial, wanted: wanted)]
            }
            let served = try await look(domain, layout, lineage.facts.keyType ?? keyType).serial
            return served == wanted
                ? [] : [Difference("served certificate", found: served, wanted: wanted)]
        } catch let failure as Failure where failure.mayPass {
            return [Difference("served certificate", found: failure.message, wanted: wanted)]
        }
    }

    /// Makes HAProxy serve `lineage`, judged good before. Does nothing where it is right already.
    ///
    /// Throws `conflict` if something that is not root's own is in the way, `failed` if HAProxy
    /// would not start with it, `unavailable` or `timeout` if no client is shown it.
    func serve(_ lineage: Lineage, _ world: World) async throws {
        if try await differences(from: lineage, world).isEmpty, try isListed(world) { return }
        try requireOwn(world)
        let previous = Place(
            bundle: try world.files.readIfThere(path), list: try list(world))
        let next = Place(
            bundle: Array(lineage.bundle.pem.reveal().utf8),
            list: try isListed(world) ? previous.list : previous.list + [line])
        try put(next, world)
        let trouble = try await testStart(with: next, instead: previous, world)
        do {
            try await swap.load(lineage.bundle.pem, lineage.facts, world)
        } catch let failure as Failure {
            try await putBack(previous, instead: next, because: failure, world)
        }
        if let trouble { throw trouble }
    }

    /// Takes the bundle out of the list, of HAProxy's memory and of the disk, in this order.
    func withdraw(_ world: World) async throws {
        if try isListed(world) {
            try requireOwn(world)
            try writeList(try list(world).filter { $0 != line }, world)
        }
        await swap.unload(world)
        try world.files.remove(path, op: "certificate.remove")
    }
}

extension EdgeBundle {
    /// What HAProxy finds when it starts.
    private struct Place {
        let bundle: [UInt8]?
        let list: [String]
    }

    /// The list follows the bundle, and precedes its removal: HAProxy does not start with a list
    /// that names a missing file.
    private func put(_ place: Place, op: Op = "certificate.bundle", _ world: World) throws {
        if let bundle = place.bundle,
            try world.files.readIfThere(path) != bundle || world.files.info(path)?.mode != 0o600
        {
            try world.files.replace(path, with: bundle, mode: 0o600, op: op)
        }
        if try list(world) != place.list { try writeList(place.list, world) }
        if place.bundle == nil { try world.files.remove(path, op: "certificate.bundle.remove") }
    }

    /// Proves that HAProxy would start with what is on disk now. If it would not, and would with
    /// the previous bundle, that is back and this throws. What may be somebody else's fault must
    /// not keep a good bundle from being served: it is returned.
    private func testStart(
        with next: Place, instead previous: Place, _ world: World
    ) async throws -> Failure? {
        let tried = "testing a start of HAProxy with the new certificate"
        guard let new = try await complaint(world) else { return nil }
        if previous.bundle != next.bundle {
            try put(previous, op: "certificate.bundle.back", world)
            guard try await complaint(world) != nil else {
                throw Failure(
                    .failed, "\(tried) (the previous one is back): \(new)",
                    fix: "compare `openssl x509 -text` of certbot's files with what HAProxy says")
            }
            try put(next, world)
        }
        return Failure(
            .failed, "\(tried), which is served: HAProxy would not start again: \(new)",
            fix: "run `haproxy -c -f \(layout.configFile)` on the node and mend what it names")
    }

    private func complaint(_ world: World) async throws -> String? {
        let found = try await ConfigTest.complaints(
            about: layout.configFile, world, op: "certificate.test")
        return found.isEmpty ? nil : found.prefix(3).joined(separator: "; ")
    }

    private func putBack(
        _ previous: Place, instead next: Place, because failure: Failure, _ world: World
    ) async throws {
        guard let bundle = previous.bundle, bundle != next.bundle else { throw failure }
        try put(previous, op: "certificate.bundle.back", world)
        if let facts = facts(of: bundle) {
            do {
                try await swap.load(Secret(String(decoding: bundle, as: UTF8.self)), facts, world)
            } catch let second as Failure {
                throw failure.context(
                    "serving the new certificate (nor can the previous one be proven: "
                        + "\(second.message))")
            }
        }
        throw failure.context("serving the new certificate (the previous one is back)")
    }

    /// Reading would follow a link, and a replacement would take over another user's file.
    private func requireOwn(_ world: World) throws {
        let wanted = [
            (layout.certificateFolder, FileInfo.Kind.directory), (path, .file),
            (layout.certificateList, .file),
        ]
        for (path, kind) in wanted {
            guard let info = try world.files.info(path) else { continue }
            let tried = "writing the certificate for HAProxy"
            guard info.kind == kind else {
                let what = info.kind == .link ? "a symbolic link" : "of another kind"
                throw Failure(
                    .conflict, "\(tried): \(path) is \(what)",
                    fix: "look at what \(path) is and move it away")
            }
            guard info.owner == 0 else {
                throw Failure(
                    .conflict, "\(tried): \(path) belongs to user \(info.owner), not to root",
                    fix: "look at who wrote \(path), then move it away")
            }
        }
    }

    private func facts(of bytes: [UInt8]) -> CertificateFacts? {
        try? CertificateFacts(pem: String(decoding: bytes, as: UTF8.self))
    }

    private func list(_ world: World) throws -> [String] {
        (try world.files.text(layout.certificateList) ?? "")
            .split(whereSeparator: \.isNewline).map(String.init)
    }

    private func isListed(_ world: World) throws -> Bool { try list(world).contains(line) }

    private func writeList(_ lines: [String], _ world: World) throws {
        let text = lines.map { $0 + "\n" }.joined()
        try world.files.replace(
            layout.certificateList, with: Array(text.utf8), mode: 0o644, op: "certificate.list")
    }
}
