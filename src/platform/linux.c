/* SPDX-License-Identifier: MIT */
/*
 * Linux: clock, futex, the one-word lock, POSIX threads.
 */
#include "platform/platform.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
    LOCK_SPINS = 64
};

int64_t hy__clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * HY_SECOND + now.tv_nsec;
}

bool hy__futex_wait(uint32_t *word, uint32_t expected, int64_t deadline_ns)
{
    struct timespec deadline, *limit = NULL;
    if (deadline_ns != HY_FOREVER) {
        if (deadline_ns < 0)
            deadline_ns = 0;
        deadline.tv_sec = (time_t)(deadline_ns / HY_SECOND);
        deadline.tv_nsec = (long)(deadline_ns % HY_SECOND);
        limit = &deadline;
    }
    /* FUTEX_WAIT_BITSET takes an absolute time of the monotonic clock. */
    long rc = syscall(SYS_futex, word, FUTEX_WAIT_BITSET_PRIVATE, expected, limit, NULL,
                      FUTEX_BITSET_MATCH_ANY);
    return !(rc < 0 && errno == ETIMEDOUT);
}

void hy__futex_wake(uint32_t *word, int count)
{
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0);
}

static void spin_pause(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
}

void hy__lock_slow(uint32_t *word)
{
    for (int spin = 0; spin < LOCK_SPINS; spin++) {
        uint32_t free_word = 0;
        /* Relaxed look first, so that waiting does not steal the line from the holder. */
        if (__atomic_load_n(word, __ATOMIC_RELAXED) == 0 &&
            __atomic_compare_exchange_n(word, &free_word, 1u, false, __ATOMIC_ACQUIRE,
                                        __ATOMIC_RELAXED))
            return;
        spin_pause();
    }
    /* 2 stays until the word is free: whoever unlocks then wakes one sleeper. */
    while (__atomic_exchange_n(word, 2u, __ATOMIC_ACQUIRE) != 0)
        hy__futex_wait(word, 2u, HY_FOREVER);
}

int hy__os_thread_start(struct hy__os_thread *ret_thread, void *(*entry)(void *), void *context,
                        size_t stack_size)
{
    pthread_attr_t attributes;
    int rc = pthread_attr_init(&attributes);
    if (rc != 0)
        return rc;
    if (stack_size != 0) {
        if (stack_size < (size_t)PTHREAD_STACK_MIN)
            stack_size = (size_t)PTHREAD_STACK_MIN;
        rc = pthread_attr_setstacksize(&attributes, (stack_size + 4095) & ~(size_t)4095);
    }
    pthread_t thread;
    if (rc == 0)
        rc = pthread_create(&thread, &attributes, entry, context);
    if (rc == 0)
        ret_thread->id = (unsigned long)thread;
    pthread_attr_destroy(&attributes);
    return rc;
}

void hy__os_thread_join(struct hy__os_thread thread)
{
    pthread_join((pthread_t)thread.id, NULL);
}

void hy__os_thread_set_name(const char *name)
{
    char short_name[16];
    strncpy(short_name, name, sizeof short_name - 1);
    short_name[sizeof short_name - 1] = '\0';
    pthread_setname_np(pthread_self(), short_name);
}

uint32_t hy__os_processors(void)
{
    cpu_set_t allowed; /* a container may have fewer than the machine */
    int count = sched_getaffinity(0, sizeof allowed, &allowed) == 0 ? CPU_COUNT(&allowed) : 0;
    if (count < 1) /* more than the set has room for */
        count = (int)sysconf(_SC_NPROCESSORS_ONLN);
    return count < 1 ? 1u : (uint32_t)count;
}

bool hy__os_thread_is_initial(void)
{
    return syscall(SYS_gettid) == getpid();
}

/* --- signals ---------------------------------------------------------------------------------- */

static sigset_t mask_before; /* main thread only */

int hy__signals_open(int *ret_descriptor)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    int rc = pthread_sigmask(SIG_BLOCK, &set, &mask_before);
    if (rc != 0)
        return rc;
    int descriptor = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (descriptor < 0) {
        rc = errno;
        pthread_sigmask(SIG_SETMASK, &mask_before, NULL);
        return rc;
    }
    *ret_descriptor = descriptor;
    return 0;
}

int hy__signals_read(int descriptor)
{
    struct signalfd_siginfo info;
    ssize_t size = read(descriptor, &info, sizeof info);
    return size == (ssize_t)sizeof info ? (int)info.ssi_signo : 0;
}

void hy__signals_close(int descriptor)
{
    close(descriptor);
    pthread_sigmask(SIG_SETMASK, &mask_before, NULL);
}

/* --- end of a thread ------------------------------------------------------------------------- */

static pthread_key_t end_key;
static pthread_once_t end_once = PTHREAD_ONCE_INIT;
static int end_key_error;
static void (*end_function)(void *);

static void end_destructor(void *value)
{
    void (*function)(void *) = __atomic_load_n(&end_function, __ATOMIC_RELAXED);
    function(value);
}

static void end_key_create(void)
{
    end_key_error = pthread_key_create(&end_key, end_destructor);
}

int hy__at_thread_end(void (*function)(void *), void *value)
{
    /* There is one function in the library; all threads store the same pointer. Relaxed:
     * pthread_once orders it. */
    __atomic_store_n(&end_function, function, __ATOMIC_RELAXED);
    pthread_once(&end_once, end_key_create);
    return end_key_error != 0 ? end_key_error : pthread_setspecific(end_key, value);
}

const char *hy__system_error_text(int system_errno, char *buffer, size_t size)
{
    return strerror_r(system_errno, buffer, size);
}
