import FoundationEssentials
import Model
import Outside
import Tools
import Trust

/// Brings a bundle that is on disk into the running HAProxy, and proves it by a handshake. It
/// writes no file.
struct CertificateSwap: Sendable {
    let layout: EdgeLayout
    let domain: DomainName
    let path: String
    /// The line of the list that names ``path``.
    let line: String
    let look: CertificateStep.Look

    /// Swaps through the runtime API; if that cannot be proven, by a reload. A handshake is the
    /// proof: what a client is shown already is not loaded again because the API is silent.
    func load(_ pem: Secret, _ facts: CertificateFacts, _ world: World) async throws {
        do {
            try await exchange(pem, serial: facts.serial, RuntimeSocket(world, layout))
            try await prove(facts, within: .seconds(5), world)
        } catch is Failure {
            let shown = try? await look(domain, layout, facts.keyType ?? .ecdsa)
            if shown?.serial == facts.serial { return }
            try await requireReload(instead: shown, world)
            try await world.units.job(
                .reload, HAProxyStep.unit, deadline: .seconds(90), op: "certificate.reload")
            try await prove(facts, within: .seconds(20), world)
        }
    }

    /// Nil if HAProxy does not know the path.
    func loaded(_ socket: RuntimeSocket) async throws -> HAProxyRuntime.Loaded? {
        try await HAProxyRuntime.Loaded(
            socket.ask(HAProxyRuntime.show(path), op: "certificate.show"))
    }

    /// Takes it out of memory. A HAProxy that does not answer has nothing in memory.
    func unload(_ world: World) async {
        let socket = RuntimeSocket(world, layout)
        guard let loaded = try? await loaded(socket) else { return }
        if loaded.isUsed {
            _ = try? await socket.ask(
                HAProxyRuntime.remove(path, from: layout.certificateList),
                op: "certificate.unlist")
        }
        _ = try? await socket.ask(HAProxyRuntime.delete(path), op: "certificate.unload")
    }

    /// Management guide, "set ssl cert": a place is made the first time, an open transaction of
    /// anyone's is dropped, and the list gets its line only if HAProxy does not use it yet.
    private func exchange(_ pem: Secret, serial: String, _ socket: RuntimeSocket) async throws {
        let before = try await loaded(socket)
        if before == nil {
            try HAProxyRuntime.require(
                .made, in: await socket.ask(HAProxyRuntime.new(path), op: "certificate.new"),
                trying: "making a place for the certificate")
        }
        if before?.serial != serial {
            let answer = try await socket.ask(HAProxyRuntime.abort(path), op: "certificate.abort")
            if let other = HAProxyRuntime.otherTransaction(in: answer) {
                _ = try await socket.ask(
                    HAProxyRuntime.abort(other), op: "certificate.abort.other")
            }
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
                    HAProxyRuntime.add(line, to: layout.certificateList),
                    op: "certificate.list.add"), trying: "listing the certificate")
        }
    }

    /// A handshake shows the new serial. Throws `timeout` if none does.
    private func prove(
        _ facts: CertificateFacts, within deadline: Duration, _ world: World
    ) async throws {
        let kind = facts.keyType ?? .ecdsa
        _ = try await world.clock.poll(
            every: .milliseconds(250), atMost: deadline,
            waitingFor: "a handshake that shows serial \(facts.serial)", op: "certificate.prove"
        ) {
            (try? await look(domain, layout, kind))?.serial == facts.serial ? true : nil as Bool?
        }
    }

    /// Another old worker is only worth it where clients would soon see no good certificate.
    private func requireReload(instead shown: CertificateFacts?, _ world: World) async throws {
        let soon = world.clock.now().addingTimeInterval(86_400)
        guard let shown, shown.notAfter > soon, shown.names.contains(domain.rawValue) else {
            return
        }
        try await OldWorkers.requireRoom(world, layout)
    }
}
