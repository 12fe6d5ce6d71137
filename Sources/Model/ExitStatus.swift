extension Failure.Code {
    /// The exit status of a program that ends with this failure; `docs/operating.md` has the table.
    public var exitStatus: Int32 {
        switch self {
        case .gate: 3
        case .timeout: 5
        case .locked: 6
        case .conflict: 7
        case .stale: 8
        case .invalid, .notFound, .unauthorized, .unavailable, .unsupported, .failed: 1
        }
    }
}
