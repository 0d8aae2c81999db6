// A small, fast MCP server over TLS, so that the server under test is the slowest part of the run.
//
// usage: upstream PORT CERTIFICATE KEY REPLIES
// REPLIES is a folder: tools-list.json and one file per tool name, each holding the `result` value to answer with.
// Answers by the first "method" and "name" it finds: it serves the bench, it judges nothing.
#define _GNU_SOURCE
#include "wire.h"

#include <dirent.h>

typedef struct {
    char name[96];
    char *bytes;
    size_t count;
} Reply;

static Reply replies[64];
static size_t reply_count;
static uint64_t session_number;

static void load_replies(const char *folder) {
    DIR *d = opendir(folder);
    if (!d) stop(folder);
    for (struct dirent *e; (e = readdir(d)) && reply_count < 64;) {
        char *dot = strstr(e->d_name, ".json");
        if (!dot || (size_t)(dot - e->d_name) >= sizeof replies[0].name) continue;
        char path[512];
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        Reply *r = &replies[reply_count++];
        memcpy(r->name, e->d_name, (size_t)(dot - e->d_name));
        r->bytes = read_whole_file(path, &r->count);
    }
    closedir(d);
}

static Reply *reply_named(const char *name, size_t count) {
    for (size_t i = 0; i < reply_count; i++)
        if (strlen(replies[i].name) == count && memcmp(replies[i].name, name, count) == 0) return &replies[i];
    return NULL;
}

// The value of the first member called `key`, as the bytes stand there: a string with its quotes, or a number.
static bool value_of(const char *json, size_t count, const char *key, const char **value, size_t *length) {
    char quoted[64];
    int n = snprintf(quoted, sizeof quoted, "\"%s\"", key);
    const char *at = memmem(json, count, quoted, (size_t)n), *end = json + count;
    if (!at) return false;
    at += n;
    while (at < end && (*at == ' ' || *at == ':')) at++;
    *value = at;
    if (at < end && *at == '"') {
        const char *close = memchr(at + 1, '"', (size_t)(end - at - 1));
        if (!close) return false;
        *length = (size_t)(close - at) + 1;
    } else {
        while (at < end && *at != ',' && *at != '}' && *at != ' ') at++;
        *length = (size_t)(at - *value);
    }
    return true;
}

static bool is(const char *value, size_t length, const char *text) {
    return length == strlen(text) + 2 && memcmp(value + 1, text, length - 2) == 0;
}

static void answer(Wire *w, const char *extra, const char *id, size_t id_length, const char *result, size_t count) {
    char head[512];
    size_t body = strlen("{\"jsonrpc\":\"2.0\",\"id\":,\"result\":}") + id_length + count;
    int n = snprintf(head, sizeof head,
                     "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n%s\r\n"
                     "{\"jsonrpc\":\"2.0\",\"id\":%.*s,\"result\":",
                     body, extra, (int)id_length, id);
    append(&w->out, head, (size_t)n);
    append(&w->out, result, count);
    append(&w->out, "}", 1);
}

static void respond(Wire *w, Message *m) {
    static const char initialized[] =
        "{\"protocolVersion\":\"2025-06-18\",\"capabilities\":{\"tools\":{}},"
        "\"serverInfo\":{\"name\":\"bench\",\"version\":\"1\"}}";
    static const char nothing[] = "{\"content\":[],\"isError\":true}";
    const char *body = w->in.bytes + m->head, *method = "", *id = "0", *name;
    size_t method_length = 0, id_length = 1, name_length;

    if (strncmp(w->in.bytes, "GET ", 4) == 0) {
        static const char stream[] =
            "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n:\r\n\r\n\r\n";
        append(&w->out, stream, sizeof stream - 1);
        return;
    }
    value_of(body, m->body, "method", &method, &method_length);
    if (!value_of(body, m->body, "id", &id, &id_length)) {
        static const char accepted[] = "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n";
        append(&w->out, accepted, sizeof accepted - 1);
    } else if (is(method, method_length, "initialize")) {
        char extra[96];
        snprintf(extra, sizeof extra, "Mcp-Session-Id: bench-%016llx\r\n", (unsigned long long)++session_number);
        answer(w, extra, id, id_length, initialized, sizeof initialized - 1);
    } else {
        Reply *r = NULL;
        if (is(method, method_length, "tools/list"))
            r = reply_named("tools-list", 10);
        else if (value_of(body, m->body, "name", &name, &name_length))
            r = reply_named(name + 1, name_length - 2);
        if (r)
            answer(w, "", id, id_length, r->bytes, r->count);
        else
            answer(w, "", id, id_length, nothing, sizeof nothing - 1);
    }
}

int main(int argc, char **argv) {
    if (argc != 5) {
        fprintf(stderr, "usage: upstream PORT CERTIFICATE KEY REPLIES\n");
        return 2;
    }
    prepare_process();
    load_replies(argv[4]);
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    if (SSL_CTX_use_certificate_chain_file(context, argv[2]) != 1) stop(argv[2]);
    if (SSL_CTX_use_PrivateKey_file(context, argv[3], SSL_FILETYPE_PEM) != 1) stop(argv[3]);

    int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[1]))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0) stop("bind");
    if (listen(listener, 1024) != 0) stop("listen");
    fcntl(listener, F_SETFL, O_NONBLOCK);

    int poll = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event);
    printf("ready\n");
    fflush(stdout);

    for (;;) {
        struct epoll_event events[256];
        int n = epoll_wait(poll, events, 256, -1);
        for (int i = 0; i < n; i++) {
            Wire *w = events[i].data.ptr;
            if (!w) {
                for (int fd; (fd = accept(listener, NULL, NULL)) >= 0;) {
                    non_blocking(fd);
                    w = calloc(1, sizeof *w);
                    w->fd = fd;
                    w->ssl = SSL_new(context);
                    SSL_set_fd(w->ssl, fd);
                    SSL_set_accept_state(w->ssl);
                    event = (struct epoll_event){.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = w};
                    epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event);
                }
                continue;
            }
            bool alive = wire_pump(w);
            Message m;
            int found;
            while ((found = message(&w->in, true, &m)) == 1) {
                respond(w, &m);
                drop_front(&w->in, m.whole);
            }
            wire_flush(w);
            if (!alive || w->gone || found < 0) {
                wire_close(w);
                free(w);
            }
        }
    }
}
