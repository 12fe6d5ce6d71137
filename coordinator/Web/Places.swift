import Synchronization

/// How many may do the same at once.
final class Places: Sendable {
    private let taken = Mutex(0)
    private let max: Int

    init(max: Int) { self.max = max }

    /// The right to one, until it is left.
    final class Place: Sendable {
        private let places: Places
        private let isLeft = Mutex(false)

        fileprivate init(_ places: Places) { self.places = places }

        func leave() {
            let isFirst = isLeft.withLock { left in
                defer { left = true }
                return !left
            }
            if isFirst { places.taken.withLock { $0 -= 1 } }
        }

        deinit { leave() }
    }

    /// Nil if all places are taken.
    func enter() -> Place? {
        let isFree = taken.withLock { taken in
            guard taken < max else { return false }
            taken += 1
            return true
        }
        return isFree ? Place(self) : nil
    }
}
