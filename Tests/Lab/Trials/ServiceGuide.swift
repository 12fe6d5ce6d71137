import Foundation
import Model

/// What docs/operating.md tells an operator to type for a coordinator as a service: the scenario
/// types just that.
struct ServiceGuide {
    /// As root in the folder of the cluster file, once everything else that it names is in place.
    let setUp: String
    /// A verb as the service's user, with both places.
    private let status: String
    /// The line of `/etc/sudoers.d/jeeves`.
    let rule: String

    /// Throws `invalid` if the section does not have these three blocks.
    static func read() throws -> ServiceGuide {
        let page = try String(contentsOfFile: Layout.guide, encoding: .utf8)
        let section = page.components(separatedBy: "\n## As a service\n").dropFirst().first?
            .components(separatedBy: "\n## ").first
        let parts = section?.components(separatedBy: "\n```\n") ?? []
        guard parts.count == 7, parts[3].contains("jeeves status ") else {
            throw Failure(
                .invalid, "reading \(Layout.guide): its section `As a service` has other blocks",
                fix: "mend the section, or the scenario that types what it says")
        }
        return ServiceGuide(setUp: parts[1], status: parts[3], rule: parts[5])
    }

    /// Another verb, with its options and the same places. Only root may give it `settings`,
    /// variables of its environment.
    func typed(_ verb: String, settings: String = "") -> String {
        let words = [settings, "jeeves", verb].filter { !$0.isEmpty }
        return status.replacing("jeeves status", with: words.joined(separator: " "))
    }
}
