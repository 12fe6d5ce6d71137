import Foundation
import Model

/// The Python that runs the stand-ins: one that has moto.
enum Python {
    static let moto = "5.2.1"

    /// The machine's own python3 if it has that moto, else one in the cache. Throws `failed` if pip
    /// cannot install it.
    static func interpreter(host: Host, cache: Cache) async throws -> String {
        let probe = "import boto3, moto, moto.server, sys; print(moto.__version__, sys.executable)"
        let own = try await host.run("python3", ["-c", probe])
        let words = own.output.split(whereSeparator: \.isWhitespace).map(String.init)
        if own.succeeded, words.first == moto, let path = words.last { return path }
        let folder = try await cache.artifact(
            "moto", key: [moto], usually: "about 1 minute"
        ) { folder in
            // The folder is renamed afterwards: its python3 does not mind, its scripts would.
            let log = "\(folder)/build.log"
            try await host.output(
                "python3", ["-m", "venv", "--copies", "\(folder)/venv"], log: log,
                deadline: .seconds(120))
            try await host.output(
                "\(folder)/venv/bin/python3",
                ["-m", "pip", "install", "--quiet", "moto[server]==\(moto)"], log: log,
                deadline: .seconds(600))
        }
        return "\(folder)/venv/bin/python3"
    }

    /// Runs a program that speaks to the lab's account through boto3; returns what it prints.
    /// Throws `failed` unless it exits 0.
    @discardableResult
    static func inAccount(
        _ program: String, _ arguments: [String], input: String? = nil, host: Host
    ) async throws -> String {
        let python = try await interpreter(host: host, cache: Cache())
        return try await host.output(
            "nsenter", ["--net=\(Layout.namespacePath)", python, "-c", program] + arguments,
            environment: Layout.awsEnvironment, input: input)
    }
}
