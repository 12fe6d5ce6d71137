extension World {
    /// The real outside: what both programs run in.
    public static func live() -> World {
        let files = LiveFiles()
        let clock = LiveClocks()
        return World(
            processes: LiveProcesses(), files: files, network: LiveNetwork(),
            units: LiveUnits(files: files, clock: clock), clock: clock, chance: LiveChance())
    }
}

/// The kernel's random bytes: the standard library's generator is getrandom(2) on Linux.
struct LiveChance: Chance {
    func bytes(_ count: Int) -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    }
}
