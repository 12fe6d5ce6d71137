import Model

/// The ordered lists of stages. Reading one is knowing what the product does.
enum Recipes {
    /// From an AWS account to a live chat.
    static let install: [any Stage] = [
        Preflight(),
        Provision(),
        Enrol(),
        RecordStage(),
        Controllers(),
        Workers(),
        Ingress(),
        App(),
        Routes(),
        Verify(),
    ]

    /// The name alone.
    static let record: [any Stage] = [RecordStage(asksMachine: true)]
}
