/// What a person on this machine sees of the chat, through the loopback port.
struct LoginPage: Sendable {
    let host: Host

    /// Whether it answers 200, by a certificate of the lab's authority.
    func answers() async throws -> Bool {
        let (domain, port) = (ClusterText.domain, Layout.edgePorts[0].listen)
        let status = try await host.output(
            "curl",
            [
                "--silent", "--show-error", "--output", "/dev/null", "--write-out", "%{http_code}",
                "--resolve", "\(domain):\(port):127.0.0.1", "--cacert", Layout.acmeRoot,
                "https://\(domain):\(port)/",
            ])
        say("https://\(domain):\(port)/ answers \(status)")
        return status == "200"
    }
}
