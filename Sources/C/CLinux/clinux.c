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
#include <sys/wait.h>
#include <signal.h>
#include <sys/syscall.h>

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

int komainu_socket_pair(int pair[2]) {
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) return -1;
    // Each end has its own flags: the program on the other one expects to wait.
    return fcntl(pair[0], F_SETFL, O_NONBLOCK);
}

// Only what is safe after vfork(2): the memory is the parent's, which waits until this process has another program.
static void begin(const char *path, char *const *arguments, char *const *environment, const int standard[3], pid_t parent) {
    const struct sigaction usual = {.sa_handler = SIG_DFL};
    for (int number = 1; number < NSIG; number++) sigaction(number, &usual, NULL);
    if (setpgid(0, 0) != 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent) return;
    for (int number = 0; number < 3; number++)
        if (dup2(standard[number], number) < 0) return;
    if (close_range(3, ~0U, 0) != 0) return;
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execve(path, arguments, environment);
}

int komainu_spawn(const char *path, char *const *arguments, char *const *environment, const int standard[3], int *process) {
    // Above the three, so that none is overwritten by another.
    int kept[3] = {-1, -1, -1};
    volatile int failure = 0;
    for (int number = 0; number < 3 && failure == 0; number++) {
        kept[number] = fcntl(standard[number], F_DUPFD_CLOEXEC, 3);
        if (kept[number] < 0) failure = errno;
    }
    if (failure == 0) {
        sigset_t all, before;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        const pid_t parent = getpid();
        const pid_t child = vfork();
        if (child == 0) {
            begin(path, arguments, environment, kept, parent);
            failure = errno ? errno : ESRCH;
            _exit(127);
        }
        if (child < 0) {
            failure = errno;
        } else if (failure != 0) {
            waitpid(child, NULL, 0);
        } else {
            *process = child;
        }
        pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
    for (int number = 0; number < 3; number++)
        if (kept[number] >= 0) close(kept[number]);
    return failure;
}

int komainu_process_descriptor(int process) {
    return (int)syscall(SYS_pidfd_open, process, 0);
}

int komainu_wait(int process, int take, int *signalled, int *status) {
    siginfo_t info = {0};
    const int options = take ? WEXITED : WEXITED | WNOHANG | WNOWAIT;
    while (waitid(P_PID, (id_t)process, &info, options) != 0)
        if (errno != EINTR) return -1;
    if (info.si_pid != process) return 0;
    *signalled = info.si_code != CLD_EXITED;
    *status = info.si_status;
    return 1;
}
