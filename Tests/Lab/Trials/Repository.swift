import Foundation

/// The git repository in which a team keeps its cluster file, and the checkout of it that a job
/// gets.
struct Repository: Sendable {
    /// How a branch becomes part of main.
    enum Merge { case commit, squash }

    static let folder = "\(Operator.folder)/pipeline"
    static let checkout = "\(folder)/checkout"
    private static let origin = "\(folder)/origin"
    /// Nothing of the settings of whoever runs the lab.
    private static let environment = [
        "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "lab", "GIT_AUTHOR_EMAIL": "ops@\(Layout.zone)",
        "GIT_COMMITTER_NAME": "lab", "GIT_COMMITTER_EMAIL": "ops@\(Layout.zone)",
    ]

    let host: Host

    /// A new one, whose main holds the chart and what `edit` writes into the folder that it gets.
    func begin(_ edit: (String) throws -> Void) async throws {
        try remove()
        try makeFolder(Self.origin)
        try await git("init", "--quiet", "--initial-branch=main")
        try FileManager.default.copyItem(atPath: Layout.chart, toPath: "\(Self.origin)/chart")
        try await commit("begin", edit)
    }

    /// A commit on main that nobody has asked for.
    func commit(_ message: String, _ edit: (String) throws -> Void) async throws {
        try edit(Self.origin)
        try await git("add", "--all")
        try await git("commit", "--quiet", "--message=\(message)")
    }

    /// A branch off main with one commit.
    func branch(_ name: String, _ edit: (String) throws -> Void) async throws {
        try await git("switch", "--quiet", "--create", name, "main")
        try await commit(name, edit)
        try await git("switch", "--quiet", "main")
    }

    func merge(_ branch: String, by way: Merge) async throws {
        switch way {
        case .commit:
            try await git("merge", "--quiet", "--no-ff", "-m", "merge \(branch)", branch)
        case .squash:
            try await git("merge", "--quiet", "--squash", branch)
            try await git("commit", "--quiet", "--message=\(branch)")
        }
    }

    /// Makes the checkout anew: of main, or of what merging `branch` into it would make, as a pull
    /// request is checked out. Returns the name of its content.
    func checkOut(merging branch: String? = nil) async throws -> String {
        try? FileManager.default.removeItem(atPath: Self.checkout)
        try await git("clone", "--quiet", Self.origin, Self.checkout)
        if let branch {
            try await git(
                "merge", "--quiet", "--no-ff", "-m", "merge \(branch)", "origin/\(branch)",
                in: Self.checkout)
        }
        let tree = try await git("rev-parse", "HEAD^{tree}", in: Self.checkout)
        return tree.trimmingCharacters(in: .newlines)
    }

    func remove() throws {
        guard FileManager.default.fileExists(atPath: Self.folder) else { return }
        try FileManager.default.removeItem(atPath: Self.folder)
    }

    @discardableResult
    private func git(_ words: String..., in folder: String = Self.origin) async throws -> String {
        try await host.output("git", words, environment: Self.environment, directory: folder)
    }
}
