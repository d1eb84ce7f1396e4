/* SPDX-License-Identifier: MIT */
/*
 * Signals of the system: one handler for all, and a table of the pipes it writes to.
 *
 * The handler may interrupt any thread anywhere, several threads at once. It takes no lock,
 * allocates nothing and keeps errno. A slot of the table is one word: the descriptor and the serial
 * of the watch, or 0. The handler counts itself in before it looks at the word for good, so
 * whoever clears the word and then waits for the count to be 0 knows that nobody writes to that
 * descriptor any more; new handlers find 0 and do not count themselves in, so that wait is short.
 *
 * The lock serialises watching and its end; the handler does not know it. It is held over
 * sigaction(), which never waits, for table and system must agree.
 *
 * In a forked child, until hy__signals_forget() has run, the handler finds that it is not in the
 * process that installed it: it puts the former action back and has the signal come again.
 */
#include "platform/platform.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

enum {
    NUMBERS = 64,
    WATCHES = 64 /* of one signal */
};

struct slot {
    uint64_t word;  /* atomic: serial << 32 | descriptor + 1, or 0; written under the lock */
    uint32_t users; /* atomic: handlers that may write to it */
    uint32_t lost;  /* atomic: an arrival found the pipe full */
};

static struct slot slots[NUMBERS + 1][WATCHES];
static struct sigaction former[NUMBERS + 1]; /* lock; const while the handler is installed */
static uint32_t watches[NUMBERS + 1];        /* lock: how many there are */
static uint32_t slots_used[NUMBERS + 1];     /* atomic: slots above have never been used */
static uint64_t installed;                   /* atomic: bit number - 1; written under the lock */
static uint32_t lock;
static uint32_t serial;              /* lock */
static uint32_t missed[NUMBERS + 1]; /* atomic: one came that nobody was told of */
static pid_t owner;                  /* atomic: the process whose table this is */
static int32_t ending_count;         /* atomic: hy__signals_end_process_at(); 0: off */

/* --- the handler ------------------------------------------------------------------------------ */

static struct hy__signal_note note_of(int number, const siginfo_t *info)
{
    struct hy__signal_note note = {.number = number, .code = info->si_code};
    bool from_process = info->si_code <= 0 && info->si_code != SI_TIMER &&
                        info->si_code != SI_ASYNCIO && info->si_code != SI_SIGIO;
    if (number == SIGCHLD || from_process) {
        note.pid = info->si_pid;
        note.uid = info->si_uid;
    }
    if (number == SIGCHLD && info->si_code > 0)
        note.status = info->si_status;
    return note;
}

static bool write_note(int descriptor, const struct hy__signal_note *note)
{
    ssize_t size;
    do /* shorter than PIPE_BUF: all of it or nothing */
        size = write(descriptor, note, sizeof *note);
    while (size < 0 && errno == EINTR);
    return size >= 0 || errno != EAGAIN;
}

/* Whether there was anybody to tell. */
static bool tell(struct slot *slot, const struct hy__signal_note *note)
{
    /* Sequentially consistent: counted in before the second look, see hy__signal_unwatch(). */
    if (__atomic_load_n(&slot->word, __ATOMIC_SEQ_CST) == 0)
        return false;
    __atomic_add_fetch(&slot->users, 1, __ATOMIC_SEQ_CST);
    uint64_t word = __atomic_load_n(&slot->word, __ATOMIC_SEQ_CST);
    if (word != 0) {
        struct hy__signal_note own = *note;
        own.serial = (uint32_t)(word >> 32);
        int descriptor = (int)(uint32_t)word - 1;
        if (!write_note(descriptor, &own)) {
            /* The reader looks at `lost` when it has emptied the pipe: if it has by now, the second
             * note calls it again. */
            __atomic_store_n(&slot->lost, 1u, __ATOMIC_SEQ_CST);
            write_note(descriptor, &own);
        }
    }
    if (__atomic_sub_fetch(&slot->users, 1, __ATOMIC_SEQ_CST) == 0 &&
        __atomic_load_n(&slot->word, __ATOMIC_SEQ_CST) == 0)
        hy__futex_wake(&slot->users, INT32_MAX);
    return word != 0;
}

static void by_default(int number)
{
    struct sigaction action = {.sa_handler = SIG_DFL};
    sigaction(number, &action, NULL);
    raise(number); /* comes as the handler returns */
}

static bool is_ours(const struct sigaction *action);

static bool is_former(int number, const struct sigaction *action)
{
    return action->sa_sigaction == former[number].sa_sigaction;
}

/*
 * Nobody was told. Either the last watch ends in this moment: then the signal is for the handler
 * that was there before, and whoever of us and hy__signal_unwatch() takes `missed` sends it again;
 * it is set before our look at the handler, and looked at there after the handler is changed. Or
 * somebody has put our handler back after it: then it steps aside.
 */
static void pass_on(int number)
{
    struct sigaction current;
    __atomic_store_n(&missed[number], 1u, __ATOMIC_SEQ_CST);
    if (sigaction(number, NULL, &current) != 0)
        return;
    if (is_ours(&current)) {
        if ((__atomic_load_n(&installed, __ATOMIC_SEQ_CST) & UINT64_C(1) << (number - 1)) != 0)
            return;
        sigaction(number, &former[number], NULL);
    } else if (!is_former(number, &current)) {
        return; /* a handler of the program that calls ours */
    }
    if (__atomic_exchange_n(&missed[number], 0u, __ATOMIC_SEQ_CST) != 0)
        raise(number); /* comes as the handler returns */
}

static void handler(int number, siginfo_t *info, void *context)
{
    (void)context;
    int errno_before = errno;
    if (__atomic_load_n(&owner, __ATOMIC_RELAXED) != getpid()) {
        sigaction(number, &former[number], NULL);
        raise(number);
        errno = errno_before;
        return;
    }
    if (number == SIGINT || number == SIGTERM) {
        int32_t left = __atomic_load_n(&ending_count, __ATOMIC_RELAXED);
        /* Relaxed: only the number matters. */
        while (left > 0 && !__atomic_compare_exchange_n(&ending_count, &left, left - 1, true,
                                                        __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
        }
        if (left == 1)
            by_default(number);
    }
    struct hy__signal_note note = note_of(number, info);
    uint32_t count = __atomic_load_n(&slots_used[number], __ATOMIC_ACQUIRE);
    bool told = false;
    for (uint32_t i = 0; i < count; i++)
        told |= tell(&slots[number][i], &note);
    if (!told)
        pass_on(number);
    errno = errno_before;
}

void hy__signals_end_process_at(int count)
{
    __atomic_store_n(&ending_count, count, __ATOMIC_RELAXED);
}

/* --- watching --------------------------------------------------------------------------------- */

bool hy__signal_is_valid(int number)
{
    switch (number) {
    case SIGKILL:
    case SIGSTOP: /* cannot be caught */
    case SIGSEGV:
    case SIGBUS:
    case SIGFPE:
    case SIGILL: /* tell of a fault in the very thread, which would come again */
        return false;
    default:
        return number >= 1 && number <= NUMBERS && (number < 32 || number >= SIGRTMIN);
    }
}

static bool is_ours(const struct sigaction *action)
{
    return (action->sa_flags & SA_SIGINFO) != 0 && action->sa_sigaction == handler;
}

/* Lock held. */
static int install(int number)
{
    if (sigaction(number, NULL, &former[number]) != 0)
        return errno;
    if (is_ours(&former[number])) /* a handler of this process, from before a fork */
        former[number] = (struct sigaction){.sa_handler = SIG_DFL};
    __atomic_store_n(&owner, getpid(), __ATOMIC_RELAXED);
    __atomic_store_n(&missed[number], 0u, __ATOMIC_RELAXED);
    struct sigaction action = {.sa_sigaction = handler,
                               .sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK};
    sigfillset(&action.sa_mask);
    const uint64_t bit = UINT64_C(1) << (number - 1);
    __atomic_or_fetch(&installed, bit, __ATOMIC_RELAXED);
    if (sigaction(number, &action, NULL) == 0)
        return 0;
    __atomic_and_fetch(&installed, ~bit, __ATOMIC_RELAXED); /* there is no handler to see it */
    return errno;
}

/* Lock held. */
static void restore(int number)
{
    struct sigaction current;
    /* Unless somebody else has put something in our place. */
    if (sigaction(number, NULL, &current) == 0 && is_ours(&current))
        sigaction(number, &former[number], NULL);
    /* Sequentially consistent: see pass_on(). */
    __atomic_and_fetch(&installed, ~(UINT64_C(1) << (number - 1)), __ATOMIC_SEQ_CST);
}

/* Lock held, or the caller's own: it does not change meanwhile. */
static struct slot *find(int number, int descriptor)
{
    for (int i = 0; i < WATCHES; i++) {
        uint64_t word = __atomic_load_n(&slots[number][i].word, __ATOMIC_RELAXED);
        if (word != 0 && (int)(uint32_t)word - 1 == descriptor)
            return &slots[number][i];
    }
    return NULL;
}

int hy__signal_watch(int number, int descriptor)
{
    int rc = EBUSY;
    hy__lock(&lock);
    for (uint32_t i = 0; i < WATCHES; i++) {
        struct slot *slot = &slots[number][i];
        /* One that a handler still counts itself in is not free yet. */
        if (__atomic_load_n(&slot->word, __ATOMIC_RELAXED) != 0 ||
            __atomic_load_n(&slot->users, __ATOMIC_SEQ_CST) != 0)
            continue;
        rc = watches[number] == 0 ? install(number) : 0;
        if (rc != 0)
            break;
        watches[number]++;
        __atomic_store_n(&slot->lost, 0u, __ATOMIC_RELAXED);
        /* Sequentially consistent: see tell(). */
        __atomic_store_n(&slot->word, (uint64_t)++serial << 32 | ((uint32_t)descriptor + 1),
                         __ATOMIC_SEQ_CST);
        if (i >= slots_used[number])
            __atomic_store_n(&slots_used[number], i + 1, __ATOMIC_RELEASE);
        break;
    }
    hy__unlock(&lock);
    return rc;
}

void hy__signal_unwatch(int number, int descriptor)
{
    bool send = false;
    hy__lock(&lock);
    struct slot *slot = find(number, descriptor);
    if (slot != NULL) {
        __atomic_store_n(&slot->word, UINT64_C(0), __ATOMIC_SEQ_CST);
        if (--watches[number] == 0) {
            restore(number);
            send = __atomic_exchange_n(&missed[number], 0u, __ATOMIC_SEQ_CST) != 0;
        }
    }
    hy__unlock(&lock);
    if (send)
        hy__signal_send(number);
    uint32_t users;
    while (slot != NULL && (users = __atomic_load_n(&slot->users, __ATOMIC_SEQ_CST)) != 0 &&
           __atomic_load_n(&slot->word, __ATOMIC_SEQ_CST) == 0)
        hy__futex_wait(&slot->users, users, HY_FOREVER);
}

bool hy__signal_is_current(int descriptor, const struct hy__signal_note *note)
{
    const struct slot *slot = find(note->number, descriptor);
    return slot != NULL && __atomic_load_n(&slot->word, __ATOMIC_RELAXED) >> 32 == note->serial;
}

bool hy__signal_take_lost(int number, int descriptor)
{
    struct slot *slot = find(number, descriptor);
    return slot != NULL && __atomic_load_n(&slot->lost, __ATOMIC_SEQ_CST) != 0 &&
           __atomic_exchange_n(&slot->lost, 0u, __ATOMIC_SEQ_CST) != 0;
}

void hy__signal_send(int number)
{
    kill(getpid(), number);
}

/* The only thread of its process. */
void hy__signals_forget(void)
{
    for (int number = 1; number <= NUMBERS; number++) {
        if ((installed & UINT64_C(1) << (number - 1)) != 0)
            restore(number);
        memset(slots[number], 0, slots_used[number] * sizeof slots[number][0]);
        watches[number] = slots_used[number] = 0;
    }
    ending_count = 0;
}

/* --- pipes ------------------------------------------------------------------------------------ */

int hy__signal_pipe_open(int ret_pipe[2])
{
    return pipe2(ret_pipe, O_CLOEXEC | O_NONBLOCK) == 0 ? 0 : errno;
}

bool hy__signal_pipe_read(int descriptor, struct hy__signal_note *ret_note)
{
    ssize_t size;
    do
        size = read(descriptor, ret_note, sizeof *ret_note);
    while (size < 0 && errno == EINTR);
    return size == (ssize_t)sizeof *ret_note;
}

void hy__signal_pipe_close(int pipe[2])
{
    for (int i = 0; i < 2; i++) {
        if (pipe[i] >= 0)
            close(pipe[i]);
        pipe[i] = -1;
    }
}
