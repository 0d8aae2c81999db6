// The load: JSON-RPC POSTs over keep-alive TLS connections, each answer checked (status, id, length).
//
// usage: load [options]; prints one JSON object.
//   --port N  --path P  --ca FILE  --header "Name: value" (repeatable)
//   --body FILE          the JSON-RPC request, its id written as @@@@@@@@@@ (ten places)
//   --least N --most N   how many bytes an answer's body may have
//   --connections N      (32)      --seconds S (3)
//   --rate N             fixed arrivals a second, latency counted from the planned moment; 0: closed loop (0)
//   --streams            open one GET stream per connection instead, say "ready", stay until standard input ends
// Every connection opens its own MCP session first (initialize, initialized): not part of what is measured.
#define _GNU_SOURCE
#include "wire.h"

#include <poll.h>

enum Phase { CONNECTING, INITIALIZING, NOTIFYING, IDLE, WAITING, STREAMING };

typedef struct {
    Wire wire;
    enum Phase phase;
    char session[160];
    uint64_t id, due;
} Connection;

static struct {
    int port, connections, rate;
    double seconds;
    const char *path, *ca, *body_file;
    size_t least, most;
    bool streams;
    char headers[4096];
} options = {.connections = 32, .seconds = 3, .path = "/mcp", .most = SIZE_MAX};

static char *body;
static size_t body_count;
static char *id_place;
static int epoll_fd;
static SSL_CTX *context;
static uint64_t next_id = 1000000000;
static uint64_t answered, errors, bytes_received;
static char first_error[400];
static uint32_t *latencies;
static size_t latency_count, latency_room;

static uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void note_error(const char *what, Connection *c) {
    if (errors++ == 0) {
        int shown = (int)(c->wire.in.count < 300 ? c->wire.in.count : 300);
        snprintf(first_error, sizeof first_error, "%s: %.*s", what, shown, c->wire.in.bytes ? c->wire.in.bytes : "");
    }
}

static void send_post(Connection *c, const char *text, size_t count) {
    char head[6000];
    int n = snprintf(head, sizeof head,
                     "POST %s HTTP/1.1\r\nHost: localhost:%d\r\nContent-Type: application/json\r\n"
                     "Accept: application/json, text/event-stream\r\nContent-Length: %zu\r\n%s%s%s%s\r\n",
                     options.path, options.port, count, options.headers, c->session[0] ? "Mcp-Session-Id: " : "",
                     c->session, c->session[0] ? "\r\nMCP-Protocol-Version: 2025-06-18\r\n" : "");
    append(&c->wire.out, head, (size_t)n);
    append(&c->wire.out, text, count);
    wire_flush(&c->wire);
}

static void send_call(Connection *c, uint64_t due) {
    char number[24];
    c->id = next_id++;
    c->due = due;
    c->phase = WAITING;
    snprintf(number, sizeof number, "%010llu", (unsigned long long)c->id);
    memcpy(id_place, number, 10);
    send_post(c, body, body_count);
}

static void send_initialize(Connection *c) {
    static const char text[] =
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{\"protocolVersion\":\"2025-06-18\","
        "\"capabilities\":{},\"clientInfo\":{\"name\":\"load\",\"version\":\"1\"}}}";
    c->phase = INITIALIZING;
    send_post(c, text, sizeof text - 1);
}

static void send_initialized(Connection *c) {
    static const char text[] = "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}";
    c->phase = NOTIFYING;
    send_post(c, text, sizeof text - 1);
}

static void send_get(Connection *c) {
    char head[6000];
    int n = snprintf(head, sizeof head,
                     "GET %s HTTP/1.1\r\nHost: localhost:%d\r\nAccept: text/event-stream\r\n%s"
                     "Mcp-Session-Id: %s\r\nMCP-Protocol-Version: 2025-06-18\r\n\r\n",
                     options.path, options.port, options.headers, c->session);
    append(&c->wire.out, head, (size_t)n);
    c->phase = STREAMING;
    wire_flush(&c->wire);
}

static void open_connection(Connection *c) {
    c->wire = (Wire){.fd = socket(AF_INET, SOCK_STREAM, 0)};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)options.port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(c->wire.fd, (struct sockaddr *)&address, sizeof address) != 0) stop("connect");
    non_blocking(c->wire.fd);
    c->phase = CONNECTING;
    c->session[0] = 0;
    c->wire.ssl = SSL_new(context);
    SSL_set_tlsext_host_name(c->wire.ssl, "localhost");
    SSL_set1_host(c->wire.ssl, "localhost");
    SSL_set_fd(c->wire.ssl, c->wire.fd);
    SSL_set_connect_state(c->wire.ssl);
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = c};
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, c->wire.fd, &event);
    wire_pump(&c->wire);
}

static void keep_latency(uint64_t due) {
    if (latency_count == latency_room) {
        latency_room = latency_room ? latency_room * 2 : 1 << 16;
        latencies = realloc(latencies, latency_room * sizeof *latencies);
        if (!latencies) stop("realloc");
    }
    uint64_t microseconds = (now_ns() - due) / 1000;
    latencies[latency_count++] = microseconds > UINT32_MAX ? UINT32_MAX : (uint32_t)microseconds;
}

static void check_answer(Connection *c, Message *m) {
    const char *text = c->wire.in.bytes + m->head;
    char id[32];
    int n = snprintf(id, sizeof id, "\"id\":%llu", (unsigned long long)c->id);
    if (strncmp(c->wire.in.bytes + 9, "200", 3) != 0)
        note_error("status", c);
    else if (m->body < options.least || m->body > options.most)
        note_error("length", c);
    else if (!memmem(text, m->body, id, (size_t)n))
        note_error("id", c);
    else {
        answered++;
        bytes_received += m->body;
        keep_latency(c->due);
    }
}

static int compare(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static uint32_t percentile(double p) {
    return latency_count ? latencies[(size_t)(p * (double)(latency_count - 1))] : 0;
}

// Moves one connection as far as its bytes allow. Returns true when it has become idle.
static bool advance(Connection *c) {
    if (c->phase == CONNECTING && c->wire.ready) send_initialize(c);
    for (Message m; c->phase != IDLE;) {
        if (c->phase == STREAMING) return false;
        int found = message(&c->wire.in, false, &m);
        if (found < 0) {
            note_error("not HTTP", c);
            c->wire.gone = true;
        }
        if (found != 1) return false;
        if (c->phase == INITIALIZING) {
            const char *session = header(c->wire.in.bytes, c->wire.in.bytes + m.head - 2, "mcp-session-id");
            size_t length = session ? strcspn(session, "\r\n") : 0;
            if (strncmp(c->wire.in.bytes + 9, "200", 3) != 0 || !length || length >= sizeof c->session) {
                fprintf(stderr, "initialize was refused: %.*s\n", (int)m.whole, c->wire.in.bytes);
                exit(2);
            }
            memcpy(c->session, session, length);
            c->session[length] = 0;
            drop_front(&c->wire.in, m.whole);
            send_initialized(c);
        } else if (c->phase == NOTIFYING) {
            drop_front(&c->wire.in, m.whole);
            if (options.streams)
                send_get(c);
            else
                c->phase = IDLE;
        } else {
            check_answer(c, &m);
            drop_front(&c->wire.in, m.whole);
            c->phase = IDLE;
        }
    }
    return true;
}

static void run_streams(Connection *all) {
    int open = 0;
    struct epoll_event events[256];
    for (bool said = false;;) {
        struct pollfd waits[2] = {{.fd = epoll_fd, .events = POLLIN}, {.fd = 0, .events = POLLIN}};
        poll(waits, 2, 1000);
        if (waits[1].revents) break;
        int n = epoll_wait(epoll_fd, events, 256, 0);
        for (int i = 0; i < n; i++) {
            Connection *c = events[i].data.ptr;
            bool was = c->phase == STREAMING && c->wire.in.count > 0;
            wire_pump(&c->wire);
            advance(c);
            if (c->wire.gone) stop("a stream was closed");
            if (!was && c->phase == STREAMING && c->wire.in.count > 12) {
                if (strncmp(c->wire.in.bytes + 9, "200", 3) != 0) {
                    fprintf(stderr, "%.*s\n", (int)c->wire.in.count, c->wire.in.bytes);
                    exit(2);
                }
                // Connections are opened one after the other, so that nobody's backlog overflows.
                if (++open < options.connections) open_connection(&all[open]);
            }
        }
        if (!said && open == options.connections) {
            printf("{\"ready\": %d}\n", open);
            fflush(stdout);
            said = true;
        }
    }
}

static void run_calls(void) {
    Connection **idle = calloc((size_t)options.connections, sizeof *idle);
    int idle_count = 0, opened = options.connections;
    struct epoll_event events[256];
    uint64_t begun = 0, end = 0, period = options.rate ? 1000000000u / (uint64_t)options.rate : 0, due = 0;

    for (;;) {
        uint64_t now = now_ns();
        if (!begun && idle_count == opened) {
            begun = due = now;
            end = now + (uint64_t)(options.seconds * 1e9);
        }
        if (begun && now >= end) break;
        int wait = -1;
        if (begun && !options.rate) {
            while (idle_count) send_call(idle[--idle_count], now_ns());
            wait = 100;
        } else if (begun) {
            while (due <= now && idle_count) {
                send_call(idle[--idle_count], due);
                due += period;
            }
            wait = due > now ? (int)((due - now) / 1000000u) : 1;
        }
        int n = epoll_wait(epoll_fd, events, 256, wait);
        for (int i = 0; i < n; i++) {
            Connection *c = events[i].data.ptr;
            bool was_idle = c->phase == IDLE;
            wire_pump(&c->wire);
            if (advance(c) && !was_idle && !c->wire.gone) idle[idle_count++] = c;
            if (c->wire.gone) {
                note_error("closed", c);
                for (int k = 0; k < idle_count; k++)
                    if (idle[k] == c) idle[k--] = idle[--idle_count];
                wire_close(&c->wire);
                if (begun) opened--;
                if (!begun || !opened) stop("the server closed its connections");
            }
        }
    }
    double seconds = (double)(now_ns() - begun) / 1e9;
    qsort(latencies, latency_count, sizeof *latencies, compare);
    printf("{\"answered\": %llu, \"errors\": %llu, \"seconds\": %.3f, \"rate\": %.1f, \"bytes\": %llu, "
           "\"p50_us\": %u, \"p99_us\": %u, \"max_us\": %u}\n",
           (unsigned long long)answered, (unsigned long long)errors, seconds, (double)answered / seconds,
           (unsigned long long)(answered ? bytes_received / answered : 0), percentile(0.5), percentile(0.99),
           percentile(1));
    if (errors) fprintf(stderr, "first error: %s\n", first_error);
    free(idle);
}

static void read_options(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        const char *name = argv[i], *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(name, "--streams") == 0) {
            options.streams = true;
            continue;
        }
        i++;
        if (strcmp(name, "--port") == 0) options.port = atoi(value);
        else if (strcmp(name, "--path") == 0) options.path = value;
        else if (strcmp(name, "--ca") == 0) options.ca = value;
        else if (strcmp(name, "--body") == 0) options.body_file = value;
        else if (strcmp(name, "--least") == 0) options.least = strtoul(value, NULL, 10);
        else if (strcmp(name, "--most") == 0) options.most = strtoul(value, NULL, 10);
        else if (strcmp(name, "--connections") == 0) options.connections = atoi(value);
        else if (strcmp(name, "--seconds") == 0) options.seconds = atof(value);
        else if (strcmp(name, "--rate") == 0) options.rate = atoi(value);
        else if (strcmp(name, "--header") == 0) {
            size_t used = strlen(options.headers);
            snprintf(options.headers + used, sizeof options.headers - used, "%s\r\n", value);
        } else {
            fprintf(stderr, "unknown option %s\n", name);
            exit(2);
        }
    }
    if (!options.port || !options.ca || (!options.body_file && !options.streams) || options.connections < 1) {
        fprintf(stderr, "needed: --port, --ca and --body (or --streams)\n");
        exit(2);
    }
}

int main(int argc, char **argv) {
    read_options(argc, argv);
    prepare_process();
    if (options.body_file) {
        body = read_whole_file(options.body_file, &body_count);
        id_place = strstr(body, "@@@@@@@@@@");
        if (!id_place) stop("no @@@@@@@@@@ in the body");
    }
    context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    if (SSL_CTX_load_verify_file(context, options.ca) != 1) stop(options.ca);
    epoll_fd = epoll_create1(0);

    Connection *all = calloc((size_t)options.connections, sizeof *all);
    for (int i = 0; i < (options.streams ? 1 : options.connections); i++) open_connection(&all[i]);
    if (options.streams)
        run_streams(all);
    else
        run_calls();
    return errors ? 1 : 0;
}
