import ArgumentParser
import Coordinator
import Model
import Web

/// `jeeves serve`: the coordinator as a service.
struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run the coordinator: keep the links to all agents and renew their certificates.",
        discussion: """
            Runs until it is stopped; what jeeves.service does. Shows a status page and
            metrics at `coordinator.statusPage.address` (http://127.0.0.1:7481/). Exit
            status 6 means that another coordinator drives this cluster.

              jeeves serve
              jeeves serve -f /etc/jeeves/jeeves.yaml --state /var/lib/jeeves-coordinator
            """)

    @OptionGroup var target: ProjectOptions

    @OptionGroup var place: WaitOption

    func run() async throws {
        let resumption = Resumption("jeeves serve", of: target, place.words)
        try await Drive.run(target, resume: resumption, waits: place.waits) { driver in
            try await PageServer.serving(driver) { try await driver.serve() }
        }
    }
}
