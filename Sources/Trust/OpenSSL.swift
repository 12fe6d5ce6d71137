import COpenSSL
import FoundationEssentials
import Model

/// Small safe pieces of OpenSSL: certificates, stores and a verdict. Every object is freed where it
/// is made.
enum OpenSSL {
    /// Calls `body` with every certificate of a PEM text, in its order. The objects live as long as
    /// the call.
    static func withCertificates<Value>(
        of pem: String, _ body: ([OpaquePointer]) throws -> Value
    ) rethrows -> Value {
        let input = memory(pem)
        var found: [OpaquePointer] = []
        defer {
            found.forEach { X509_free($0) }
            BIO_free_all(input)
            ERR_clear_error()
        }
        while found.count < 200, let next = PEM_read_bio_X509(input, nil, refusePassphrase, nil) {
            found.append(next)
        }
        return try body(found)
    }

    /// Calls `body` with the private key of a PEM text, or nil if there is none that can be read.
    /// An encrypted key is one that cannot be read: nobody is ever asked for a passphrase.
    static func withKey<Value>(
        of pem: String, _ body: (OpaquePointer?) throws -> Value
    ) rethrows -> Value {
        let input = memory(pem)
        let key = PEM_read_bio_PrivateKey(input, nil, refusePassphrase, nil)
        defer {
            EVP_PKEY_free(key)
            BIO_free_all(input)
            ERR_clear_error()
        }
        return try body(key)
    }

    /// Why a server built on this library, as HAProxy is, would not take the two; nil if it would.
    static func refusal(leaf: OpaquePointer, key: OpaquePointer) -> String? {
        ERR_clear_error()
        let context = SSL_CTX_new(TLS_server_method())
        defer {
            SSL_CTX_free(context)
            ERR_clear_error()
        }
        let isTaken =
            SSL_CTX_use_certificate(context, leaf) == 1
            && SSL_CTX_use_PrivateKey(context, key) == 1
        return isTaken ? nil : lastError ?? "OpenSSL does not say why"
    }

    /// Why `leaf` does not chain to a root of `rootsPEM` (empty: the system's) as a TLS server's
    /// certificate at `time`; nil if it does.
    static func distrust(
        leaf: OpaquePointer, intermediates: [OpaquePointer], rootsPEM: String, at time: Date
    ) -> String? {
        let store = X509_STORE_new()
        let context = X509_STORE_CTX_new()
        let untrusted = OPENSSL_sk_new_null()
        defer {
            OPENSSL_sk_free(untrusted)
            X509_STORE_CTX_free(context)
            X509_STORE_free(store)
            ERR_clear_error()
        }
        if rootsPEM.isEmpty { X509_STORE_set_default_paths(store) }
        return withCertificates(of: rootsPEM) { roots in
            for root in roots { X509_STORE_add_cert(store, root) }
            for certificate in intermediates {
                OPENSSL_sk_push(untrusted, UnsafeRawPointer(certificate))
            }
            guard X509_STORE_CTX_init(context, store, leaf, untrusted) == 1 else {
                return "OpenSSL could not begin to verify it"
            }
            X509_STORE_CTX_set_purpose(context, X509_PURPOSE_SSL_SERVER)
            X509_STORE_CTX_set_time(context, 0, time_t(time.timeIntervalSince1970))
            guard X509_verify_cert(context) != 1 else { return nil }
            let code = X509_STORE_CTX_get_error(context)
            return String(cString: X509_verify_cert_error_string(Int(code)))
        }
    }

    /// The newest complaint of this thread, in OpenSSL's words; nil if there is none.
    static var lastError: String? {
        ERR_reason_error_string(ERR_peek_last_error()).map { String(cString: $0) }
    }

    /// A copy of `text` that OpenSSL owns: it may be read after the call that made it.
    private static func memory(_ text: String) -> OpaquePointer? {
        let bytes = Array(text.utf8)
        let copy = BIO_new(BIO_s_mem())
        BIO_write(copy, bytes, Int32(clamping: bytes.count))
        return copy
    }

    static func der(_ certificate: OpaquePointer) -> [UInt8] {
        let count = i2d_X509(certificate, nil)
        guard count > 0 else { return [] }
        return [UInt8](unsafeUninitializedCapacity: Int(count)) { buffer, written in
            var start = buffer.baseAddress
            written = Int(max(i2d_X509(certificate, &start), 0))
        }
    }
}

/// What OpenSSL asks for a passphrase. Without it, it would ask the terminal and wait there: a
/// certificate can claim to be encrypted too (RFC 1421 §4.6.1.1).
private func refusePassphrase(
    _: UnsafeMutablePointer<CChar>?, _: Int32, _: Int32, _: UnsafeMutableRawPointer?
) -> Int32 { -1 }
