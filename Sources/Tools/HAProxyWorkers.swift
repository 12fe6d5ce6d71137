import Model

extension HAProxyRuntime {
    /// For the master's socket, which would wait for more without `quit`.
    public static let showProcesses = "show proc; quit\n"

    /// HAProxy's workers: the one that serves, and those that a reload replaced and that stay for
    /// what was open then (management guide, "show proc").
    public struct Workers: Sendable, Hashable {
        public struct Worker: Sendable, Hashable {
            public let pid: Int
            public let uptime: Duration
        }

        /// The youngest first.
        public let current: [Worker]
        public let old: [Worker]

        /// Throws `failed` if `answer` lists no worker. 2.4 has a column more than later versions.
        public init(_ answer: String) throws {
            var (current, old): ([Worker], [Worker]) = ([], [])
            var section = ""
            for line in answer.split(whereSeparator: \.isNewline) {
                if line.hasPrefix("# ") {
                    section = String(line.dropFirst(2))
                } else if let worker = Self.worker(line), section == "workers" {
                    current.append(worker)
                } else if let worker = Self.worker(line), section == "old workers" {
                    old.append(worker)
                }
            }
            guard !current.isEmpty else {
                throw Failure(
                    .failed, "asking HAProxy's master for its workers: it lists none",
                    fix: HAProxyRuntime.readLog)
            }
            self.current = current
            self.old = old.sorted { $0.uptime < $1.uptime }
        }

        /// For how long at least the oldest has been ending: it began when the next younger one
        /// took its place. Nil if there is none.
        public var longestEnding: Duration? {
            guard !old.isEmpty else { return nil }
            let younger = old.dropLast().last ?? current.min { $0.uptime < $1.uptime }
            return younger?.uptime
        }

        private static func worker(_ line: Substring) -> Worker? {
            let words = line.split(separator: " ")
            guard let pid = words.first.flatMap({ Int($0) }), words.dropFirst().first == "worker",
                let uptime = words.lazy.compactMap(duration).first
            else { return nil }
            return Worker(pid: pid, uptime: uptime)
        }

        /// `1d02h03m04s`.
        private static func duration(_ word: Substring) -> Duration? {
            var rest = word
            var seconds = 0
            for (unit, worth) in [("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)] {
                guard let end = rest.firstIndex(of: Character(unit)),
                    let number = Int(rest[..<end]), (0..<100_000).contains(number)
                else { return nil }
                seconds += number * worth
                rest = rest[rest.index(after: end)...]
            }
            return rest.isEmpty ? .seconds(seconds) : nil
        }
    }
}
