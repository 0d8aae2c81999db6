// What Glibc's Swift module does not show: epoll, eventfd, accept4, fallocate. Each function is one typed call, no logic.
// _GNU_SOURCE is defined only in the .c file: in a header that Swift sees it makes clang modules disagree about fd_set.
#ifndef KOMAINU_CLINUX_H
#define KOMAINU_CLINUX_H
#include <stdint.h>
#include <stddef.h>
#include <sys/socket.h>

#pragma clang assume_nonnull begin
int komainu_accept4(int listener, struct sockaddr *_Nullable address, socklen_t *_Nullable length);
/// Reserves blocks without changing the file's length (FALLOC_FL_KEEP_SIZE). 0, or -1 with errno.
int komainu_reserve(int file, int64_t offset, int64_t length);
#pragma clang assume_nonnull end
#endif
