import Outside

/// Carries one signed request and brings the answer. Throws as ``HTTPS/send(_:options:)`` does.
public protocol Transport: Sendable {
    func send(_ request: HTTPS.Request) async throws -> HTTPResponse
}

/// The real one: libcurl.
public struct CurlTransport: Transport {
    private let options: HTTPS.Options

    public init(options: HTTPS.Options = HTTPS.Options()) { self.options = options }

    public func send(_ request: HTTPS.Request) async throws -> HTTPResponse {
        try await HTTPS.send(request, options: options)
    }
}
