import FoundationEssentials
import Model
import Outside
import Tools
import Trust

/// `haproxy.pem` on a node: on disk, in HAProxy's memory, and as clients see it.
///
/// Disk first, then memory, then proof by a handshake; the previous bundle comes back if the new
/// one cannot be proven. HAProxy is never stopped.
struct EdgeBundle: Sendable {
    let layout: EdgeLayout
    let domain: DomainName
    let look: CertificateStep.Look

    /// Whether the bundle is on disk and in the list that HAProxy reads when it starts.
    func isPlaced(_ world: World) throws -> Bool {
        try world.files.info(layout.bundle) != nil && isListed(world)
    }

    /// How far what is served is from `lineage`.
    func differences(from lineage: Lineage, _ world: World) async throws -> [Difference] {
        let wanted = lineage.facts.serial
        let disk = try world.files.readIfThere(layout.bundle)
        if disk != Array(lineage.bundle.pem.reveal().utf8) {
            let serial = disk.flatMap { facts(of: $0)?.serial } ?? "something else"
            return [Difference(layout.bundle, found: serial, wanted: wanted)]
        }
        if try world.files.info(layout.bundle)?.mode != 0o600 {
            return [Difference(layout.bundle, found: "wrong mode", wanted: "mode 0600")]
        }
        do {
            let loaded = try await loaded(RuntimeSocket(world, layout))
            guard let loaded, loaded.isUsed, loaded.serial == wanted else {
                let serial = loaded?.serial ?? "none"
                return [Difference("HAProxy's memory", found: serial, wanted: wanted)]
            }
            let served = try await look(domain, layout).serial
            return served == wanted
                ? [] : [Difference("served certificate", found: served, wanted: wanted)]
        } catch let failure as Failure where failure.mayPass {
            return [Difference("served certificate", found: failure.message, wanted: wanted)]
        }
    }

    /// Makes HAProxy serve `lineage`, judged good before. Does nothing where it is right already.
    func serve(_ lineage: Lineage, _ world: World) async throws {
        if try await differences(from: lineage, world).isEmpty, try isListed(world) { return }
        let previous = try world.files.readIfThere(layout.bundle)
        let pem = lineage.bundle.pem
        let bytes = Array(pem.reveal().utf8)
        if try previous != bytes || world.files.info(layout.bundle)?.mode != 0o600 {
            try world.files.replace(
                layout.bundle, with: bytes, mode: 0o600, op: "certificate.bundle")
        }
        // After the bundle: HAProxy does not start with a list that names a missing file.
        if try !isListed(world) {
            try writeList(try list(world) + [layout.listLine], world)
        }
        do {
            try await load(pem, serial: lineage.facts.serial, world)
        } catch let failure as Failure {
            try await putBack(previous, instead: bytes, because: failure, world)
        }
    }

    /// Takes the bundle out of the list, of HAProxy's memory and of the disk, in this order.
    func withdraw(_ world: World) async throws {
        if try isListed(world) {
            try writeList(try list(world).filter { $0 != layout.listLine }, world)
        }
        let socket = RuntimeSocket(world, layout)
        if let loaded = try? await loaded(socket) {
            if loaded.isUsed {
                _ = try await socket.ask(
                    HAProxyRuntime.remove(layout.bundle, from: layout.certificateList),
                    op: "certificate.unlist")
            }
            _ = try await socket.ask(
                HAProxyRuntime.delete(layout.bundle), op: "certificate.unload")
        }
        try world.files.remove(layout.bundle, op: "certificate.remove")
    }
}

extension EdgeBundle {
    /// Swaps through the runtime API; if that cannot be proven, by a reload.
    private func load(_ pem: Secret, serial: String, _ world: World) async throws {
        let socket = RuntimeSocket(world, layout)
        do {
            try await swap(pem, serial: serial, socket)
            try await prove(serial, within: .seconds(5), world)
        } catch is Failure {
            try await world.units.job(
                .reload, HAProxyStep.unit, deadline: .seconds(90), op: "certificate.reload")
            try await prove(serial, within: .seconds(20), world)
        }
    }

    /// Management guide, "set ssl cert": a place is made the first time, a stale transaction of
    /// anyone's is dropped, and the list gets its line only if HAProxy does not use it yet.
    private func swap(_ pem: Secret, serial: String, _ socket: RuntimeSocket) async throws {
        let path = layout.bundle
        let before = try await loaded(socket)
        if before == nil {
            try HAProxyRuntime.require(
                .made, in: await socket.ask(HAProxyRuntime.new(path), op: "certificate.new"),
                trying: "making a place for the certificate")
        }
        if before?.serial != serial {
            _ = try await socket.ask(HAProxyRuntime.abort(path), op: "certificate.abort")
            try HAProxyRuntime.require(
                .set,
                in: await socket.ask(
                    HAProxyRuntime.set(path, pem: pem).reveal(), op: "certificate.set"),
                trying: "handing HAProxy the certificate")
            try HAProxyRuntime.require(
                .committed,
                in: await socket.ask(HAProxyRuntime.commit(path), op: "certificate.commit"),
                trying: "committing the certificate")
        }
        if before?.isUsed != true {
            try HAProxyRuntime.require(
                .committed,
                in: await socket.ask(
                    HAProxyRuntime.add(layout.listLine, to: layout.certificateList),
                    op: "certificate.list.add"), trying: "listing the certificate")
        }
    }

    /// A handshake shows the new serial. Throws `timeout` if none does.
    private func prove(_ serial: String, within deadline: Duration, _ world: World) async throws {
        _ = try await world.clock.poll(
            every: .milliseconds(250), atMost: deadline,
            waitingFor: "a handshake that shows serial \(serial)", op: "certificate.prove"
        ) {
            (try? await look(domain, layout))?.serial == serial ? true : nil as Bool?
        }
    }

    private func putBack(
        _ previous: [UInt8]?, instead bytes: [UInt8], because failure: Failure, _ world: World
    ) async throws {
        guard let previous, previous != bytes else { throw failure }
        try world.files.replace(
            layout.bundle, with: previous, mode: 0o600, op: "certificate.bundle.back")
        if let serial = facts(of: previous)?.serial {
            let pem = Secret(String(decoding: previous, as: UTF8.self))
            try await swap(pem, serial: serial, RuntimeSocket(world, layout))
        }
        throw failure.context("serving the new certificate (the previous one is back)")
    }

    private func loaded(_ socket: RuntimeSocket) async throws -> HAProxyRuntime.Loaded? {
        try await HAProxyRuntime.Loaded(
            socket.ask(HAProxyRuntime.show(layout.bundle), op: "certificate.show"))
    }

    private func facts(of bytes: [UInt8]) -> CertificateFacts? {
        try? CertificateFacts(pem: String(decoding: bytes, as: UTF8.self))
    }

    private func list(_ world: World) throws -> [String] {
        (try world.files.text(layout.certificateList) ?? "")
            .split(whereSeparator: \.isNewline).map(String.init)
    }

    private func isListed(_ world: World) throws -> Bool {
        try list(world).contains(layout.listLine)
    }

    private func writeList(_ lines: [String], _ world: World) throws {
        let text = lines.map { $0 + "\n" }.joined()
        try world.files.replace(
            layout.certificateList, with: Array(text.utf8), mode: 0o644, op: "certificate.list")
    }
}
