// Macros of OpenSSL are not imported into Swift: the few that are needed get an inline twin here.
#pragma once
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

static inline long x_ssl_set_sni(SSL *ssl, const char *name) {
    return SSL_set_tlsext_host_name(ssl, (char *)name);
}

static inline long x_ssl_offer_signatures(SSL *ssl, const char *list) {
    return SSL_set1_sigalgs_list(ssl, list);
}
