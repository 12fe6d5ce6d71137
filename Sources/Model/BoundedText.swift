extension String {
    /// At most so many Unicode scalars of it, of at most four bytes each. A bound in characters
    /// bounds nothing: one character may have a megabyte of combining marks.
    public func prefix(scalars count: Int) -> String { String(unicodeScalars.prefix(count)) }
}
