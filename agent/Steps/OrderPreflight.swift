import FoundationEssentials
import Model
import Outside
import Tools

/// Looks before an order at what would make it fail, because a failure costs more than a look: five
/// failed validations an hour shut a name out (RFC 8555 §6.6 leaves the limits to the CA). Only
/// reads, and what it finds spends nothing.
///
/// What cannot be found out is no finding: only the CA decides.
struct OrderPreflight: Sendable {
    let spec: CertificateSpec
    let layout: EdgeLayout
    /// How long after a failure a closed port 80 holds the next try: that we cannot reach ourselves
    /// does not prove that the CA cannot.
    let patience: Duration

    /// A clock may be off by so much: certificates are dated back by an hour, nonces live for less.
    static let skewMax = Duration.seconds(300)
    private static let wait = Duration.seconds(5)
    private static let patienceMax = Duration.seconds(6 * 3600)

    /// Throws `unavailable` if the CA cannot be reached, and what else stands in the way;
    /// `CancellationError` if the agent is stopped meanwhile. `trouble` is why the last try failed,
    /// if it did.
    func run(after trouble: OrderBudget.Trouble?, _ world: World) async throws {
        let directory = try await directory(world)
        let own = (try? await InstanceMetadata(world: world).publicAddresses()) ?? []
        try await requireAddresses(own, world)
        try await requirePermission(directory.caaIdentities, world)
        try await requirePort(own, after: trouble, world)
        // A look that was cut short saw nothing, and that is no leave to order.
        try Task.checkCancellation()
    }

    private func held(_ what: String, fix: String) -> Failure {
        Failure(
            .failed,
            "before asking for a certificate for \(spec.domain): \(what); nothing was asked",
            fix: fix)
    }
}

// MARK: the clock

extension OrderPreflight {
    static let clockFix =
        "set the node's clock right: `timedatectl set-ntp true`, then `timedatectl`"

    /// What the CA's directory says. Its own certificate does not verify either if our clock is far
    /// off, so then its plain port is asked for the time, which decides nothing but the words.
    private func directory(_ world: World) async throws -> AcmeDirectory {
        let request = try AcmeDirectory.request(spec.directory, caPEM: spec.caPEM)
        let answer: HTTPResponse
        do {
            answer = try await world.network.http(
                request, deadline: Self.wait * 2, bytesMax: AcmeDirectory.answerBytesMax,
                op: "order.directory")
        } catch let failure as Failure {
            let isUntrusted = failure.code == .unauthorized
            if isUntrusted { try requireClock(await plainDate(world), world.clock.now()) }
            throw away(failure, isUntrusted ? .untrustedCA : .unreachableCA)
        }
        try requireClock(date(of: answer), world.clock.now())
        do { return try AcmeDirectory(answer, of: spec.directory) } catch let failure as Failure {
            throw away(failure, failure.code == .unavailable ? .unreachableCA : .account)
        }
    }

    private func away(_ failure: Failure, _ kind: CertbotTrouble.Kind) -> Failure {
        Failure(
            failure.code, "asking for a certificate for \(spec.domain): \(failure.message)",
            fix: CertbotTrouble.fix(kind, for: spec))
    }

    private func plainDate(_ world: World) async -> Date? {
        guard let address = try? HTTPSAddress(spec.directory) else { return nil }
        let answer = try? await world.network.http(
            HTTPRequest(
                "HEAD", .tcp(host: address.host, port: 80), "/",
                headers: ["Host": address.host]),
            deadline: Self.wait, bytesMax: 64 << 10, op: "order.clock")
        return answer.flatMap(date)
    }

    private func date(of answer: HTTPResponse) -> Date? {
        answer.headers["date"].flatMap(HTTPDate.parse)
    }

    private func requireClock(_ theirs: Date?, _ ours: Date) throws {
        guard let theirs else { return }
        let ahead = Duration.seconds(ours.timeIntervalSince(theirs))
        guard abs(ahead.seconds) > Self.skewMax.seconds else { return }
        throw held(
            "the node's clock is \(ahead < .zero ? (.zero - ahead).words : ahead.words) "
                + "\(ahead < .zero ? "behind" : "ahead of") the CA's",
            fix: Self.clockFix)
    }
}

// MARK: the name's records

extension OrderPreflight {
    /// The name must lead here, by IPv4 and, if it has an AAAA record, by IPv6, which CAs try
    /// first. Machines without a public address of their own are not judged, nor is an answer that
    /// only this network gets.
    private func requireAddresses(_ own: Set<IPAddress>, _ world: World) async throws {
        guard own.contains(where: { !$0.isIPv6 }) else { return }
        guard let four = try? await addresses(.a, world),
            let six = try? await addresses(.aaaa, world)
        else { return }
        if four.isEmpty, six.isEmpty {
            throw held("it has no address in the DNS; \(here(own))", fix: Self.sync)
        }
        for (type, found) in [("A", four), ("AAAA", six)] {
            guard !found.isEmpty, own.isDisjoint(with: found),
                !found.allSatisfy(\.isLocal)
            else { continue }
            let list = found.prefix(5).map(\.description).joined(separator: ", ")
            throw held(
                "its \(type) record leads to \(list); \(here(own))",
                fix: type == "A"
                    ? Self.sync : "remove the AAAA record of \(spec.domain), or point it here")
        }
    }

    private static let sync = "run `jeeves dns sync`, or point the record here"

    private func here(_ own: Set<IPAddress>) -> String {
        "this node is \(own.map(\.description).sorted().joined(separator: ", "))"
    }

    private func addresses(_ type: RecordType, _ world: World) async throws -> [IPAddress] {
        try await world.network.records(
            type, of: spec.domain.rawValue, deadline: Self.wait, op: "order.records"
        ).compactMap { IPAddress($0) }
    }

    /// The CAA records of the name, or of the nearest name above it that has any (RFC 8659 §3),
    /// must let this CA in. A CA that does not say who it is cannot be judged.
    private func requirePermission(_ issuers: [String], _ world: World) async throws {
        guard !issuers.isEmpty else { return }
        let account = account(world)
        var name = spec.domain.rawValue[...]
        while !name.isEmpty {
            guard
                let data = try? await world.network.records(
                    .caa, of: String(name), deadline: Self.wait, op: "order.records")
            else { return }
            let records = data.compactMap { CAARecord($0) }
            if let refusal = CAARecord.refusal(
                in: records, issuers: issuers, method: "http-01", account: account)
            {
                throw held(
                    "the CAA record of \(name) \(refusal.reason)",
                    fix: "allow it: \(name) CAA 0 issue \"\(refusal.wanted)\"")
            }
            if !data.isEmpty { return }
            name = name.drop { $0 != "." }.dropFirst()
        }
    }
}

extension OrderPreflight {
    /// What the CA calls the account that certbot has there; nil if it has none yet, or several.
    private func account(_ world: World) -> String? {
        let folder = Certbot(layout: layout).accounts(at: spec.directory)
        guard let names = try? world.files.list(folder), names.count == 1,
            let bytes = try? world.files.readIfThere(
                "\(folder)/\(names[0])/regr.json", bytesMax: 64 << 10)
        else { return nil }
        return try? Certbot.account(inRegistration: bytes)
    }
}

// MARK: port 80

extension OrderPreflight {
    /// After the CA could not reach us, or reached somebody else, we try ourselves the way it would
    /// come. Any answer will do: only certbot has the right one.
    private func requirePort(
        _ own: Set<IPAddress>, after trouble: OrderBudget.Trouble?, _ world: World
    ) async throws {
        guard let trouble, trouble.kind == .connection || trouble.kind == .unauthorized,
            world.clock.now().timeIntervalSince(trouble.at)
                < min(Self.patienceMax, patience).seconds,
            let address = own.first(where: { !$0.isIPv6 })
        else { return }
        do {
            _ = try await world.network.http(
                HTTPRequest(
                    "GET", .tcp(host: address.description, port: layout.httpPort),
                    "/.well-known/acme-challenge/", headers: ["Host": spec.domain.rawValue]),
                deadline: Self.wait, bytesMax: 64 << 10, op: "order.port")
        } catch let failure as Failure where [.unavailable, .timeout].contains(failure.code) {
            throw held(
                "nothing answers at port 80 of \(address) (\(failure.message)), and the last try "
                    + "failed: \(trouble.reason.message)",
                fix: "open port 80 to everybody in the controllers' security group")
        }
    }
}
