import CCurl
import Model
import Outside

/// HTTP(S) over libcurl: no redirects, bounded in time and size. Any HTTP status is a value.
///
/// Proxies are taken from the usual variables (`HTTPS_PROXY`, `NO_PROXY`, in small letters too;
/// libcurl-env(3)).
public enum HTTPS {
    public struct Request: Sendable, Hashable {
        /// GET or POST.
        public var method: String
        public var url: String
        /// Sent as they are; libcurl adds `Host` (from the URL) and `Accept` if they are not given.
        public var headers: [String: String]
        public var body: [UInt8]

        public init(
            _ method: String, url: String, headers: [String: String] = [:], body: [UInt8] = []
        ) {
            self.method = method
            self.url = url
            self.headers = headers
            self.body = body
        }
    }

    public struct Options: Sendable, Hashable {
        public var deadline: Duration
        public var bytesMax: Int
        /// File with the roots to trust instead of the system's; nil means the system's.
        public var rootsFile: String?

        public init(
            deadline: Duration = .seconds(30), bytesMax: Int = 8 << 20, rootsFile: String? = nil
        ) {
            self.deadline = deadline
            self.bytesMax = bytesMax
            self.rootsFile = rootsFile
        }
    }

    /// Throws `unavailable` if there is no connection, `timeout` after the deadline, `unauthorized`
    /// if the server's certificate is not trusted, `invalid` if the answer is too large or the
    /// request is none.
    public static func send(_ request: Request, options: Options = Options()) async throws
        -> HTTPResponse
    {
        guard request.url.hasPrefix("https://") || request.url.hasPrefix("http://"),
            ["GET", "POST"].contains(request.method)
        else {
            throw Failure(
                .invalid, "calling \(request.url): only GET and POST of http(s) URLs can be sent")
        }
        // Replayed headers are a stranger's: no value may become another header.
        guard request.headers.allSatisfy({ isPrintable($0) && isPrintable($1) }) else {
            throw Failure(.invalid, "calling \(request.url): a header holds control characters")
        }
        return try await Blocking.run {
            try Transfer(request, options).perform()
        }
    }

    private static func isPrintable(_ text: String) -> Bool {
        text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
    }
}

/// One libcurl transfer, on the thread that made it.
private struct Transfer: ~Copyable {
    static let connectMax = Duration.seconds(10)

    /// libcurl-thread(3): the library is set up once, before any other call.
    private static let isSetUp = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK

    private let request: HTTPS.Request
    private let options: HTTPS.Options
    private let handle: UnsafeMutableRawPointer
    private let headers: UnsafeMutablePointer<curl_slist>?

    init(_ request: HTTPS.Request, _ options: HTTPS.Options) throws {
        guard Self.isSetUp, let handle = curl_easy_init() else {
            throw Failure(.failed, "calling \(request.url): libcurl did not start")
        }
        self.request = request
        self.options = options
        self.handle = handle
        headers = request.headers.sorted { $0.key < $1.key }.reduce(nil) { list, header in
            // A header without a value is written with `;` (CURLOPT_HTTPHEADER(3)).
            let (name, value) = header
            return curl_slist_append(list, value.isEmpty ? "\(name);" : "\(name): \(value)")
        }
    }

    deinit {
        curl_easy_cleanup(handle)
        curl_slist_free_all(headers)
    }

    func perform() throws -> HTTPResponse {
        let sink = Sink(bytesMax: options.bytesMax)
        for code in limits() + trust() + description() + [
            x_setopt_ptr(handle, CURLOPT_WRITEDATA, sink.pointer),
            x_setopt_io(handle, CURLOPT_WRITEFUNCTION, Sink.write),
        ] {
            try check(code)
        }
        let code = withExtendedLifetime(sink) { curl_easy_perform(handle) }
        if sink.isFull {
            throw Failure(
                .invalid,
                "calling \(request.url): the answer is over \(UInt64(options.bytesMax).sizeText)")
        }
        try check(code)
        var status = 0
        try check(x_getinfo_long(handle, CURLINFO_RESPONSE_CODE, &status))
        return HTTPResponse(status: status, body: sink.bytes)
    }

    private func limits() -> [CURLcode] {
        // libcurl before 7.85 does not know this one; our own check of the URL stands alone there.
        _ = x_setopt_str(handle, CURLOPT_PROTOCOLS_STR, "http,https")
        let connectMax = min(Self.connectMax, options.deadline)
        return [
            // Signals would reach other threads (libcurl-thread(3)).
            x_setopt_long(handle, CURLOPT_NOSIGNAL, 1),
            x_setopt_long(handle, CURLOPT_FOLLOWLOCATION, 0),
            x_setopt_long(
                handle, CURLOPT_CONNECTTIMEOUT_MS, Int(connectMax / .milliseconds(1))),
            x_setopt_long(handle, CURLOPT_TIMEOUT_MS, Int(options.deadline / .milliseconds(1))),
        ]
    }

    private func trust() -> [CURLcode] {
        options.rootsFile.map { [x_setopt_str(handle, CURLOPT_CAINFO, $0)] } ?? []
    }

    private func description() -> [CURLcode] {
        var codes = [
            x_setopt_str(handle, CURLOPT_URL, request.url),
            x_setopt_slist(handle, CURLOPT_HTTPHEADER, headers),
        ]
        if request.method == "POST" {
            codes.append(x_setopt_long(handle, CURLOPT_POST, 1))
            codes.append(x_setopt_long(handle, CURLOPT_POSTFIELDSIZE, request.body.count))
            var body = request.body
            codes.append(
                body.withUnsafeMutableBytes {
                    x_setopt_ptr(handle, CURLOPT_COPYPOSTFIELDS, $0.baseAddress)
                })
        }
        return codes
    }

    private func check(_ code: CURLcode) throws {
        guard code != CURLE_OK else { return }
        let place = request.url.prefix { $0 != "?" }
        let reason = "calling \(place): \(String(cString: curl_easy_strerror(code)))"
        throw switch code {
        case CURLE_OPERATION_TIMEDOUT:
            Failure(.timeout, reason, fix: "check the network and any proxy")
        case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE:
            Failure(
                .unauthorized, reason,
                fix: "install ca-certificates, or name the right file in AWS_CA_BUNDLE")
        default:
            Failure(
                .unavailable, reason,
                fix: "check the network, any proxy, and AWS_ENDPOINT_URL if it is set")
        }
    }
}

/// Collects an answer up to a limit; only the thread that runs the transfer touches it.
private final class Sink {
    private(set) var bytes: [UInt8] = []
    private(set) var isFull = false
    private let bytesMax: Int

    init(bytesMax: Int) { self.bytesMax = bytesMax }

    var pointer: UnsafeMutableRawPointer { Unmanaged.passUnretained(self).toOpaque() }

    /// Taking less than offered makes libcurl end the transfer (CURLOPT_WRITEFUNCTION(3)).
    static let write: x_curl_io = { data, size, count, context in
        guard let data, let context else { return 0 }
        let sink = Unmanaged<Sink>.fromOpaque(context).takeUnretainedValue()
        guard sink.bytes.count + size * count <= sink.bytesMax else {
            sink.isFull = true
            return 0
        }
        sink.bytes.append(contentsOf: UnsafeRawBufferPointer(start: data, count: size * count))
        return size * count
    }
}
