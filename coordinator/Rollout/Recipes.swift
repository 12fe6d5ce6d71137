import Model

/// The ordered lists of stages. Reading one is knowing what the product does.
enum Recipes {
    /// From an AWS account to what is built so far of a live chat.
    static let install: [any Stage] = [
        Preflight(),
        Provision(),
        Enrol(),
        RecordStage(),
        Controllers(),
        Workers(),
        Verify(),
    ]

    /// Stages of the design that this version does not have yet; `jeeves up` prints them.
    static let missing: [StageName] = StageName.allCases.filter { name in
        !install.contains { $0.name == name }
    }
}
