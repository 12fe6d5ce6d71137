extension Failure.Code {
    /// The exit status of a program that ends with this failure: 1 error, 5 timed
    /// out, 6 another one drives, 7 a person must decide.
    public var exitStatus: Int32 {
        switch self {
        case .timeout: 5
        case .locked: 6
        case .conflict: 7
        case .invalid, .notFound, .unauthorized, .unavailable, .unsupported, .failed: 1
        }
    }
}
