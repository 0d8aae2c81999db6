// What load.c and upstream.c share: a growing buffer, a TLS connection on a non-blocking socket, a small HTTP/1.1 reader.
// Both programs are the measuring instrument, not the thing measured: plain C, one thread, no allocation once warm.
#pragma once

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static _Noreturn void stop(const char *what) {
    fprintf(stderr, "%s: %s\n", what, errno ? strerror(errno) : "failed");
    ERR_print_errors_fp(stderr);
    exit(2);
}

typedef struct {
    char *bytes;
    size_t count, room;
} Buffer;

static void reserve(Buffer *b, size_t more) {
    if (b->count + more <= b->room) return;
    size_t room = b->room ? b->room : 4096;
    while (room < b->count + more) room *= 2;
    b->bytes = realloc(b->bytes, room);
    if (!b->bytes) stop("realloc");
    b->room = room;
}

static void append(Buffer *b, const char *bytes, size_t count) {
    reserve(b, count);
    memcpy(b->bytes + b->count, bytes, count);
    b->count += count;
}

static void drop_front(Buffer *b, size_t count) {
    memmove(b->bytes, b->bytes + count, b->count - count);
    b->count -= count;
}

static char *read_whole_file(const char *path, size_t *count) {
    FILE *f = fopen(path, "rb");
    if (!f) stop(path);
    Buffer b = {0};
    for (;;) {
        reserve(&b, 65536);
        size_t n = fread(b.bytes + b.count, 1, 65535, f);
        if (n == 0) break;
        b.count += n;
    }
    fclose(f);
    reserve(&b, 1);
    b.bytes[b.count] = 0;
    *count = b.count;
    return b.bytes;
}

// One TLS connection. `want_write` says that OpenSSL or the kernel refused bytes and the rest of `out` waits.
typedef struct {
    int fd;
    SSL *ssl;
    bool ready, want_write, gone;
    Buffer in, out;
    size_t sent;
} Wire;

static void wire_flush(Wire *w) {
    while (w->ready && !w->gone && w->sent < w->out.count) {
        ERR_clear_error();
        int n = SSL_write(w->ssl, w->out.bytes + w->sent, (int)(w->out.count - w->sent));
        if (n > 0) {
            w->sent += (size_t)n;
            continue;
        }
        int reason = SSL_get_error(w->ssl, n);
        if (reason == SSL_ERROR_WANT_WRITE || reason == SSL_ERROR_WANT_READ) {
            w->want_write = true;
            return;
        }
        w->gone = true;
        return;
    }
    w->want_write = false;
    if (w->sent == w->out.count) w->sent = w->out.count = 0;
}

// Reads until the kernel has no more (edge-triggered), finishing the handshake first. False when the peer is gone.
static bool wire_pump(Wire *w) {
    if (w->gone) return false;
    if (!w->ready) {
        ERR_clear_error();
        int n = SSL_do_handshake(w->ssl);
        if (n != 1) {
            int reason = SSL_get_error(w->ssl, n);
            if (reason == SSL_ERROR_WANT_READ || reason == SSL_ERROR_WANT_WRITE) return true;
            w->gone = true;
            return false;
        }
        w->ready = true;
    }
    wire_flush(w);
    for (;;) {
        reserve(&w->in, 16384);
        ERR_clear_error();
        int n = SSL_read(w->ssl, w->in.bytes + w->in.count, (int)(w->in.room - w->in.count));
        if (n > 0) {
            w->in.count += (size_t)n;
            continue;
        }
        int reason = SSL_get_error(w->ssl, n);
        if (reason != SSL_ERROR_WANT_READ && reason != SSL_ERROR_WANT_WRITE) w->gone = true;
        return !w->gone;
    }
}

static void wire_close(Wire *w) {
    if (w->ssl) SSL_free(w->ssl);
    if (w->fd >= 0) close(w->fd);
    free(w->in.bytes);
    free(w->out.bytes);
    *w = (Wire){.fd = -1};
}

// Case-insensitive search of a header inside a head that ends at `end`; returns its value's start or NULL.
static const char *header(const char *head, const char *end, const char *name) {
    size_t length = strlen(name);
    for (const char *line = memchr(head, '\n', (size_t)(end - head)); line && line + 1 < end;
         line = memchr(line, '\n', (size_t)(end - line))) {
        line++;
        if ((size_t)(end - line) > length && line[length] == ':' && strncasecmp(line, name, length) == 0) {
            line += length + 1;
            while (line < end && *line == ' ') line++;
            return line;
        }
    }
    return NULL;
}

// A whole HTTP/1.1 message in `b`, if it is there: where its body starts, how long that is once unchunked (in place),
// and how many bytes of `b` it takes. Returns 0 for "more is needed", 1 for "here", -1 for "this is not HTTP".
typedef struct {
    size_t head, body, whole;
} Message;

static int message(Buffer *b, bool is_request, Message *m) {
    char *end = b->count >= 4 ? memmem(b->bytes, b->count, "\r\n\r\n", 4) : NULL;
    if (!end) return b->count > 65536 ? -1 : 0;
    m->head = (size_t)(end - b->bytes) + 4;
    const char *length = header(b->bytes, end + 2, "content-length");
    if (length) {
        m->body = strtoul(length, NULL, 10);
        m->whole = m->head + m->body;
        return b->count >= m->whole;
    }
    const char *coding = header(b->bytes, end + 2, "transfer-encoding");
    if (!coding) {
        m->body = 0;
        m->whole = m->head;
        return is_request || strncmp(b->bytes + 9, "202", 3) == 0 || strncmp(b->bytes + 9, "204", 3) == 0 ? 1 : -1;
    }
    // First look whether it is complete, then squeeze the chunks together.
    size_t at = m->head, put = m->head;
    for (int pass = 0; pass < 2; pass++) {
        at = m->head;
        for (;;) {
            char *line = at < b->count ? memmem(b->bytes + at, b->count - at, "\r\n", 2) : NULL;
            if (!line) return 0;
            size_t size = strtoul(b->bytes + at, NULL, 16);
            size_t data = (size_t)(line - b->bytes) + 2;
            if (data + size + 2 > b->count) return 0;
            if (pass == 1) {
                memmove(b->bytes + put, b->bytes + data, size);
                put += size;
            }
            at = data + size + 2;
            if (size == 0) break;
        }
    }
    m->body = put - m->head;
    m->whole = at;
    return 1;
}

// As many descriptors as we may have, and an error instead of a signal when a peer is gone.
static void prepare_process(void) {
    signal(SIGPIPE, SIG_IGN);
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static void non_blocking(int fd) {
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}
