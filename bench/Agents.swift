import Glibc
import Model
import Outside

/// The agents that run on this machine, those of the lab's nodes too.
struct Agents {
    let pids: [Int]
    private let files: any Files

    init(_ files: any Files) throws {
        self.files = files
        pids = try files.list("/proc").compactMap { Int($0) }.filter {
            (try? files.text("/proc/\($0)/comm")) == "jeeves-agent\n"
        }.sorted()
    }

    /// The node's first process: the agent itself sees its files through a sandbox.
    func parent(of pid: Int) throws -> Int {
        try number("PPid:", of: "/proc/\(pid)/status", files)
    }

    /// Whether the node of agent `pid` has a file.
    func hasFile(_ path: String, besides pid: Int) -> Bool {
        guard let node = try? parent(of: pid) else { return false }
        return (try? files.info("/proc/\(node)/root/\(path)")) != nil
    }
}

/// The processor time of a process, of all its threads, also of those that have ended
/// (clock_getcpuclockid(3)).
struct CPUClock {
    let pid: Int

    /// Throws `notFound` if the process is gone.
    func seconds() throws -> Double {
        var (id, time) = (clockid_t(), timespec())
        guard clock_getcpuclockid(pid_t(pid), &id) == 0, clock_gettime(id, &time) == 0 else {
            throw Failure(.notFound, "reading the processor time of \(pid): it is gone")
        }
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}

/// The number after `name` in a file of proc(5). Throws `notFound` if it is not there, as if the
/// process is gone.
func number(_ name: String, of path: String, _ files: any Files) throws -> Int {
    let line = try files.text(path)?.split(separator: "\n").first { $0.hasPrefix(name) }
    let words = line?.split(whereSeparator: \.isWhitespace) ?? []
    guard words.count > 1, let value = Int(words[1]) else {
        throw Failure(.notFound, "reading \(path): it has no \(name)")
    }
    return value
}

func rounded(_ value: Double) -> String {
    value >= 100 ? "\(Int(value.rounded()))" : "\((value * 1000).rounded() / 1000)"
}
