/* SPDX-License-Identifier: MIT */
/*
 * The wrapped calls and the errors of each. The state is atomic and without a lock, for calls come
 * from every thread and from signal handlers. See failing_calls.h.
 */
#include "failing_calls.h"

#include <errno.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    ERRORS_MAX = 4
};

/* The calls and what each may plausibly say; tests/core/meson.build has the same names. */
#define CALLS(X)                                                                                   \
    X(epoll_create1, EMFILE, ENFILE, ENOMEM)                                                       \
    X(epoll_ctl, ENOMEM, ENOSPC)                                                                   \
    X(epoll_wait, EINTR)                                                                           \
    X(epoll_pwait2, EINTR, ENOSYS, EPERM)                                                          \
    X(poll, EINTR, ENOMEM)                                                                         \
    X(ppoll, EINTR, ENOMEM)                                                                        \
    X(eventfd, EMFILE, ENFILE, ENOMEM)                                                             \
    X(timerfd_create, EMFILE, ENFILE, ENOMEM)                                                      \
    X(dup3, EMFILE, EBUSY)                                                                         \
    X(pipe2, EMFILE, ENFILE)                                                                       \
    X(read, EINTR)                                                                                 \
    X(write, EINTR)                                                                                \
    X(sigaction, EINVAL)                                                                           \
    X(syscall, EINTR, EAGAIN)                                                                      \
    X(pthread_create, EAGAIN)                                                                      \
    X(pthread_attr_init, ENOMEM)                                                                   \
    X(pthread_attr_setstacksize, EINVAL)                                                           \
    X(pthread_atfork, ENOMEM)                                                                      \
    X(pthread_key_create, EAGAIN, ENOMEM)                                                          \
    X(pthread_setspecific, ENOMEM)                                                                 \
    X(sched_getaffinity, EINVAL)                                                                   \
    X(sched_setscheduler, EPERM)                                                                   \
    X(setpriority, EACCES)                                                                         \
    X(socket, EMFILE, ENFILE, ENOMEM, EACCES)                                                      \
    X(bind, EADDRINUSE, EADDRNOTAVAIL, EACCES, ENOMEM)                                             \
    X(connect, ENETUNREACH, EADDRNOTAVAIL, ENOMEM)                                                 \
    X(getsockname, ENOBUFS)                                                                        \
    X(getsockopt, ENOBUFS)                                                                         \
    X(setsockopt, ENOMEM, EPERM)                                                                   \
    X(sendto, EINTR, EAGAIN, ENOBUFS, ECONNREFUSED)                                                \
    X(sendmmsg, EINTR, EAGAIN, ENOBUFS, ECONNREFUSED)                                              \
    X(recvmmsg, EINTR, EAGAIN, ENOMEM, ECONNREFUSED)

enum call {
#define NUMBER(name, ...) CALL_##name,
    CALLS(NUMBER) CALLS_END
};

static const struct {
    const char *name;
    int errors[ERRORS_MAX + 1];
} calls[] = {
#define ROW(name, ...) {#name, {__VA_ARGS__}},
    CALLS(ROW)};

/* All relaxed: whoever plans has no other threads yet, or does not mind which call it is. */
static long countdown; /* 0: none is planned */
static struct failure plan;
static int reached_call = -1, reached_error, lasting_call = -1;
static __thread bool is_alone;
static long own_failures[CALLS_END], *failures = own_failures;

void failing_calls_plan(const struct failure *failure)
{
    failing_calls_stop();
    plan = *failure;
    __atomic_store_n(&reached_error, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&reached_call, -1, __ATOMIC_RELAXED);
    __atomic_store_n(&countdown, failure->n, __ATOMIC_SEQ_CST);
}

void failing_calls_stop(void)
{
    __atomic_store_n(&countdown, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&lasting_call, -1, __ATOMIC_RELAXED);
}

bool failing_calls_reached(void)
{
    return __atomic_load_n(&reached_call, __ATOMIC_RELAXED) >= 0;
}

const char *failing_calls_name(void)
{
    return failing_calls_reached() ? calls[reached_call].name : "none";
}

int failing_calls_error(void)
{
    return __atomic_load_n(&reached_error, __ATOMIC_RELAXED);
}

void failing_calls_leave_alone(bool alone)
{
    is_alone = alone;
}

void failing_calls_share(void)
{
    void *memory =
        mmap(NULL, sizeof own_failures, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (memory != MAP_FAILED)
        failures = memory;
}

int failing_calls_count(void)
{
    return CALLS_END;
}

const char *failing_calls_name_of(int call)
{
    return calls[call].name;
}

long failing_calls_failures_of(int call)
{
    return __atomic_load_n(&failures[call], __ATOMIC_RELAXED);
}

static bool is_lasting(int error)
{
    return error != EINTR && error != EAGAIN && error != EBUSY && error != ECONNREFUSED;
}

static int fail(enum call call, int error)
{
    (void)__atomic_add_fetch(&failures[call], 1, __ATOMIC_RELAXED);
    errno = error;
    return error;
}

/* The error that this call is to return, in errno too; 0: none. */
static int refuse(enum call call)
{
    long left = __atomic_load_n(&countdown, __ATOMIC_RELAXED);

    if (is_alone)
        return 0;
    if (__atomic_load_n(&lasting_call, __ATOMIC_RELAXED) == (int)call)
        return fail(call, failing_calls_error());
    while (left > 0 && !__atomic_compare_exchange_n(&countdown, &left, left - 1, false,
                                                    __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
    }
    if (left != 1)
        return 0;
    int error = calls[call].errors[plan.choice];
    if (error != 0 && plan.lasting && !is_lasting(error))
        error = 0;
    __atomic_store_n(&reached_error, error, __ATOMIC_RELAXED);
    __atomic_store_n(&reached_call, (int)call, __ATOMIC_RELAXED);
    if (error == 0)
        return 0;
    if (plan.lasting)
        __atomic_store_n(&lasting_call, (int)call, __ATOMIC_RELAXED);
    return fail(call, error);
}

/* --- the calls -------------------------------------------------------------------------------- */

/* -1 and errno. */
#define WRAP(type, name, parameters, arguments)                                                    \
    type __real_##name parameters;                                                                 \
    type __wrap_##name parameters;                                                                 \
    type __wrap_##name parameters                                                                  \
    {                                                                                              \
        return refuse(CALL_##name) != 0 ? -1 : __real_##name arguments;                            \
    }

/* The error is the result. */
#define WRAP_POSIX(name, parameters, arguments)                                                    \
    int __real_##name parameters;                                                                  \
    int __wrap_##name parameters;                                                                  \
    int __wrap_##name parameters                                                                   \
    {                                                                                              \
        int errno_before = errno, error = refuse(CALL_##name);                                     \
                                                                                                   \
        errno = errno_before;                                                                      \
        return error != 0 ? error : __real_##name arguments;                                       \
    }

WRAP(int, epoll_create1, (int flags), (flags))
WRAP(int, epoll_wait, (int set, struct epoll_event *events, int room, int timeout),
     (set, events, room, timeout))
WRAP(int, epoll_pwait2,
     (int set, struct epoll_event *events, int room, const struct timespec *timeout,
      const sigset_t *mask),
     (set, events, room, timeout, mask))
WRAP(int, poll, (struct pollfd * polls, nfds_t count, int timeout), (polls, count, timeout))
WRAP(int, ppoll,
     (struct pollfd * polls, nfds_t count, const struct timespec *timeout, const sigset_t *mask),
     (polls, count, timeout, mask))
WRAP(int, eventfd, (unsigned value, int flags), (value, flags))
WRAP(int, timerfd_create, (int clock, int flags), (clock, flags))
WRAP(int, dup3, (int from, int to, int flags), (from, to, flags))
WRAP(int, pipe2, (int ends[2], int flags), (ends, flags))
WRAP(ssize_t, read, (int descriptor, void *data, size_t size), (descriptor, data, size))
WRAP(ssize_t, write, (int descriptor, const void *data, size_t size), (descriptor, data, size))
WRAP(int, sched_getaffinity, (pid_t number, size_t size, cpu_set_t *set), (number, size, set))
WRAP(int, sched_setscheduler, (pid_t number, int policy, const struct sched_param *parameters),
     (number, policy, parameters))
WRAP(int, setpriority, (int which, id_t who, int value), (which, who, value))
WRAP(int, socket, (int family, int type, int protocol), (family, type, protocol))
WRAP(int, bind, (int socket, const struct sockaddr *address, socklen_t size),
     (socket, address, size))
WRAP(int, connect, (int socket, const struct sockaddr *address, socklen_t size),
     (socket, address, size))
WRAP(int, getsockname, (int socket, struct sockaddr *address, socklen_t *size),
     (socket, address, size))
WRAP(int, getsockopt, (int socket, int level, int option, void *value, socklen_t *size),
     (socket, level, option, value, size))
WRAP(int, setsockopt, (int socket, int level, int option, const void *value, socklen_t size),
     (socket, level, option, value, size))
WRAP(ssize_t, sendto,
     (int socket, const void *data, size_t size, int flags, const struct sockaddr *to,
      socklen_t to_size),
     (socket, data, size, flags, to, to_size))
WRAP(int, sendmmsg, (int socket, struct mmsghdr *messages, unsigned count, int flags),
     (socket, messages, count, flags))
WRAP(int, recvmmsg,
     (int socket, struct mmsghdr *messages, unsigned count, int flags, struct timespec *timeout),
     (socket, messages, count, flags, timeout))
WRAP_POSIX(pthread_create,
           (pthread_t * thread, const pthread_attr_t *attributes, void *(*entry)(void *),
            void *context),
           (thread, attributes, entry, context))
WRAP_POSIX(pthread_attr_init, (pthread_attr_t * attributes), (attributes))
WRAP_POSIX(pthread_attr_setstacksize, (pthread_attr_t * attributes, size_t size),
           (attributes, size))
WRAP_POSIX(pthread_atfork, (void (*before)(void), void (*parent)(void), void (*child)(void)),
           (before, parent, child))
WRAP_POSIX(pthread_key_create, (pthread_key_t * key, void (*destructor)(void *)), (key, destructor))
WRAP_POSIX(pthread_setspecific, (pthread_key_t key, const void *value), (key, value))

/* To take something out, or to set it otherwise, needs no memory. */
int __real_epoll_ctl(int set, int operation, int descriptor, struct epoll_event *event);
int __wrap_epoll_ctl(int set, int operation, int descriptor, struct epoll_event *event);
int __wrap_epoll_ctl(int set, int operation, int descriptor, struct epoll_event *event)
{
    return operation == EPOLL_CTL_ADD && refuse(CALL_epoll_ctl) != 0
               ? -1
               : __real_epoll_ctl(set, operation, descriptor, event);
}

/* To ask is never refused. */
int __real_sigaction(int number, const struct sigaction *action, struct sigaction *before);
int __wrap_sigaction(int number, const struct sigaction *action, struct sigaction *before);
int __wrap_sigaction(int number, const struct sigaction *action, struct sigaction *before)
{
    return action != NULL && refuse(CALL_sigaction) != 0 ? -1
                                                         : __real_sigaction(number, action, before);
}

/* The waits of a futex. */
long __real_syscall(long number, ...);
long __wrap_syscall(long number, long a, long b, long c, long d, long e, long f);
long __wrap_syscall(long number, long a, long b, long c, long d, long e, long f)
{
    return number == SYS_futex && ((int)b & FUTEX_CMD_MASK) == FUTEX_WAIT_BITSET &&
                   refuse(CALL_syscall) != 0
               ? -1
               : __real_syscall(number, a, b, c, d, e, f);
}
