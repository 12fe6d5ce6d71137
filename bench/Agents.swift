import Glibc
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
        let status = try files.text("/proc/\(pid)/status") ?? ""
        return number("PPid:", in: status)
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
    private var id = clockid_t()

    init(of pid: Int) { clock_getcpuclockid(pid_t(pid), &id) }

    var seconds: Double {
        var time = timespec()
        clock_gettime(id, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}

/// The number after `name` in a file of proc(5), 0 if it is not there.
func number(_ name: String, in text: String) -> Int {
    let line = text.split(separator: "\n").first { $0.hasPrefix(name) }
    let words = line?.split(whereSeparator: \.isWhitespace) ?? []
    return words.count > 1 ? Int(words[1]) ?? 0 : 0
}

func rounded(_ value: Double) -> String {
    value >= 100 ? "\(Int(value.rounded()))" : "\((value * 1000).rounded() / 1000)"
}
