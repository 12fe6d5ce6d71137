/// The text format in which Prometheus reads figures (prometheus.io/docs/instrumenting,
/// "Exposition formats", version 0.0.4).
struct Exposition {
    static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    /// One metric with its samples.
    struct Family: Hashable, Sendable {
        enum Kind: String, Sendable { case gauge, counter }

        struct Sample: Hashable, Sendable {
            let labels: [Label]
            let value: Double

            init(_ labels: [Label], _ value: Double) {
                self.labels = labels
                self.value = value
            }

            init(_ value: Double) { self.init([], value) }
        }

        let name: String
        let kind: Kind
        /// One line, without a full stop at its end.
        let help: String
        let samples: [Sample]

        init(
            _ name: String, _ help: String, _ samples: [Sample], kind: Kind = .gauge
        ) {
            self.name = name
            self.kind = kind
            self.help = help
            self.samples = samples
        }
    }

    struct Label: Hashable, Sendable {
        let name: String
        let value: String

        init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    private let families: [Family]

    init(_ families: [Family]) { self.families = families }

    /// Each metric with its help and type, also one of which there is no sample now.
    var text: String {
        families.map { family in
            let head = [
                "# HELP \(family.name) \(family.help)",
                "# TYPE \(family.name) \(family.kind.rawValue)",
            ]
            return (head + family.samples.map { line(family.name, $0) }).joined(separator: "\n")
                + "\n"
        }.joined()
    }

    private func line(_ name: String, _ sample: Family.Sample) -> String {
        let labels = sample.labels.map { "\($0.name)=\"\(Self.escape($0.value))\"" }
        return name + (labels.isEmpty ? "" : "{\(labels.joined(separator: ","))}")
            + " \(sample.value)"
    }

    private static func escape(_ value: String) -> String {
        // Scalar by scalar: to Swift a quote with an accent, or a line break of two signs, is
        // another character; to Prometheus it is the same sign.
        value.unicodeScalars.reduce(into: "") { escaped, scalar in
            switch scalar {
            case "\\": escaped += "\\\\"
            case "\"": escaped += "\\\""
            case "\n": escaped += "\\n"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
    }
}
