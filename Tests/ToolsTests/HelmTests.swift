import Model
import Outside
import Testing

@testable import Tools

@Suite struct HelmTests {
    private let helm = Helm(
        kubeconfig: "/k", home: "/h", environment: ["HTTPS_PROXY": "http://proxy.example:3128"])

    @Test("an upgrade installs, waits, and takes its values on standard input")
    func upgrade() {
        let command = helm.upgrade(
            "rocketchat", .repository(url: "https://charts.example", name: "rc", version: "7.0.2"),
            namespace: "n", values: Secret("license: x"), timeout: .seconds(900),
            description: "jeeves d 1")
        #expect(command.program == "helm")
        #expect(
            command.arguments == [
                "--kubeconfig=/k", "upgrade", "--install", "rocketchat", "rc",
                "--repo=https://charts.example", "--version=7.0.2", "--namespace=n",
                "--create-namespace", "--values=-", "--reset-values", "--wait", "--timeout=900s",
                "--description=jeeves d 1",
            ])
        #expect(command.input == Secret("license: x"))
    }

    @Test("a local chart is named by its path alone")
    func local() {
        let command = helm.upgrade(
            "r", .local(path: "/charts/rc"), namespace: "n", values: Secret(""),
            timeout: .seconds(60), description: "d")
        #expect(
            command.arguments == [
                "--kubeconfig=/k", "upgrade", "--install", "r", "/charts/rc", "--namespace=n",
                "--create-namespace", "--values=-", "--reset-values", "--wait", "--timeout=60s",
                "--description=d",
            ])
    }

    @Test("the other commands are these")
    func commands() {
        #expect(
            helm.history("r", namespace: "n").arguments == [
                "--kubeconfig=/k", "history", "r", "--namespace=n", "--output=json",
            ])
        #expect(
            helm.rollback("r", to: 3, namespace: "n", timeout: .seconds(60)).arguments == [
                "--kubeconfig=/k", "rollback", "r", "3", "--namespace=n", "--wait",
                "--timeout=60s",
            ])
        #expect(
            helm.uninstall("r", namespace: "n", timeout: .seconds(60)).arguments == [
                "--kubeconfig=/k", "uninstall", "r", "--namespace=n", "--wait",
                "--cascade=foreground", "--timeout=60s",
            ])
    }

    @Test("it keeps to its own folders and gets nothing else of a person's environment")
    func environment() {
        #expect(
            helm.command(["list"]).environment
                == Command.environmentBase.merging([
                    "HELM_CACHE_HOME": "/h/cache", "HELM_CONFIG_HOME": "/h/config",
                    "HELM_DATA_HOME": "/h/data", "HTTPS_PROXY": "http://proxy.example:3128",
                ]) { $1 })
    }

    @Test("both majors are taken, older and newer ones refused", arguments: ["v3.18.0", "v4.3.1"])
    func versions(right: String) throws {
        try Helm.checkVersion(right + "\n")
        try Helm.checkVersion(right + "+gcc58e3f")
        for wrong in ["v2.17.0", "v3.7.2", "v5.0.0", "", "helm: not found"] {
            #expect(throws: Failure.self) { try Helm.checkVersion(wrong) }
        }
    }

    @Test("the history is read oldest first; a release that is not there has none")
    func history() throws {
        let text = """
            [{"revision":2,"updated":"2026-01-01T00:00:00Z","status":"pending-upgrade",
              "chart":"rocketchat-7.0.2","app_version":"8.6.1","description":"Preparing upgrade"},
             {"revision":1,"updated":"2026-01-01T00:00:00Z","status":"deployed",
              "chart":"rocketchat-7.0.2","app_version":"8.6.1","description":"jeeves d 1"}]
            """
        let found = try Helm.revisions(Finished(ending: .exited(0), output: text))
        #expect(found.map(\.revision) == [1, 2])
        #expect(found.map(\.isCutOff) == [false, true])
        let none = Finished(ending: .exited(1), errors: "Error: release: not found\n")
        #expect(try Helm.revisions(none).isEmpty)
        let away = Finished(ending: .exited(1), errors: "Error: Kubernetes cluster unreachable")
        #expect(throws: Failure.self) { try Helm.revisions(away) }
    }
}
