import Model
import Outside

extension Facts {
    /// Reads the machine. A fact that cannot be read is empty, never a reason to stop.
    public static func gather(_ world: World, instanceID: String) -> Facts {
        func line(_ path: String) -> String {
            let text = (try? world.files.text(path, bytesMax: 64 << 10)) ?? nil
            return String((text ?? "").prefix { !$0.isNewline })
        }
        return Facts(
            system: system((try? world.files.text("/etc/os-release")).flatMap { $0 } ?? ""),
            kernel: line("/proc/sys/kernel/osrelease"),
            bootID: line("/proc/sys/kernel/random/boot_id"),
            address: defaultAddress(world.files), instanceID: instanceID)
    }

    /// `ID VERSION_ID` of os-release(5).
    static func system(_ osRelease: String) -> String {
        var values: [Substring: Substring] = [:]
        for line in osRelease.split(whereSeparator: \.isNewline) {
            let parts = line.split(separator: "=", maxSplits: 1)
            if parts.count == 2 {
                values[parts[0]] = parts[1].drop { $0 == "\"" }.prefix { $0 != "\"" }
            }
        }
        return [values["ID"], values["VERSION_ID"]].compactMap(\.self).joined(separator: " ")
    }

    /// The local address that packets to the default gateway leave from: the first host address
    /// in fib_trie whose network holds the gateway of `/proc/net/route`.
    static func defaultAddress(_ files: any Files) -> String {
        let routes = (try? files.text("/proc/net/route")).flatMap { $0 } ?? ""
        let trie = (try? files.text("/proc/net/fib_trie")).flatMap { $0 } ?? ""
        var gateway: UInt32?
        for line in routes.split(whereSeparator: \.isNewline) {
            let columns = line.split(separator: "\t")
            if columns.count > 7, columns[1] == "00000000",
                let value = UInt32(columns[2], radix: 16)
            {
                gateway = value.byteSwapped
                break
            }
        }
        guard let gateway else { return "" }
        return localAddresses(trie).min { left, right in
            (left ^ gateway).leadingZeroBitCount > (right ^ gateway).leadingZeroBitCount
        }.map(dotted) ?? ""
    }

    /// Addresses marked `/32 host LOCAL` in `/proc/net/fib_trie`, loopback left out.
    private static func localAddresses(_ trie: String) -> [UInt32] {
        var found: [UInt32] = []
        var last: UInt32?
        for line in trie.split(whereSeparator: \.isNewline) {
            if line.contains("/32 host LOCAL"), let last, last >> 24 != 127, !found.contains(last) {
                found.append(last)
            } else if let text = line.split(separator: "-- ").last {
                last = number(text) ?? last
            }
        }
        return found
    }

    private static func number(_ text: some StringProtocol) -> UInt32? {
        let parts = text.split(separator: ".").map { UInt32($0) }
        guard parts.count == 4 else { return nil }
        return parts.reduce(UInt32(0)) { sum, part in
            guard let sum, let part, part < 256 else { return nil }
            return sum << 8 | part
        }
    }

    private static func dotted(_ value: UInt32) -> String {
        [24, 16, 8, 0].map { String(value >> UInt32($0) & 255) }.joined(separator: ".")
    }
}
