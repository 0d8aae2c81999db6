// Typed C functions for OpenSSL's macros, which Swift cannot import. One call each, no logic.
#ifndef KOMAINU_COPENSSLSHIMS_H
#define KOMAINU_COPENSSLSHIMS_H
#include <openssl/ssl.h>

#pragma clang assume_nonnull begin
static inline long komainu_ssl_ctx_set_mode(SSL_CTX *context, long mode) { return SSL_CTX_set_mode(context, mode); }
#pragma clang assume_nonnull end
#endif
