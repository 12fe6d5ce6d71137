/// `rollout`: in which portions a change reaches nodes that serve already.
public struct RolloutSection: Section {
    /// How many workers change at once.
    public var batch: BatchSize
    /// How many change first, before the first whole batch; at most a batch.
    public var canary: Int
    /// How long a batch has to stay right before the next one begins, in seconds.
    public var stableSeconds: Int
    /// How long a batch may take until it is right and stays so, in seconds.
    public var deadlineSeconds: Int
    /// How many workers may fail without ending the run.
    public var failuresMax: Int
    /// How long the pods of a worker may take to leave it, in seconds.
    public var drainSeconds: Int
    /// Who lets a change go on from the first batch to all others.
    public var promotion: Promotion

    public enum Promotion: String, Codable, Sendable, CaseIterable {
        /// The batch itself, by staying right.
        case automatic
        /// A person, with `jeeves rollout promote`.
        case manual
    }

    public enum CodingKeys: String, CodingKey, CaseIterable {
        case batch, canary, stableSeconds, deadlineSeconds, failuresMax, drainSeconds, promotion
    }

    public init() {
        (batch, canary, stableSeconds) = (.count(1), 1, 30)
        (deadlineSeconds, failuresMax, drainSeconds) = (1800, 0, 300)
        promotion = .automatic
    }

    public init(from decoder: any Decoder) throws {
        let file = try decoder.container(keyedBy: CodingKeys.self)
        let standard = RolloutSection()
        batch = try file.decode(.batch, or: standard.batch)
        canary = try file.decode(.canary, or: standard.canary)
        stableSeconds = try file.decode(.stableSeconds, or: standard.stableSeconds)
        deadlineSeconds = try file.decode(.deadlineSeconds, or: standard.deadlineSeconds)
        failuresMax = try file.decode(.failuresMax, or: standard.failuresMax)
        drainSeconds = try file.decode(.drainSeconds, or: standard.drainSeconds)
        promotion = try file.decode(.promotion, or: standard.promotion)
    }
}

/// A number of nodes, or a share of those that there are: `2`, `25%`.
public enum BatchSize: Hashable, Sendable {
    case count(Int)
    case percent(Int)

    /// Nil unless `text` is a number from 1 to 100, or one with `%` after it.
    public init?(_ text: String) {
        let isShare = text.hasSuffix("%")
        guard let number = UInt8(isShare ? String(text.dropLast()) : text),
            (1...100).contains(number)
        else { return nil }
        self = isShare ? .percent(Int(number)) : .count(Int(number))
    }

    /// How many of `all` nodes that is: never more than the share, and at least one.
    public func nodes(of all: Int) -> Int {
        switch self {
        case .count(let count): count
        case .percent(let share): max(1, all * share / 100)
        }
    }
}

extension BatchSize: Codable, CustomStringConvertible {
    public var description: String {
        switch self {
        case .count(let count): "\(count)"
        case .percent(let share): "\(share)%"
        }
    }

    /// Throws `invalid` for anything but a number from 1 to 100, or a share.
    public init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        guard let size = BatchSize(text) else {
            throw DecodingError.dataCorrupted(
                DecodingError.Context(
                    codingPath: decoder.codingPath, debugDescription: "no size of a batch",
                    underlyingError: Failure(
                        .invalid,
                        "\"\(text.prefix(32))\" is neither a number of nodes from 1 to 100 nor a "
                            + "share such as 25%")))
        }
        self = size
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
