import ArgumentParser

/// Prints how a person on this machine looks at what the lab's edge serves.
struct CurlLine: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print the curl line that reaches the edge from this machine.")

    @Argument(help: "The domain that is served.")
    var domain = "chat.\(Layout.zone)"

    func run() async throws {
        let port = Layout.edgePorts[0].listen
        say(
            "curl --resolve \(domain):\(port):127.0.0.1 --cacert \(Layout.acmeRoot)"
                + " https://\(domain):\(port)/")
    }
}
