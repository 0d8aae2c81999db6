// Typed C functions for OpenSSL's macros, which Swift cannot import. One call each, no logic.
#ifndef KOMAINU_COPENSSLSHIMS_H
#define KOMAINU_COPENSSLSHIMS_H
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#pragma clang assume_nonnull begin
static inline long komainu_ssl_ctx_set_mode(SSL_CTX *context, long mode) { return SSL_CTX_set_mode(context, mode); }
static inline int komainu_ssl_ctx_set_versions(SSL_CTX *context, int lowest, int highest) {
    return SSL_CTX_set_min_proto_version(context, lowest) && SSL_CTX_set_max_proto_version(context, highest);
}
static inline int komainu_ssl_ctx_set_groups(SSL_CTX *context, const char *list) {
    return (int)SSL_CTX_set1_groups_list(context, list);
}
static inline void komainu_ssl_ctx_set_session_cache(SSL_CTX *context, long mode) {
    SSL_CTX_set_session_cache_mode(context, mode);
}
static inline void komainu_ssl_ctx_set_read_ahead(SSL_CTX *context) { SSL_CTX_set_read_ahead(context, 1); }
/// Takes its own reference to the certificate.
static inline int komainu_ssl_ctx_add_chain(SSL_CTX *context, X509 *certificate) {
    return (int)SSL_CTX_add1_chain_cert(context, certificate);
}
static inline int komainu_ssl_set_server_name(SSL *ssl, const char *name) {
    return (int)SSL_set_tlsext_host_name(ssl, name);
}
static inline void komainu_bio_clear_retry(BIO *bio) { BIO_clear_retry_flags(bio); }
static inline void komainu_bio_retry_read(BIO *bio) { BIO_set_retry_read(bio); }
static inline void komainu_bio_retry_write(BIO *bio) { BIO_set_retry_write(bio); }
static inline int komainu_error_reason(unsigned long code) { return ERR_GET_REASON(code); }

// SHA-256's bare states. A context of the provider's allocates whenever it is copied, which costs several times what the
// hash of a short message does; these are copied as they are. OpenSSL would rather have contexts and calls them deprecated.
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wdeprecated-declarations"
/// The state after one block.
static inline SHA256_CTX komainu_sha256_after(const uint8_t *block) {
    SHA256_CTX state;
    SHA256_Init(&state);
    SHA256_Update(&state, block, SHA256_CBLOCK);
    return state;
}
/// HMAC (RFC 2104) from the states after the padded key: 32 bytes into `code`.
static inline void komainu_hmac_sha256(
    SHA256_CTX inner, SHA256_CTX outer, const uint8_t *_Nullable message, size_t count, uint8_t *code) {
    SHA256_Update(&inner, message, count);
    SHA256_Final(code, &inner);
    SHA256_Update(&outer, code, SHA256_DIGEST_LENGTH);
    SHA256_Final(code, &outer);
}
#pragma clang diagnostic pop

// The options are macros over uint64_t arithmetic.
static const uint64_t KOMAINU_OPTIONS_OF_BOTH = SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_SSLv3
    | SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1;
static const uint64_t KOMAINU_OPTIONS_OF_A_SERVER = SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA;
#pragma clang assume_nonnull end
#endif
