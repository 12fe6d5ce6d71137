import Model
import Outside
import Testing

@testable import Tools

@Suite struct AptTests {
    @Test("an install never prompts, recommends, overwrites a person's file or mistakes a name")
    func install() throws {
        let command = try Apt.install(["haproxy", "certbot"])
        #expect(command.program == "apt-get")
        #expect(
            command.arguments == [
                "install", "-q", "-y", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=120",
                "-o", "Dpkg::Options::=--force-confdef", "-o", "Dpkg::Options::=--force-confold",
                "--", "haproxy", "certbot",
            ])
        #expect(command.environment["DEBIAN_FRONTEND"] == "noninteractive")
        #expect(Apt.update().arguments == ["update", "-q", "-o", "DPkg::Lock::Timeout=120"])
        #expect(
            Apt.configure().arguments
                == ["--force-confdef", "--force-confold", "--configure", "-a"])
    }

    @Test(
        "what is not a package name is refused",
        arguments: ["", "a", "-y", "haproxy-", "Upper", "a b", "a;b", "../x", "naïve"])
    func names(name: String) {
        #expect(throws: Failure.self) { try Apt.install([name]) }
    }

    @Test(
        "what a failure means is told from the words of apt and dpkg",
        arguments: [
            (
                "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held",
                Failure.Code.unavailable
            ),
            ("dpkg: error: dpkg frontend lock was locked by another process", .unavailable),
            ("E: Unable to locate package haproxi", .notFound),
            ("E: Failed to fetch http://deb.example.test/x 404 Not Found", .unavailable),
            ("E: You don't have enough free space in /var/cache/apt/archives/.", .failed),
            ("something else", .failed),
        ])
    func failures(text: String, code: Failure.Code) {
        let failure = Apt.failure(
            Finished(ending: .exited(100), output: text), trying: "installing")
        #expect(failure.code == code)
    }

    @Test("a configuration is pristine only if dpkg checked it and did not name it")
    func pristine() {
        let path = "/etc/haproxy/haproxy.cfg"
        func verified(_ code: Int32, _ output: String, _ errors: String = "") -> Bool {
            Apt.isPristine(
                path,
                verified: Finished(ending: .exited(code), output: output, errors: errors))
        }
        #expect(verified(0, ""))
        #expect(verified(0, "??5?????? c /etc/default/haproxy\n"))
        #expect(!verified(0, "??5?????? c \(path)\n"))
        #expect(!verified(1, "", "dpkg: package 'haproxy' is not installed\n"))
    }

    @Test("the database tells installed from removed, unfinished and never there")
    func database() {
        let text = """
            Package: haproxy
            Status: install ok installed
            Description: x
             Package: not-a-field

            Package: certbot
            Status: deinstall ok config-files

            Package: libc6
            Status: install ok half-configured

            """
        let database = DpkgDatabase(Array(text.utf8))
        #expect(database.installed == ["haproxy"])
        #expect(database.unfinished == ["libc6"])
    }
}
