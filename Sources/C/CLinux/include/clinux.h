// What Glibc's Swift module does not show: epoll, eventfd, signalfd, accept4, fallocate, flock. Each function is one
// typed call, no logic. _GNU_SOURCE is defined only in the .c file: in a header that Swift sees it makes clang modules
// disagree about fd_set.
#ifndef KOMAINU_CLINUX_H
#define KOMAINU_CLINUX_H
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#pragma clang assume_nonnull begin
/// Accepts without blocking; the new socket is nonblocking and closed on exec. A descriptor, or -1 with errno.
int komainu_accept4(int listener, struct sockaddr *_Nullable address, socklen_t *_Nullable length);
/// A nonblocking, close-on-exec stream socket. A descriptor, or -1 with errno.
int komainu_stream_socket(int family);
/// Reserves blocks without changing the file's length (FALLOC_FL_KEEP_SIZE). 0, or -1 with errno.
int komainu_reserve(int file, int64_t offset, int64_t length);
/// flock(2): LOCK_EX | LOCK_NB. 0, or -1 with errno (EWOULDBLOCK: someone else holds it).
int komainu_try_lock(int file);
/// A nonblocking eventfd that starts at 0. A descriptor, or -1 with errno.
int komainu_eventfd(void);
/// A blocking signalfd for the signals in the mask. A descriptor, or -1 with errno.
int komainu_signalfd(const sigset_t *mask);
/// Names the calling thread; at most 15 bytes are kept.
void komainu_name_thread(const char *name);
/// rename(2). Here because Swift's overlay may shadow it.
int komainu_rename(const char *from, const char *to);
/// open(2), which is variadic.
int komainu_open(const char *path, int flags, unsigned int mode);
/// Opens and reads nothing: whether the descriptor number is open, for tests that count leaks.
int komainu_is_open(int descriptor);
/// The text of an errno in the C locale, copied into the buffer; always terminated.
void komainu_error_text(int number, char *buffer, size_t capacity);
/// The wall clock's greatest error in microseconds (adjtimex(2)), or -1 when it is not synchronised.
int64_t komainu_clock_error(void);
/// What this thread had attached to it; NULL when nothing.
const void *_Nullable komainu_attachment(void);
void komainu_attach(const void *_Nullable object);
/// No core file, and no other process of the same user may read this one's memory (prctl(2), PR_SET_DUMPABLE). 0, or -1.
int komainu_keep_memory_private(void);
/// mallopt(3): how much freed memory the heap keeps, from what size on memory is mapped by itself, how much it grows at once.
void komainu_keep_freed_memory(int keep, int map, int grow);
/// Begins this program anew with the environment as it is now (execv(3)). Returns -1 when it cannot, else not at all.
int komainu_begin_anew(char *_Nullable const *_Nonnull arguments);
/// Two connected stream sockets, closed on exec; the first is nonblocking. 0, or -1 with errno.
int komainu_socket_pair(int pair[_Nonnull 2]);
/// Starts a program with these three descriptors and no others, in a process group of its own, with no signal blocked, ignored
/// or handled; the kernel kills it when the calling thread ends. 0 and the process, or an errno.
int komainu_spawn(const char *path, char *_Nullable const *_Nonnull arguments, char *_Nullable const *_Nonnull environment,
                  const int standard[_Nonnull 3], int *process);
/// waitid(2) for a child that has ended. 1 with how (0: it exited) and with what, 0 when it still runs, -1 with errno. It is
/// only looked at unless `take`, and then waited for.
int komainu_wait(int process, int take, int *signalled, int *status);
/// pidfd_open(2). A descriptor, or -1 with errno.
int komainu_process_descriptor(int process);
#pragma clang assume_nonnull end
#endif
