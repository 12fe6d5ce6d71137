import CSystemd
import Dispatch
import Glibc
import Synchronization
import Testing

@testable import Outside

/// Stands in for systemd's manager on a socket of its own and speaks real D-Bus: what libsystemd
/// accepts and sends here it accepts and sends there.
final class StandInSystemd: Sendable {
    /// Properties of every unit, by name; what a job changes.
    struct Unit: Sendable {
        var texts = [
            "LoadState": "loaded", "ActiveState": "inactive", "SubState": "dead",
            "Result": "success",
        ]
        var numbers: [String: Int32] = ["ExecMainCode": 0, "ExecMainStatus": 0]
        var microseconds: [String: UInt64] = ["StateChangeTimestamp": 0]
    }

    let path: String
    /// Methods called, each with its arguments as text.
    let calls = Seen()
    private let unit: Mutex<Unit>
    /// What a start makes of the unit.
    private let started: Unit
    private let jobResult: String
    private let listener: Int32

    init(in folder: TemporaryFolder, _ unit: Unit, started: Unit, jobResult: String = "done") throws
    {
        path = folder.file("private")
        self.unit = Mutex(unit)
        self.started = started
        self.jobResult = jobResult
        let listener = try listening(on: path)
        self.listener = listener
        DispatchQueue(label: "manager").async { [weak self] in
            while true {
                let client = accept(listener, nil, nil)
                guard client >= 0 else { return }
                DispatchQueue(label: "connection").async { [weak self] in self?.serve(client) }
            }
        }
    }

    deinit { shutdown(listener, Int32(SHUT_RDWR)) }

    private func serve(_ client: Int32) {
        var bus: OpaquePointer?
        sd_bus_new(&bus)
        sd_bus_set_fd(bus, client, client)
        sd_bus_set_server(bus, 1, sd_id128_t())
        let context = Unmanaged.passUnretained(self).toOpaque()
        let answer: sd_bus_message_handler_t = { message, context, _ in
            guard let message, let context else { return 0 }
            let manager = Unmanaged<StandInSystemd>.fromOpaque(context).takeUnretainedValue()
            return manager.answer(message)
        }
        sd_bus_add_filter(bus, nil, answer, context)
        var code = sd_bus_start(bus)
        while code >= 0 {
            code = sd_bus_process(bus, nil)
            if code == 0 { code = sd_bus_wait(bus, 1_000_000) }
        }
        sd_bus_flush_close_unref(bus)
    }

    private func answer(_ call: OpaquePointer) -> Int32 {
        guard sd_bus_message_is_method_call(call, nil, nil) > 0,
            let member = sd_bus_message_get_member(call).map({ String(cString: $0) })
        else {
            return 0
        }
        let arguments = BusReader(call).all()
        if member != "Get" { calls.add(([member] + arguments).joined(separator: " ")) }
        var reply: OpaquePointer?
        sd_bus_message_new_method_return(call, &reply)
        defer { sd_bus_message_unref(reply) }
        switch member {
        case "LoadUnit": append("o", "/org/freedesktop/systemd1/unit/one", to: reply)
        case "Get": property(arguments.last ?? "", to: reply)
        case "StartTransientUnit", "StartUnit", "StopUnit", "ReloadUnit", "RestartUnit":
            unit.withLock {
                if member.hasPrefix("Start") { $0 = started }
                if member == "StopUnit" { $0.texts["ActiveState"] = "inactive" }
            }
            // Before the answer, as a job that ends at once does.
            jobRemoved(sd_bus_message_get_bus(call))
            append("o", "/org/freedesktop/systemd1/job/7", to: reply)
        default: break
        }
        sd_bus_send(nil, reply, nil)
        return 1
    }

    private func property(_ name: String, to reply: OpaquePointer?) {
        let unit = unit.withLock { $0 }
        if let text = unit.texts[name] {
            sd_bus_message_open_container(reply, BusMessage.type("v"), "s")
            append("s", text, to: reply)
        } else if var microseconds = unit.microseconds[name] {
            sd_bus_message_open_container(reply, BusMessage.type("v"), "t")
            sd_bus_message_append_basic(reply, BusMessage.type("t"), &microseconds)
        } else {
            sd_bus_message_open_container(reply, BusMessage.type("v"), "i")
            var number = unit.numbers[name] ?? -1
            sd_bus_message_append_basic(reply, BusMessage.type("i"), &number)
        }
        sd_bus_message_close_container(reply)
    }

    private func jobRemoved(_ bus: OpaquePointer?) {
        var signal: OpaquePointer?
        sd_bus_message_new_signal(
            bus, &signal, "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager",
            "JobRemoved")
        var id: UInt32 = 7
        sd_bus_message_append_basic(signal, BusMessage.type("u"), &id)
        append("o", "/org/freedesktop/systemd1/job/7", to: signal)
        append("s", "one.service", to: signal)
        append("s", jobResult, to: signal)
        sd_bus_send(bus, signal, nil)
        sd_bus_message_unref(signal)
    }

    private func append(_ type: Unicode.Scalar, _ text: String, to message: OpaquePointer?) {
        sd_bus_message_append_basic(message, BusMessage.type(type), text)
    }
}

/// Reads any message as text: `[(Type <exec>) (…)]`.
struct BusReader {
    private let message: OpaquePointer

    init(_ message: OpaquePointer) { self.message = message }

    func all() -> [String] {
        var fields: [String] = []
        while let field = next() { fields.append(field) }
        return fields
    }

    private func next() -> String? {
        var type: CChar = 0
        var contents: UnsafePointer<CChar>?
        guard sd_bus_message_peek_type(message, &type, &contents) > 0 else { return nil }
        switch Unicode.Scalar(UInt8(type)) {
        case "s", "o":
            var text: UnsafePointer<CChar>?
            sd_bus_message_read_basic(message, type, &text)
            return text.map { String(cString: $0) }
        case "b", "u", "i":
            var number: Int32 = 0
            sd_bus_message_read_basic(message, type, &number)
            return "\(number)"
        case "t":
            var number: UInt64 = 0
            sd_bus_message_read_basic(message, type, &number)
            return "\(number)"
        case let kind:
            guard sd_bus_message_enter_container(message, type, contents) > 0 else { return nil }
            let inner = all().joined(separator: " ")
            sd_bus_message_exit_container(message)
            return kind == "a" ? "[\(inner)]" : kind == "v" ? "<\(inner)>" : "(\(inner))"
        }
    }
}
