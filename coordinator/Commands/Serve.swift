import ArgumentParser
import Coordinator
import Model

/// `jeeves serve`: the coordinator as a service.
struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run the coordinator: keep the links to all agents and renew their certificates.",
        discussion: """
            Runs until it is stopped; what jeeves.service does. Exit status 6 means that
            another coordinator drives this cluster.

              jeeves serve
              jeeves serve -f /etc/jeeves/jeeves.yaml --state /var/lib/jeeves-coordinator
            """)

    @OptionGroup var target: ProjectOptions

    @OptionGroup var place: WaitOption

    func run() async throws {
        try await Drive.run(target, resume: "jeeves serve", waits: place.waits) {
            try await $0.serve()
        }
    }
}
