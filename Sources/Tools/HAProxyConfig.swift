import Model

/// HAProxy's configuration for the edge, as text: a pure function of the spec, the version that
/// will read it, and where things are.
///
/// The file on a node is ``file(body:digest:)``: two lines of ours, then the text that they vouch
/// for. HAProxy repeats the digest in `show info`, so what runs can be told from what is on disk.
public struct HAProxyConfig: Sendable {
    public let spec: HAProxySpec
    public let version: HAProxyVersion
    public let layout: EdgeLayout

    /// The text that `version` of HAProxy reads, without the two lines that vouch for it.
    public static func render(
        _ spec: HAProxySpec, version: HAProxyVersion, layout: EdgeLayout = EdgeLayout()
    ) -> String {
        let config = HAProxyConfig(spec: spec, version: version, layout: layout)
        return [
            config.global, config.defaults, config.http, config.https, config.backends,
            config.metrics,
        ].joined(separator: "\n")
    }

    private var global: String {
        // On a reload, connections that idle are closed over this time and not all at once. A
        // worker that survived more reloads than its maximum is ended by HAProxy itself.
        let spread = version >= HAProxyVersion(2, 6) ? "\n    close-spread-time 15s" : ""
        return """
            global
                log /dev/log local0
                maxconn \(spec.connectionsMax)
                user haproxy
                group haproxy
                stats socket \(layout.runtimeSocket) mode 600 level admin expose-fd listeners
                hard-stop-after \(spec.drain.components.seconds)s\(spread)
                mworker-max-reloads \(Self.reloadsMax)
                ssl-default-bind-options ssl-min-ver TLSv1.2 no-tls-tickets
                ssl-default-bind-curves X25519:prime256v1:secp384r1
                ssl-default-bind-ciphers \(Self.ciphers)
                ssl-default-bind-ciphersuites \(Self.suites)

            """
    }

    private static let reloadsMax = 5

    private static let ciphers = [
        "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256",
        "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-RSA-AES256-GCM-SHA384",
        "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-RSA-CHACHA20-POLY1305",
    ].joined(separator: ":")

    private static let suites = [
        "TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256",
    ].joined(separator: ":")

    /// `timeout tunnel` is for WebSockets.
    private var defaults: String {
        """
        defaults
            log global
            mode http
            option httplog
            option dontlognull
            option redispatch
            retries 2
            timeout connect 5s
            timeout client 60s
            timeout server 60s
            timeout http-request 10s
            timeout http-keep-alive 30s
            timeout queue 15s
            timeout tunnel 1h
            timeout client-fin 30s

        """
    }

    /// Port 80: the CA's questions go to certbot, our name to HTTPS, any other name nowhere.
    private var http: String {
        """
        frontend http_in
            bind 0.0.0.0:\(layout.httpPort)
            bind :::\(layout.httpPort) v6only
            acl is_acme path_beg /.well-known/acme-challenge/
            acl is_ours req.hdr(host),field(1,:) -i \(spec.domain)
            http-request deny deny_status 404 if !is_acme !is_ours
            http-request redirect prefix https://\(spec.domain) code 301 if !is_acme
            use_backend acme if is_acme

        """
    }

    /// Port 443. A socket for each family, so that the chat sees 192.0.2.1 and not
    /// ::ffff:192.0.2.1. Limits are high because whole offices sit behind one address. Forwarding
    /// headers replace what the client sent: Traefik believes this node.
    private var https: String {
        let tls = "ssl strict-sni crt-list \(layout.certificateList) alpn h2,http/1.1"
        let requests = busy("http_req_rate", spec.requestsPerTenSecondsMax)
        let connections = busy("conn_cur", spec.connectionsPerSourceMax)
        return """
            frontend https_in
                bind 0.0.0.0:\(layout.httpsPort) \(tls)
                bind :::\(layout.httpsPort) v6only \(tls)
                acl is_ours req.hdr(host),field(1,:) -i \(spec.domain)
                http-request track-sc0 src table sources
                http-request deny deny_status 429 if \(requests)
                http-request deny deny_status 429 if \(connections)
                http-request deny deny_status 404 if !is_ours
                http-request del-header Proxy
                http-request del-header Forwarded
                http-request del-header X-Forwarded-Server
                http-request set-header X-Forwarded-For %[src]
                http-request set-header X-Forwarded-Host \(spec.domain)
                http-request set-header X-Forwarded-Port 443
                http-request set-header X-Forwarded-Proto https
                http-request set-header X-Real-IP %[src]
                http-response set-header Strict-Transport-Security "max-age=63072000"
                default_backend traefik

            """
    }

    private func busy(_ counter: String, _ most: Int) -> String {
        "{ sc_\(counter)(0,sources) gt \(most) }"
    }

    /// certbot's server is there for seconds only, so it is tried once. Any answer of Traefik's to
    /// the health check proves it up, an unrouted 404 too.
    private var backends: String {
        """
        backend sources
            stick-table type ipv6 size 100k expire 2m store http_req_rate(10s),conn_cur

        backend acme
            retries 0
            timeout connect 1s
            server certbot 127.0.0.1:\(layout.acmePort)

        backend traefik
            option httpchk
            http-check send meth GET uri /ping ver HTTP/1.1 hdr Host \(spec.domain)
            http-check expect status 200-499
            server traefik 127.0.0.1:\(spec.backendPort) check inter 2s fall 3 rise 1

        """
    }

    private var metrics: String {
        """
        frontend metrics
            bind 127.0.0.1:\(layout.metricsPort)
            http-request use-service prometheus-exporter if { path /metrics }
            http-request deny

        """
    }
}

extension HAProxyConfig {
    /// The whole file: the digest of `body` in a comment for us and in `description` for HAProxy's
    /// `show info`, then `body`.
    public static func file(body: String, digest: Digest) -> String {
        """
        \(marker)\(digest)
        global
            description \(description(digest))

        """ + body
    }

    /// How a running HAProxy names the configuration it has loaded.
    public static func description(_ digest: Digest) -> String {
        "jeeves-\(digest.rawValue.prefix(12))"
    }

    private static let marker = "# Written by Jeeves; SHA-256 of the rest: "

    /// Who wrote a configuration file.
    public enum Author: Sendable, Hashable {
        /// We did, and nobody touched it since.
        case jeeves
        /// We did, and somebody changed it.
        case edited
        /// It has no marker of ours: the package's own, or a person's.
        case other
    }

    /// Judges the content of a configuration file; `hash` is SHA-256.
    public static func author(
        of text: String, hash: (String) throws -> Digest
    ) rethrows -> Author {
        guard text.hasPrefix(marker) else { return .other }
        let lines = text.split(
            separator: "\n", maxSplits: 3, omittingEmptySubsequences: false)
        guard lines.count == 4 else { return .edited }
        let body = String(lines[3])
        return try file(body: body, digest: hash(body)) == text ? .jeeves : .edited
    }

    /// A configuration that a person may have written, without what may be a password: the rest of
    /// a line after a word that HAProxy's manual has one behind (`stats auth`, `userlist`,
    /// `setenv`, `http-check send hdr`).
    public static func redacted(_ text: String) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            let words = line.split(whereSeparator: \.isWhitespace)
            guard
                let word = words.first(where: { word in
                    secretive.contains { word.lowercased().hasSuffix($0) }
                })
            else { return String(line) }
            return "\(line[..<word.endIndex]) [redacted]"
        }.joined(separator: "\n")
    }

    private static let secretive = ["auth", "password", "authorization", "setenv"]

    /// The first line in which two texts differ, for a person: its number and both versions. Lines
    /// that only vouch for others do not count.
    public static func firstDifference(
        found: String, wanted: String
    ) -> (line: Int, found: String, wanted: String)? {
        let left = found.split(separator: "\n", omittingEmptySubsequences: false)
        let right = wanted.split(separator: "\n", omittingEmptySubsequences: false)
        func line(_ lines: [Substring], _ index: Int) -> String {
            index < lines.count ? String(lines[index].prefix(120)) : ""
        }
        func vouches(_ line: String) -> Bool {
            line.hasPrefix(marker) || line.hasPrefix("    description jeeves-")
        }
        for index in 0..<max(left.count, right.count)
        where line(left, index) != line(right, index)
            && !(vouches(line(left, index)) && vouches(line(right, index)))
        {
            return (index + 1, line(left, index), line(right, index))
        }
        return nil
    }
}
