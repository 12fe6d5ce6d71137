import Glibc
import Model
import Synchronization

/// Reads what the kernel says of processes (proc(5)).
enum ProcessTable {
    /// Nil if there is no such process.
    static func look(at pid: Int32) -> (startTicks: UInt64, isZombie: Bool)? {
        guard let bytes = try? LiveFiles().read("/proc/\(pid)/stat", bytesMax: 4096) else {
            return nil
        }
        return parse(String(decoding: bytes, as: UTF8.self))
    }

    /// The second field is the program's name in parentheses and may hold anything, so counting
    /// starts after the last one: state is field 3, start time field 22.
    static func parse(_ stat: String) -> (startTicks: UInt64, isZombie: Bool)? {
        guard let end = stat.lastIndex(of: ")") else { return nil }
        let fields = stat[stat.index(after: end)...].split(separator: " ")
        guard fields.count > 19, let ticks = UInt64(fields[19]) else { return nil }
        return (ticks, fields[0] == "Z" || fields[0] == "X")
    }
}

/// The process group of a child, once it is known.
final class ProcessGroup: Sendable {
    private let leader = Mutex<Int32?>(nil)

    func found(_ pid: Int32) { leader.withLock { $0 = pid } }

    /// Kills what is left of it. A group's number is not given to another process while it has
    /// members.
    func kill() {
        guard let pid = leader.withLock({ $0 }) else { return }
        _ = Glibc.kill(-pid, SIGKILL)
    }
}

extension Command {
    /// The program's absolute path, looked up in the fixed `PATH` of ``environmentBase``. Throws
    /// `notFound` if no folder of it has that program.
    func executablePath() throws -> String {
        let candidates =
            program.hasPrefix("/")
            ? [program]
            : (Self.environmentBase["PATH"] ?? "").split(separator: ":").map { "\($0)/\(program)" }
        guard let found = candidates.first(where: { access($0, X_OK) == 0 }) else {
            throw Failure(
                .notFound, "running \(program): there is no such program",
                fix: "install \(program)")
        }
        return found
    }
}
