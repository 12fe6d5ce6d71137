import Model
import Outside

/// Where the coordinator may be, in the order of trying: what the spec says, then where it was
/// found last, then what first boot knew. So a new address is tried before an old one is given up,
/// and a wrong one locks nobody out.
public struct AddressBook: Sendable {
    private let settings: Settings
    private let files: any Files
    private let state: StateFolder

    public init(settings: Settings, files: any Files, state: StateFolder) {
        self.settings = settings
        self.files = files
        self.state = state
    }

    /// The files that the addresses are read from.
    var sources: [String] { [state.spec, state.coordinator] }

    /// `host:port` each, none twice. A file that cannot be read is as good as none here.
    func addresses() -> [String] {
        let wanted = (try? SpecFile(files: files, path: state.spec).read())?.coordinators ?? []
        var seen: Set<String> = []
        return (wanted + [lastFound].compactMap(\.self) + settings.coordinators).filter {
            seen.insert($0).inserted
        }
    }

    /// The coordinator has said welcome there. A full disk is no reason to end the link.
    func found(at address: String) {
        guard address != lastFound else { return }
        try? files.replace(
            state.coordinator, with: Array(address.utf8), mode: 0o600, op: "coordinator.replace")
    }

    private var lastFound: String? {
        (try? files.text(state.coordinator, bytesMax: 1 << 10)).flatMap(\.self)
    }
}
