/* SPDX-License-Identifier: MIT */
/*
 * What a thread watches on Windows. See win32_watches.h.
 *
 * A watch is one of
 *   idle   no conditions are asked for
 *   due    in the list of those to be looked at
 *   out    polled by the driver, or waited for by the pool, which puts it into `ended`
 * and is told only what holds: a result that came in before the present look may be over by now
 * (a handler may have read meanwhile), so it makes the watch due, to be looked at again. A handle's
 * result is told in any case, for waiting may have used it up (an event with automatic reset).
 *
 * The driver's interface (\Device\Afd, IOCTL_AFD_POLL) is not documented by its maker, but it is
 * what select() is made of and what other event libraries use. A poll needs a handle of the driver
 * to go through: a socket that is used for nothing else.
 */
#include "dispatch/win32_watches.h"

#include "platform/platform.h"

#include <halyard/error.h>
#include <halyard/memory.h>
#include <halyard/notifier.h>
#include <winternl.h>

#define IOCTL_AFD_POLL  0x00012024
#define SIO_BASE_HANDLE 0x48000022 /* the socket beneath those that layered providers show */

#ifndef STATUS_SUCCESS
#define STATUS_SUCCESS ((NTSTATUS)0)
#endif
#define STATUS_IS_PENDING   ((NTSTATUS)0x00000103)
#define STATUS_IS_CANCELLED ((NTSTATUS)0xC0000120)
#define STATUS_NO_HANDLE    ((NTSTATUS)0xC0000008)

enum afd_event {
    AFD_RECEIVE = 0x01,
    AFD_EXPEDITED = 0x02,
    AFD_SEND = 0x04,
    AFD_DISCONNECT = 0x08, /* the peer sends no more */
    AFD_ABORT = 0x10,
    AFD_LOCAL_CLOSE = 0x20,
    AFD_ACCEPT = 0x80,
    AFD_CONNECT_FAIL = 0x100
};

struct afd_poll {
    LARGE_INTEGER timeout; /* absolute; the largest: none */
    ULONG count;
    ULONG exclusive;
    struct {
        HANDLE socket;
        ULONG events;
        NTSTATUS status;
    } sockets[1];
};

NTSTATUS NTAPI NtCancelIoFileEx(HANDLE file, PIO_STATUS_BLOCK which, PIO_STATUS_BLOCK ret_status);

enum watch_state {
    WATCH_IDLE,
    WATCH_DUE,
    WATCH_OUT
};

struct hy__win32_watch {
    IO_STATUS_BLOCK status; /* the driver's while the watch is out, with `poll` */
    struct afd_poll poll;
    struct hy__win32_watches *watches; /* const */
    intptr_t descriptor;               /* const */
    SOCKET base;                       /* const; INVALID_SOCKET: it is no socket */
    /* The thread's. */
    void *cookie;
    unsigned conditions;
    enum watch_state state;
    bool is_forgotten;                    /* to be freed as it comes back */
    bool is_told;                         /* a handle: waiting for it has ended */
    HANDLE wait;                          /* of the pool; NULL: none */
    uint32_t look;                        /* in which it went out */
    struct hy__win32_watch *next, **link; /* in `due` */
    /* The lock's. */
    struct hy__win32_watch *next_ended;
    bool has_ended;
};

static bool is_socket(const struct hy__win32_watch *watch)
{
    return watch->base != INVALID_SOCKET;
}

/* --- the list of what is due ------------------------------------------------------------------ */

static void due_add(struct hy__win32_watch *watch)
{
    struct hy__win32_watches *watches = watch->watches;
    watch->state = WATCH_DUE;
    watch->next = watches->due;
    watch->link = &watches->due;
    if (watch->next != NULL)
        watch->next->link = &watch->next;
    watches->due = watch;
}

static void due_remove(struct hy__win32_watch *watch)
{
    *watch->link = watch->next;
    if (watch->next != NULL)
        watch->next->link = watch->link;
    watch->state = WATCH_IDLE;
}

/* --- in a thread of the pool ------------------------------------------------------------------ */

/* All of it under the lock: whoever holds that afterwards knows that the pool has let go. */
static void has_ended(struct hy__win32_watch *watch)
{
    struct hy__win32_watches *watches = watch->watches;
    hy__lock(&watches->lock);
    watch->has_ended = true;
    watch->next_ended = watches->ended;
    watches->ended = watch;
    /* Relaxed: the lock orders it; whoever sleeps on it looks again under the lock. */
    __atomic_add_fetch(&watches->ended_count, 1, __ATOMIC_RELAXED);
    hy__futex_wake(&watches->ended_count, INT32_MAX);
    watches->wake(watches->dispatcher);
    hy__unlock(&watches->lock);
}

static void CALLBACK poll_has_ended(DWORD error, DWORD size, OVERLAPPED *context)
{
    (void)error, (void)size;
    has_ended((struct hy__win32_watch *)(void *)context);
}

static void CALLBACK wait_has_ended(void *context, BOOLEAN timed_out)
{
    (void)timed_out;
    has_ended(context);
}

/* --- sockets ---------------------------------------------------------------------------------- */

static ULONG events_of(unsigned conditions)
{
    return (ULONG)AFD_ABORT | (ULONG)AFD_LOCAL_CLOSE | (ULONG)AFD_CONNECT_FAIL |
           ((conditions & HY_READABLE) != 0
                ? (ULONG)AFD_RECEIVE | (ULONG)AFD_ACCEPT | (ULONG)AFD_DISCONNECT
                : 0u) |
           ((conditions & HY_WRITABLE) != 0 ? (ULONG)AFD_SEND : 0u) |
           ((conditions & HY_URGENT) != 0 ? (ULONG)AFD_EXPEDITED : 0u);
}

static unsigned conditions_of(ULONG events)
{
    /* The end of the peer's data is readable: a read gives 0. So is a failed connection. */
    return ((events & (AFD_RECEIVE | AFD_ACCEPT | AFD_DISCONNECT | AFD_ABORT)) != 0
                ? (unsigned)HY_READABLE
                : 0u) |
           ((events & (AFD_SEND | AFD_CONNECT_FAIL)) != 0 ? (unsigned)HY_WRITABLE : 0u) |
           ((events & AFD_EXPEDITED) != 0 ? (unsigned)HY_URGENT : 0u) |
           ((events & (AFD_DISCONNECT | AFD_ABORT)) != 0 ? (unsigned)HY_HANGUP : 0u) |
           ((events & (AFD_ABORT | AFD_CONNECT_FAIL)) != 0 ? (unsigned)HY_FAILURE : 0u) |
           ((events & AFD_LOCAL_CLOSE) != 0 ? (unsigned)HY_FAILURE | HY_NOT_OPEN : 0u);
}

/* What a poll that has ended says; 0: nothing, look again. */
static unsigned poll_result(const struct hy__win32_watch *watch, NTSTATUS status)
{
    if (status == STATUS_NO_HANDLE)
        return (unsigned)HY_FAILURE | HY_NOT_OPEN;
    if (status == STATUS_IS_CANCELLED)
        return 0;
    if (status < 0)
        return HY_FAILURE;
    return watch->poll.count > 0 ? conditions_of(watch->poll.sockets[0].events) : 0;
}

/* True: it is out; else *ret_conditions hold. */
static bool poll_begin(struct hy__win32_watch *watch, unsigned *ret_conditions)
{
    watch->poll = (struct afd_poll){.timeout.QuadPart = INT64_MAX, .count = 1};
    watch->poll.sockets[0].socket = (HANDLE)watch->base;
    watch->poll.sockets[0].events = events_of(watch->conditions);
    watch->status.Status = STATUS_IS_PENDING;
    NTSTATUS status = NtDeviceIoControlFile(watch->watches->poller, NULL, NULL, watch,
                                            &watch->status, IOCTL_AFD_POLL, &watch->poll,
                                            sizeof watch->poll, &watch->poll, sizeof watch->poll);
    if (status == STATUS_IS_PENDING)
        return true;
    *ret_conditions = poll_result(watch, status);
    return false;
}

static SOCKET base_of(intptr_t descriptor)
{
    SOCKET base;
    DWORD size;
    if (WSAIoctl((SOCKET)descriptor, SIO_BASE_HANDLE, NULL, 0, &base, sizeof base, &size, NULL,
                 NULL) != 0)
        return (SOCKET)descriptor;
    return base;
}

/* Results that are known at once are not told to the pool as well. */
static int open_poller(struct hy__win32_watches *watches)
{
    if (watches->poller != NULL)
        return 0;
    SOCKET poller = WSASocketW(AF_INET, SOCK_DGRAM, IPPROTO_UDP, NULL, 0, WSA_FLAG_OVERLAPPED);
    if (poller == INVALID_SOCKET)
        return hy_error_set_system(WSAGetLastError(), "cannot watch sockets");
    HANDLE handle = (HANDLE)base_of((intptr_t)poller);
    SetHandleInformation(handle, HANDLE_FLAG_INHERIT, 0);
    if (!BindIoCompletionCallback(handle, poll_has_ended, 0) ||
        !SetFileCompletionNotificationModes(handle, FILE_SKIP_COMPLETION_PORT_ON_SUCCESS)) {
        int rc = hy_error_set_system(hy__win32_error(GetLastError()), "cannot watch sockets");
        closesocket(poller);
        return rc;
    }
    watches->poller = handle;
    return 0;
}

/* --- handles ---------------------------------------------------------------------------------- */

static bool wait_begin(struct hy__win32_watch *watch, unsigned *ret_conditions)
{
    HANDLE handle = (HANDLE)watch->descriptor;
    DWORD found = WaitForSingleObject(handle, 0);
    watch->has_ended = false;
    if (found == WAIT_TIMEOUT &&
        RegisterWaitForSingleObject(&watch->wait, handle, wait_has_ended, watch, INFINITE,
                                    WT_EXECUTEONLYONCE | WT_EXECUTEINWAITTHREAD))
        return true;
    watch->wait = NULL;
    *ret_conditions = found == WAIT_FAILED    ? (unsigned)HY_FAILURE | HY_NOT_OPEN
                      : found == WAIT_TIMEOUT ? (unsigned)HY_FAILURE
                                              : (unsigned)HY_READABLE;
    return false;
}

/* The pool has let go of it when this returns. */
static void wait_end(struct hy__win32_watch *watch)
{
    if (watch->wait != NULL)
        UnregisterWaitEx(watch->wait, INVALID_HANDLE_VALUE);
    watch->wait = NULL;
}

/* --- going out and coming back ---------------------------------------------------------------- */

/* Takes back what is out. A poll comes back as cancelled; a wait, at once. */
static void call_back(struct hy__win32_watch *watch)
{
    struct hy__win32_watches *watches = watch->watches;
    if (watch->state != WATCH_OUT)
        return;
    if (is_socket(watch)) {
        IO_STATUS_BLOCK status;
        NtCancelIoFileEx(watches->poller, &watch->status, &status);
        return;
    }
    wait_end(watch);
    hy__lock(&watches->lock);
    bool is_on_its_way = watch->has_ended;
    hy__unlock(&watches->lock);
    if (!is_on_its_way) {
        watch->state = WATCH_IDLE;
        watches->out--;
    }
}

static void watch_free(struct hy__win32_watch *watch)
{
    wait_end(watch);
    hy_memory_release(watch);
}

static void report(struct hy__win32_watch *watch, unsigned conditions, hy_ready_function ready)
{
    void *cookie = watch->cookie;
    if ((conditions & HY_NOT_OPEN) != 0)
        hy__win32_forget(watch->watches, watch->descriptor);
    ready(cookie, conditions);
}

/* It is not out any more. Returns how many were reported. */
static int came_back(struct hy__win32_watch *watch, hy_ready_function ready)
{
    unsigned conditions = 0;
    watch->state = WATCH_IDLE;
    if (watch->is_forgotten) {
        watch_free(watch);
        return 0;
    }
    if (!is_socket(watch)) {
        wait_end(watch);
        conditions = watch->conditions & HY_READABLE;
    } else if (watch->look == watch->watches->look) {
        conditions = poll_result(watch, watch->status.Status) &
                     (watch->conditions | HY_HANGUP | HY_FAILURE | HY_NOT_OPEN);
    }
    if (watch->conditions != 0)
        due_add(watch);
    if (conditions == 0)
        return 0;
    report(watch, conditions, ready);
    return 1;
}

bool hy__win32_has_ended(struct hy__win32_watches *watches)
{
    hy__lock(&watches->lock);
    bool has = watches->ended != NULL;
    hy__unlock(&watches->lock);
    return has;
}

int hy__win32_collect(struct hy__win32_watches *watches, hy_ready_function ready)
{
    int count = 0;
    hy__lock(&watches->lock);
    struct hy__win32_watch *ended = watches->ended;
    watches->ended = NULL;
    hy__unlock(&watches->lock);
    while (ended != NULL) {
        struct hy__win32_watch *watch = ended;
        ended = watch->next_ended;
        watches->out--;
        count += came_back(watch, ready);
    }
    return count;
}

static int look_at(struct hy__win32_watch *watch, hy_ready_function ready)
{
    unsigned conditions = 0;
    watch->look = watch->watches->look;
    if (is_socket(watch) ? poll_begin(watch, &conditions) : wait_begin(watch, &conditions)) {
        watch->state = WATCH_OUT;
        watch->watches->out++;
        return 0;
    }
    due_add(watch);
    if (conditions == 0)
        return 0;
    report(watch, conditions, ready);
    return 1;
}

int hy__win32_look(struct hy__win32_watches *watches, hy_ready_function ready)
{
    /* First what the pool saw since the last wait: it is due as well. */
    watches->look++;
    int count = hy__win32_collect(watches, ready);
    struct hy__win32_watch *due = watches->due, *watch;
    watches->due = NULL;
    if (due != NULL)
        due->link = &due;
    while ((watch = due) != NULL) {
        due_remove(watch);
        count += look_at(watch, ready);
    }
    return count;
}

/* --- the operations --------------------------------------------------------------------------- */

static int not_open(intptr_t descriptor)
{
    return hy_error_set(-HY_EBADF, "%lld is no open socket or handle; it cannot be watched",
                        (long long)descriptor);
}

/* INVALID_SOCKET in *ret_base: a handle that can be waited for. */
static int check_watchable(intptr_t descriptor, SOCKET *ret_base)
{
    DWORD flags;
    int type, size = sizeof type;
    if (descriptor <= 0 || descriptor > INT32_MAX ||
        !GetHandleInformation((HANDLE)descriptor, &flags))
        return not_open(descriptor);
    if (getsockopt((SOCKET)descriptor, SOL_SOCKET, SO_TYPE, (char *)&type, &size) == 0) {
        *ret_base = base_of(descriptor);
        return 0;
    }
    *ret_base = INVALID_SOCKET;
    DWORD kind = GetFileType((HANDLE)descriptor);
    return kind == FILE_TYPE_DISK || kind == FILE_TYPE_PIPE ? hy__watches_not_watchable(descriptor)
                                                            : 0;
}

int hy__win32_watch(struct hy__win32_watches *watches, intptr_t descriptor, unsigned conditions,
                    void *cookie)
{
    SOCKET base = INVALID_SOCKET;
    int rc = check_watchable(descriptor, &base);
    if (rc == 0 && base != INVALID_SOCKET)
        rc = open_poller(watches);
    if (rc < 0)
        return rc;
    struct hy__watch *entry = hy__watches_entry(&watches->table, descriptor >> 2);
    if (entry == NULL)
        return -HY_ENOMEM;
    if (entry->cookie != NULL)
        return hy__watches_taken(descriptor);
    struct hy__win32_watch *watch = hy_memory_allocate_zeroed(sizeof *watch);
    if (watch == NULL)
        return -HY_ENOMEM;
    watch->watches = watches;
    watch->descriptor = descriptor;
    watch->base = base;
    watch->cookie = cookie;
    watch->conditions = conditions;
    entry->cookie = watch;
    if (conditions != 0)
        due_add(watch);
    return 0;
}

int hy__win32_change(struct hy__win32_watches *watches, intptr_t descriptor, unsigned conditions,
                     void *cookie)
{
    struct hy__watch *entry = hy__watches_find(&watches->table, descriptor >> 2);
    if (entry == NULL)
        return hy_error_set(-HY_EBADF, "descriptor %lld is not watched", (long long)descriptor);
    struct hy__win32_watch *watch = entry->cookie;
    bool is_same = watch->conditions == conditions;
    watch->cookie = cookie;
    watch->conditions = conditions;
    if (!is_same)
        call_back(watch);
    if (watch->state == WATCH_DUE && conditions == 0)
        due_remove(watch);
    else if (watch->state == WATCH_IDLE && conditions != 0)
        due_add(watch);
    return 0;
}

void hy__win32_forget(struct hy__win32_watches *watches, intptr_t descriptor)
{
    struct hy__watch *entry = hy__watches_find(&watches->table, descriptor >> 2);
    if (entry == NULL)
        return;
    struct hy__win32_watch *watch = entry->cookie;
    *entry = (struct hy__watch){0};
    call_back(watch);
    if (watch->state == WATCH_DUE)
        due_remove(watch);
    if (watch->state == WATCH_OUT)
        watch->is_forgotten = true;
    else
        watch_free(watch);
}

static void not_ready(void *cookie, unsigned conditions)
{
    (void)cookie, (void)conditions;
}

void hy__win32_watches_free(struct hy__win32_watches *watches)
{
    for (intptr_t place = 0; place < watches->table.size; place++)
        if (watches->table.entries[place].cookie != NULL)
            hy__win32_forget(watches, place << 2);
    for (;;) {
        /* Before the look: what ends afterwards changes it. */
        uint32_t count = __atomic_load_n(&watches->ended_count, __ATOMIC_ACQUIRE);
        hy__win32_collect(watches, not_ready);
        if (watches->out == 0)
            break;
        hy__futex_wait(&watches->ended_count, count, HY_FOREVER);
    }
    /* The collect that found the last one has had the lock after it. */
    if (watches->poller != NULL)
        closesocket((SOCKET)watches->poller);
    hy__watches_free(&watches->table);
}
