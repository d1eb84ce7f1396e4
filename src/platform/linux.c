/* SPDX-License-Identifier: MIT */
/*
 * Linux: clock, futex, forks, POSIX threads.
 */
#include "platform/platform.h"

#include <errno.h>
#include <halyard/thread.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

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

/* --- forks ------------------------------------------------------------------------------------ */

uint32_t hy__generation;

/*
 * Held over pthread_atfork() and pthread_key_create(), which never wait: what is to be done once is
 * tried again when it has failed, which pthread_once() would not do.
 */
static uint32_t once_lock;
static bool fork_registered; /* atomic; written under the lock */
static void (*fork_function)(void);

static void forked(void)
{
    hy__generation++;
    __atomic_load_n(&fork_function, __ATOMIC_RELAXED)();
}

/* The main thread's, before the library could change it: what "normal" is here. */
static int niceness_at_first;

static int fork_register(void)
{
    int rc = 0;
    hy__lock(&once_lock);
    if (!__atomic_load_n(&fork_registered, __ATOMIC_RELAXED)) {
        niceness_at_first = getpriority(PRIO_PROCESS, (id_t)getpid());
        rc = pthread_atfork(NULL, NULL, forked);
        /* Release: who sees it sees the niceness. */
        __atomic_store_n(&fork_registered, rc == 0, __ATOMIC_RELEASE);
    }
    hy__unlock(&once_lock);
    return rc;
}

int hy__at_fork(void (*function)(void))
{
    /* All callers store the same pointer, before the first of them registers. Relaxed: the lock
     * orders it. */
    __atomic_store_n(&fork_function, function, __ATOMIC_RELAXED);
    return __atomic_load_n(&fork_registered, __ATOMIC_ACQUIRE) ? 0 : fork_register();
}

/* --- threads ---------------------------------------------------------------------------------- */

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
        ret_thread->id = (uintptr_t)thread;
    pthread_attr_destroy(&attributes);
    return rc;
}

bool hy__os_thread_join(struct hy__os_thread thread, int64_t deadline_ns)
{
    if (deadline_ns == HY_FOREVER)
        return pthread_join((pthread_t)thread.id, NULL) != ETIMEDOUT;
    int rc;
    int64_t left_ns;
    if (deadline_ns < 0) /* the difference below has room then */
        deadline_ns = 0;
    do {
        /* This call counts by the wall clock, which may be set meanwhile: look again at ours. */
        struct timespec limit;
        clock_gettime(CLOCK_REALTIME, &limit);
        left_ns = deadline_ns - hy__clock_ns();
        if (left_ns > 0) {
            int64_t sum_ns = limit.tv_nsec + left_ns % HY_SECOND;
            limit.tv_sec += (time_t)(left_ns / HY_SECOND + sum_ns / HY_SECOND);
            limit.tv_nsec = (long)(sum_ns % HY_SECOND);
        }
        rc = pthread_timedjoin_np((pthread_t)thread.id, NULL, &limit);
    } while (rc == ETIMEDOUT && left_ns > 0);
    return rc != ETIMEDOUT;
}

void hy__os_thread_set_name(const char *name)
{
    char short_name[16];
    strncpy(short_name, name, sizeof short_name - 1);
    short_name[sizeof short_name - 1] = '\0';
    pthread_setname_np(pthread_self(), short_name);
}

void *hy__os_allocate_aligned(size_t alignment, size_t size)
{
    void *memory;
    if (posix_memalign(&memory, alignment, size) != 0)
        return NULL;
    if (alignment == HY__HUGE_PAGE)
        madvise(memory, size, MADV_HUGEPAGE); /* a kernel without them refuses */
    return memory;
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

uint32_t hy__os_thread_number(void)
{
    return (uint32_t)syscall(SYS_gettid);
}

/*
 * Linux counts niceness and policy by thread. Threads that a real-time or favoured one starts do
 * not inherit that (SCHED_RESET_ON_FORK); the flag stays, since only the privileged may clear it.
 */
int hy__os_thread_set_priority(uint32_t number, int level)
{
    static const struct {
        int policy, niceness;
    } levels[] = {
        [HY_THREAD_PRIORITY_NORMAL] = {SCHED_OTHER, 0},
        [HY_THREAD_PRIORITY_IDLE] = {SCHED_IDLE, 0},
        [HY_THREAD_PRIORITY_LOW] = {SCHED_OTHER, 10},
        [HY_THREAD_PRIORITY_HIGH] = {SCHED_OTHER | SCHED_RESET_ON_FORK, -10},
        [HY_THREAD_PRIORITY_REALTIME] = {SCHED_RR | SCHED_RESET_ON_FORK, 0},
    };
    pid_t thread = (pid_t)number;
    int before = sched_getscheduler(thread);
    struct sched_param parameters_before, parameters = {0};
    if (before < 0 || sched_getparam(thread, &parameters_before) != 0)
        return errno;
    int policy = levels[level].policy | (before & SCHED_RESET_ON_FORK);
    if (level == HY_THREAD_PRIORITY_REALTIME)
        parameters.sched_priority = sched_get_priority_min(SCHED_RR);
    if (sched_setscheduler(thread, policy, &parameters) != 0)
        return errno;
    if (level == HY_THREAD_PRIORITY_REALTIME || level == HY_THREAD_PRIORITY_IDLE)
        return 0;                                              /* niceness does not count there */
    int niceness = niceness_at_first + levels[level].niceness; /* the system cuts it to its range */
    if (setpriority(PRIO_PROCESS, (id_t)number, niceness) == 0)
        return 0;
    int rc = errno;
    sched_setscheduler(thread, before, &parameters_before);
    return rc;
}

/* --- end of a thread ------------------------------------------------------------------------- */

static pthread_key_t end_key; /* lock; const once it is made */
static bool end_key_made;     /* atomic; written under the lock */
static void (*end_function)(void *);

static void end_destructor(void *value)
{
    void (*function)(void *) = __atomic_load_n(&end_function, __ATOMIC_RELAXED);
    function(value);
}

static int end_key_make(void)
{
    int rc = 0;
    hy__lock(&once_lock);
    if (!__atomic_load_n(&end_key_made, __ATOMIC_RELAXED)) {
        rc = pthread_key_create(&end_key, end_destructor);
        /* Release: who sees it sees the key. */
        __atomic_store_n(&end_key_made, rc == 0, __ATOMIC_RELEASE);
    }
    hy__unlock(&once_lock);
    return rc;
}

int hy__at_thread_end(void (*function)(void *), void *value)
{
    /* There is one function in the library; all threads store the same pointer. Relaxed: each
     * thread's own destructor comes after its own store. */
    __atomic_store_n(&end_function, function, __ATOMIC_RELAXED);
    int rc = __atomic_load_n(&end_key_made, __ATOMIC_ACQUIRE) ? 0 : end_key_make();
    return rc != 0 ? rc : pthread_setspecific(end_key, value);
}

void hy__forget_thread_end(void)
{
    pthread_setspecific(end_key, NULL); /* made: the thread has a record */
}

int hy__system_errno(int number)
{
    return number;
}

const char *hy__system_error_text(int system_errno, char *buffer, size_t size)
{
    return strerror_r(system_errno, buffer, size);
}
