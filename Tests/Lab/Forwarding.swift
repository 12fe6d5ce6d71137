import Foundation
import Model

/// Whose address the chat sees, asked at a path that only the lab's stand-in of the chat has.
struct Forwarding: Sendable {
    private static let forged = "192.0.2.66"

    let host: Host
    let domain: String

    /// From outside, through the edge: the forged address must be gone and the caller's be there.
    func isHonestOutside() async throws -> Bool {
        let port = Layout.edgePorts[0].listen
        let seen = try await addresses(
            of: host.output(
                "curl",
                [
                    "--silent", "--show-error", "--fail", "--cacert", Layout.acmeRoot,
                    "--resolve", "\(domain):\(port):127.0.0.1",
                    "--header", "X-Forwarded-For: \(Self.forged)",
                    "https://\(domain):\(port)/lab/request",
                ]))
        // The edge says who called it; Traefik adds the edge.
        return seen.first == Layout.Address.operatorHost && !seen.contains(Self.forged)
    }

    /// From a worker's pod to Traefik's Service, past the edge.
    func isHonestInside() async throws -> Bool {
        let nodes = try Node.all()
        guard let worker = nodes.first(where: { $0.member.hasPrefix("worker") }),
            let controller = nodes.first(where: { $0.member.hasPrefix("controller") })
        else { throw Failure(.notFound, "looking for a worker and a controller: none") }
        let service = [
            "microk8s", "kubectl", "get", "service", "traefik", "--namespace=traefik",
            "--output=jsonpath={.spec.clusterIP}",
        ]
        let traefik = try await host.output("nsenter", controller.entering(service))
        // The network of any pod there: its pause process lives in it.
        let enter = """
            for pid in $(pgrep -x pause); do
              exec nsenter --net --target "$pid" curl --silent --show-error --max-time 10 \
                --noproxy '*' --header 'Host: \(domain)' \
                --header 'X-Forwarded-For: \(Self.forged)' \
                "http://\(traefik)/lab/request"
            done
            """
        let seen = try await addresses(
            of: host.output("nsenter", worker.entering(["/bin/sh", "-c", enter])))
        return !seen.isEmpty && !seen.contains(Self.forged)
    }

    private func addresses(of answer: String) throws -> [String] {
        struct Request: Decodable { let headers: [String: [String]] }
        let request = try JSONDecoder().decode(Request.self, from: Data(answer.utf8))
        let fields = request.headers["X-Forwarded-For"] ?? []
        let found = fields.flatMap { $0.split(separator: ",") }
            .map { $0.trimmingCharacters(in: .whitespaces) }
        say("the chat sees a request for \(found.joined(separator: ", "))")
        return found
    }
}
