import Model

/// Everything outside the process: children, files, network, systemd, clock and chance. Whoever has
/// an effect gets it from here, so a test can hold, fail or crash exactly that one.
public struct World: Sendable {
    public var processes: any Processes
    public var files: any Files
    public var network: any Network
    public var units: any Units
    public var clock: any Clocks
    public var chance: any Chance

    public init(
        processes: any Processes, files: any Files, network: any Network, units: any Units,
        clock: any Clocks, chance: any Chance
    ) {
        self.processes = processes
        self.files = files
        self.network = network
        self.units = units
        self.clock = clock
        self.chance = chance
    }
}

/// The name of one effect, `haproxy.config.replace`: tests fail exactly this one, and the history
/// of a run is the list of them.
public typealias Op = String
