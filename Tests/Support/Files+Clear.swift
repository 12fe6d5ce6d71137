import Outside

extension Files {
    /// Removes what is at `path`, with all below it. What cannot be removed stays.
    public func clear(_ path: String) {
        if (try? info(path))??.kind == .directory {
            for name in (try? list(path)) ?? [] { clear("\(path)/\(name)") }
        }
        try? remove(path, op: "test.clear")
    }
}
