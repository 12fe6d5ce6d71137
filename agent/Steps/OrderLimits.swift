import FoundationEssentials
import Model
import Outside

/// How often a CA may be asked: what it publishes, and the less that the agent allows itself.
struct OrderLimits: Hashable, Sendable {
    enum Counted: String, Sendable { case certificates, failures, orders }
    /// Of what the tries are added up: one name at one CA, or everything at that CA.
    enum Scope: Sendable { case name, account }

    struct Rule: Hashable, Sendable {
        let counted: Counted
        let scope: Scope
        let most: Int
        let window: Duration
        /// What is kept for renewals that are due: a person's wish may not spend it.
        var reserve = 0

        func most(wished: Bool) -> Int { wished ? most - reserve : most }

        func refusal(of purpose: OrderBudget.Purpose, wished: Bool) -> Failure {
            let time =
                switch window {
                case hour: "an hour"
                case week: "a week"
                default: "in \(window.shortText)"
                }
            return Failure(
                .unavailable,
                "asking \(purpose.directory) for a certificate for \(purpose.domain): the agent "
                    + "allows itself \(most(wished: wished)) \(counted) \(time)"
                    + (wished && reserve > 0 ? " by request" : ""),
                fix: "wait: what is served stays, and what is due is renewed by itself")
        }
    }

    let rules: [Rule]

    private static let hour = Duration.seconds(3600)
    private static let week = Duration.seconds(7 * 86_400)

    /// https://letsencrypt.org/docs/rate-limits/, read 2025. Renewals that name what they replace
    /// (RFC 9773 §5) are exempt, but the distributions' certbot cannot. The registered domain is
    /// known to the public suffix list only, so all names of the node count as one.
    static let letsEncrypt = [
        Rule(counted: .certificates, scope: .name, most: 5, window: week),
        Rule(counted: .certificates, scope: .account, most: 50, window: week),
        Rule(counted: .failures, scope: .name, most: 5, window: hour),
        Rule(counted: .orders, scope: .account, most: 300, window: .seconds(3 * 3600)),
    ]

    /// What the agent allows itself at a CA whose certificates live that long (nil if that is not
    /// known yet): three failures an hour, twice what the lifetime needs and at least two an hour,
    /// and never the last that the CA would allow.
    init(directory: String, lifetime: Duration?) {
        let needed = lifetime.map { Self.renewals(in: Self.hour, lifetime: $0) } ?? 1
        let own = [
            Rule(counted: .failures, scope: .name, most: 3, window: Self.hour),
            Rule(
                counted: .certificates, scope: .name, most: 2 * needed, window: Self.hour,
                reserve: needed > 1 ? needed : 0),
        ]
        rules = own + Self.published(by: directory).map(Self.careful)
    }

    private static func published(by directory: String) -> [Rule] {
        LetsEncrypt.isProduction(directory) ? letsEncrypt : []
    }

    /// One is left for whoever else orders for the same names; two more are kept from wishes.
    private static func careful(_ rule: Rule) -> Rule {
        Rule(
            counted: rule.counted, scope: rule.scope, most: rule.most - 1, window: rule.window,
            reserve: rule.counted == .certificates ? 2 : 0)
    }

    /// Renewed when a third is left, so every two thirds of its life.
    private static func renewals(in window: Duration, lifetime: Duration) -> Int {
        Int((window / max(.seconds(60), lifetime * 2 / 3)).rounded(.up))
    }

    /// The longest wait after failures: of a certificate that lives minutes, a failure of an hour
    /// must not cost half a day.
    static func waitMax(lifetime: Duration?) -> Duration {
        let longest = Duration.seconds(12 * 3600)
        guard let lifetime else { return longest }
        return min(longest, max(OrderBudget.waitMin, lifetime / 12))
    }
}
