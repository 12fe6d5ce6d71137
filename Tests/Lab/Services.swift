import Foundation

extension Service {
    /// All of them, in the order in which each finds what it needs.
    static func all(python: String, image: NodeImage, binds: [String]) -> [Service] {
        let standins = "\(Layout.standins)/aws"
        var environment = Layout.awsEnvironment
        environment["PYTHONDONTWRITEBYTECODE"] = "1"
        environment["PYTHONUNBUFFERED"] = "1"
        func standin(
            _ name: String, _ arguments: [String], inCloud: Bool = true, check: Check
        ) -> Service {
            Service(
                name: name, command: [python, "\(standins)/\(name).py"] + arguments,
                environment: environment, inCloud: inCloud, check: check)
        }
        let resolver = Layout.Address.resolver
        let ports = Layout.edgePorts.map { "\($0.listen):\($0.target)" }
        return [
            standin(
                "api", [Layout.Address.aws, "\(Layout.awsPort)"],
                check: .answers("\(Layout.awsURL)/moto-api/data.json")),
            standin(
                "dns", ["53", Layout.Address.nameServer, resolver],
                check: .resolves("ns-1.awsdns-01.com")),
            standin(
                "metadata", [Layout.Address.metadata, "80"],
                check: .answers("http://\(Layout.Address.metadata)/")),
            Service(
                name: "packages",
                command: [
                    python, "-m", "http.server", "--bind", Layout.Address.packages,
                    "--directory", image.offeredPackages, "80",
                ],
                check: .answers("http://\(Layout.Address.packages)/Packages")),
            Service(
                name: "database",
                command: [
                    python, "\(Layout.standins)/database/database.py", Layout.Address.database,
                    "\(Layout.databasePort)", Layout.databaseUser.name,
                    Layout.databaseUser.password,
                ],
                check: .listens(Layout.Address.database, Layout.databasePort)),
            Service(
                name: "acme",
                command: [
                    "pebble", "-config", Acme.configuration,
                    "-dnsserver", "\(Layout.Address.nameServer):53",
                ],
                environment: ["PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0"],
                check: .answers(Layout.acmeDirectory, caFile: Layout.acmeServerCA)),
            standin(
                "hypervisor",
                [Layout.run, Layout.state, image.root, Layout.Address.operatorHost] + binds,
                check: .wrote("\(Layout.run)/hypervisor.ready")),
            standin(
                "edge", [Layout.namespacePath, Layout.nodes] + ports, inCloud: false,
                check: .listens("127.0.0.1", Layout.edgePorts[0].listen)),
        ]
    }
}
