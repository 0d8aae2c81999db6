#define _GNU_SOURCE
#include "clinux.h"
#include <unistd.h>
#include <sys/resource.h>
#include <sys/prctl.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timex.h>

int komainu_accept4(int listener, struct sockaddr *address, socklen_t *length) {
    return accept4(listener, address, length, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

int komainu_stream_socket(int family) {
    return socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

int komainu_reserve(int file, int64_t offset, int64_t length) {
    return fallocate(file, FALLOC_FL_KEEP_SIZE, offset, length);
}

int komainu_try_lock(int file) {
    return flock(file, LOCK_EX | LOCK_NB);
}

int komainu_eventfd(void) {
    return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
}

int komainu_signalfd(const sigset_t *mask) {
    return signalfd(-1, mask, SFD_CLOEXEC);
}

void komainu_name_thread(const char *name) {
    char kept[16];
    strncpy(kept, name, sizeof kept - 1);
    kept[sizeof kept - 1] = 0;
    pthread_setname_np(pthread_self(), kept);
}

int komainu_rename(const char *from, const char *to) {
    return rename(from, to);
}

int komainu_open(const char *path, int flags, unsigned int mode) {
    return open(path, flags | O_CLOEXEC, mode);
}

int komainu_is_open(int descriptor) {
    return fcntl(descriptor, F_GETFD) != -1;
}

void komainu_error_text(int number, char *buffer, size_t capacity) {
    const char *text = strerrordesc_np(number);
    snprintf(buffer, capacity, "%s", text ? text : "unknown error");
}

int64_t komainu_clock_error(void) {
    struct timex state = {.modes = 0};
    int clock = adjtimex(&state);
    return clock == TIME_ERROR || (state.status & STA_UNSYNC) ? -1 : state.maxerror;
}

static _Thread_local const void *attachment;

const void *komainu_attachment(void) {
    return attachment;
}

void komainu_attach(const void *object) {
    attachment = object;
}

void komainu_keep_freed_memory(int keep, int map, int grow) {
    mallopt(M_TRIM_THRESHOLD, keep);
    mallopt(M_MMAP_THRESHOLD, map);
    mallopt(M_TOP_PAD, grow);
}

int komainu_keep_memory_private(void) {
    const struct rlimit none = {0, 0};
    return setrlimit(RLIMIT_CORE, &none) == 0 && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 ? 0 : -1;
}

int komainu_begin_anew(char *const *arguments) {
    return execv("/proc/self/exe", arguments);
}
