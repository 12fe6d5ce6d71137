/// What Prometheus' HTTP API answers, as far as it is read here.
enum PrometheusAnswer {
    struct Envelope<Value: Decodable>: Decodable {
        let status: String
        let error: String?
        let data: Value?
    }

    struct Vector: Decodable {
        let result: [Series]
    }

    struct Series: Decodable {
        let metric: [String: String]
        let value: Double

        private enum CodingKeys: CodingKey { case metric, value }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            metric = try container.decode([String: String].self, forKey: .metric)
            var pair = try container.nestedUnkeyedContainer(forKey: .value)
            // When it was asked, and the value as text.
            _ = try pair.decode(Double.self)
            let text = try pair.decode(String.self)
            guard let number = Double(text) else {
                throw DecodingError.dataCorruptedError(
                    in: pair, debugDescription: "\(text) is no number")
            }
            value = number
        }
    }

    struct Targets: Decodable {
        let activeTargets: [Target]
    }

    struct Target: Decodable {
        let health: String
        let labels: [String: String]
    }

    struct Rules: Decodable {
        struct Group: Decodable {
            let rules: [Rule]
        }

        let groups: [Group]
    }

    struct Rule: Decodable {
        let name: String
        let query: String
        let health: String
        let lastError: String?
    }

    struct Alerts: Decodable {
        let alerts: [Alert]
    }

    struct Alert: Decodable {
        let labels: [String: String]
        let annotations: [String: String]
        /// `pending` or `firing`.
        let state: String

        var name: String { labels["alertname"] ?? "" }
    }
}
