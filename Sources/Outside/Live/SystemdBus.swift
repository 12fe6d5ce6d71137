import CSystemd
import FoundationEssentials
import Glibc
import Model

/// One connection to systemd's manager. It belongs to the thread that opened it (sd-bus(3)) and
/// closes with its last reference.
final class SystemdBus {
    private static let manager = "org.freedesktop.systemd1"
    private static let managerPath = "/org/freedesktop/systemd1"
    private static let managerInterface = "org.freedesktop.systemd1.Manager"
    private static let callMicroseconds: UInt64 = 30_000_000

    private let bus: OpaquePointer
    /// Nil on systemd's own socket, where there is nobody but the manager.
    private let destination: String?
    /// As long-lived as the bus, which keeps every listener.
    private let ended = EndedJobs()

    /// The system bus; where no D-Bus daemon runs, the socket that systemctl falls back to as well.
    /// Throws `unavailable` if there is neither.
    convenience init() throws {
        var opened: OpaquePointer?
        if sd_bus_open_system(&opened) >= 0, let opened {
            self.init(owning: opened, destination: Self.manager)
        } else {
            try self.init(socket: "/run/systemd/private")
        }
    }

    /// A manager's own socket. Throws `unavailable` if nobody listens there.
    convenience init(socket path: String) throws {
        var opened: OpaquePointer?
        var code = sd_bus_new(&opened)
        if code >= 0 { code = sd_bus_set_address(opened, "unix:path=\(path)") }
        if code >= 0 { code = sd_bus_start(opened) }
        guard code >= 0, let opened else {
            sd_bus_unref(opened)
            throw Failure(
                .unavailable, "connecting to systemd: \(errnoText(-code))",
                fix: "run this as root on a machine that systemd booted")
        }
        self.init(owning: opened, destination: nil)
    }

    private init(owning bus: OpaquePointer, destination: String?) {
        self.bus = bus
        self.destination = destination
    }

    deinit { sd_bus_flush_close_unref(bus) }

    /// Calls a method of the manager and drops its answer.
    func call(_ member: String, _ arguments: [BusValue] = []) throws {
        _ = try answer(to: member) { message in
            for argument in arguments { try message.append(argument) }
        }
    }

    /// Calls a method that starts a job, and returns the job's result: `done`, `failed`, `timeout`,
    /// `canceled`, `dependency`, `skipped`. Listens before it calls, so that no job is too quick.
    /// Throws `timeout` if the job has not ended after `deadline`; it goes on.
    func job(
        _ member: String, of unit: String, deadline: Duration,
        _ fill: (borrowing BusMessage) throws -> Void
    ) throws -> String {
        // Without a subscription systemd sends no signals. It ends with the connection.
        try call("Subscribe")
        try check(
            sd_bus_match_signal(
                bus, nil, destination, Self.managerPath, Self.managerInterface, "JobRemoved",
                EndedJobs.note, Unmanaged.passUnretained(ended).toOpaque()),
            "listening to systemd")
        let job = try Self.read(try answer(to: member, fill), "o", of: member)
        return try wait(for: job, deadline: deadline, member, of: unit)
    }

    private func wait(
        for job: String, deadline: Duration, _ member: String, of unit: String
    ) throws -> String {
        let end = ContinuousClock.now + deadline
        while true {
            if let result = ended.results[job] { return result }
            let processed = sd_bus_process(bus, nil)
            try check(processed, "waiting for systemd")
            // More may be queued already; sleep only when there is nothing.
            if processed > 0 { continue }
            let left = ContinuousClock.now.duration(to: end)
            guard left > .zero else {
                throw Failure(
                    .timeout,
                    "\(member) of \(unit): the job has not ended after \(deadline.shortText)",
                    fix: "look at `systemctl status \(unit)` and `systemctl list-jobs`")
            }
            let code = sd_bus_wait(bus, UInt64(left / .microseconds(1)))
            if code != -EINTR { try check(code, "waiting for systemd") }
        }
    }

    /// The object path of a unit; systemd loads it if need be, also one that does not exist.
    func unit(_ name: String) throws -> String {
        let reply = try answer(to: "LoadUnit") { try $0.append(.string(name)) }
        return try Self.read(reply, "o", of: "LoadUnit")
    }

    /// A property of type `s` of a unit.
    func text(_ property: String, of unit: String, _ interface: String = "Unit") throws -> String {
        var error = sd_bus_error()
        defer { sd_bus_error_free(&error) }
        var value: UnsafeMutablePointer<CChar>?
        let code = sd_bus_get_property_string(
            bus, destination, unit, "\(Self.manager).\(interface)", property, &error, &value)
        defer { free(value) }
        guard code >= 0, let value else { throw Self.failure(property, code, error) }
        return String(cString: value)
    }

    /// A property of type `i` of a service.
    func number(_ property: String, of unit: String) throws -> Int32 {
        var error = sd_bus_error()
        defer { sd_bus_error_free(&error) }
        var value: Int32 = 0
        let code = sd_bus_get_property_trivial(
            bus, destination, unit, "\(Self.manager).Service", property, &error,
            BusMessage.type("i"), &value)
        guard code >= 0 else { throw Self.failure(property, code, error) }
        return value
    }

    /// A property of type `t` of a unit, microseconds of 1970; nil if that never was.
    func time(_ property: String, of unit: String) throws -> Date? {
        var error = sd_bus_error()
        defer { sd_bus_error_free(&error) }
        var value: UInt64 = 0
        let code = sd_bus_get_property_trivial(
            bus, destination, unit, "\(Self.manager).Unit", property, &error,
            BusMessage.type("t"), &value)
        guard code >= 0 else { throw Self.failure(property, code, error) }
        return value == 0 ? nil : Date(timeIntervalSince1970: Double(value) / 1_000_000)
    }

    private func answer(
        to member: String, _ fill: (borrowing BusMessage) throws -> Void
    ) throws -> BusReply {
        var pointer: OpaquePointer?
        try check(
            sd_bus_message_new_method_call(
                bus, &pointer, destination, Self.managerPath, Self.managerInterface, member),
            "building a call to systemd")
        guard let pointer else { throw Failure(.failed, "building a call to systemd: no message") }
        let message = BusMessage(owning: pointer)
        try fill(message)
        var error = sd_bus_error()
        defer { sd_bus_error_free(&error) }
        var reply: OpaquePointer?
        let code = sd_bus_call(bus, message.pointer, Self.callMicroseconds, &error, &reply)
        guard code >= 0, let reply else { throw Self.failure(member, code, error) }
        return BusReply(owning: reply)
    }

    private static func read(
        _ reply: BusReply, _ type: Unicode.Scalar, of member: String
    ) throws -> String {
        guard let text = reply.text(type) else {
            throw Failure(.failed, "\(member) of systemd: the answer is not what it must be")
        }
        return text
    }

    private func check(_ code: Int32, _ tried: String) throws {
        guard code >= 0 else { throw Failure(.unavailable, "\(tried): \(errnoText(-code))") }
    }

    /// What systemd answered instead, by the error's D-Bus name.
    private static func failure(_ member: String, _ code: Int32, _ error: sd_bus_error) -> Failure {
        let name = error.name.map { String(cString: $0) } ?? ""
        let said = error.message.map { String(cString: $0) } ?? errnoText(-code)
        let kind: Failure.Code =
            switch name {
            case "\(manager).NoSuchUnit": .notFound
            case "\(manager).UnitExists": .conflict
            case "org.freedesktop.DBus.Error.AccessDenied": .unauthorized
            default: code == -ETIMEDOUT ? .timeout : .failed
            }
        return Failure(kind, "\(member) of systemd: \(said.prefix(400))")
    }
}

/// A message that came from systemd.
final class BusReply {
    private let pointer: OpaquePointer

    init(owning pointer: OpaquePointer) { self.pointer = pointer }
    deinit { sd_bus_message_unref(pointer) }

    /// The next field, if it is a string or an object path.
    func text(_ type: Unicode.Scalar) -> String? {
        var value: UnsafePointer<CChar>?
        guard sd_bus_message_read_basic(pointer, BusMessage.type(type), &value) > 0 else {
            return nil
        }
        return value.map { String(cString: $0) }
    }
}

/// Jobs whose end systemd has told, with their results, by object path.
private final class EndedJobs {
    var results: [String: String] = [:]

    /// `JobRemoved(u id, o job, s unit, s result)`.
    static let note: sd_bus_message_handler_t = { message, context, _ in
        guard let context else { return 0 }
        let jobs = Unmanaged<EndedJobs>.fromOpaque(context).takeUnretainedValue()
        var id: UInt32 = 0
        var path: UnsafePointer<CChar>?
        var unit: UnsafePointer<CChar>?
        var result: UnsafePointer<CChar>?
        guard sd_bus_message_read_basic(message, BusMessage.type("u"), &id) > 0,
            sd_bus_message_read_basic(message, BusMessage.type("o"), &path) > 0,
            sd_bus_message_read_basic(message, BusMessage.type("s"), &unit) > 0,
            sd_bus_message_read_basic(message, BusMessage.type("s"), &result) > 0,
            let path, let result
        else { return 0 }
        jobs.results[String(cString: path)] = String(cString: result)
        return 0
    }
}
