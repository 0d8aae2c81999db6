#define _GNU_SOURCE
#include "clinux.h"
#include <fcntl.h>
#include <sys/socket.h>

int komainu_accept4(int listener, struct sockaddr *address, socklen_t *length) {
    return accept4(listener, address, length, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

int komainu_reserve(int file, int64_t offset, int64_t length) {
    return fallocate(file, FALLOC_FL_KEEP_SIZE, offset, length);
}
