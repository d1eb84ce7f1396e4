/* SPDX-License-Identifier: MIT */
/*
 * Dispatchers: the only part of a thread that knows the system. This header is for those who write
 * or choose one.
 *
 * A dispatcher is a struct that begins with `struct hy_dispatcher`. All operations are called by
 * the thread it belongs to, but wake and unpark, which come from any thread, and destroy, which
 * comes from the last user of the thread's record. Those marked optional may be NULL.
 */
#ifndef HALYARD_DISPATCHER_H
#define HALYARD_DISPATCHER_H

#include <halyard/error.h>

HY_BEGIN_DECLS

struct hy_dispatcher_ops;

/* What a back end embeds as its first member. */
struct hy_dispatcher {
    const struct hy_dispatcher_ops *ops;
};

/* Told of each descriptor that is ready: the cookie given to watch, and enum hy_condition. */
typedef void (*hy_ready_function)(void *cookie, unsigned conditions);

#define HY_DISPATCHER_VERSION 2u

enum hy_dispatcher_flag {
    /*
     * A foreign loop may run this thread's Halyard inside any handler, through hy_guest_prepare()
     * and hy_guest_dispatch(): every post from elsewhere then calls wake, also while a handler
     * runs.
     */
    HY_DISPATCHER_HOSTED = 1 << 0
};

/* Reported with HY_FAILURE: the descriptor is not open, and is watched no more. */
#define HY_NOT_OPEN (1u << 31)

enum hy_wait_flag {
    HY_WAIT_BLOCK = 1 << 0,          /* wait; without it only look */
    HY_WAIT_NO_DESCRIPTORS = 1 << 1, /* what is watched does not end the wait and is not reported */
    HY_WAIT_GUEST = 1 << 2, /* somebody else has waited: a wait that would run the foreign loop only
                               reports; never with HY_WAIT_BLOCK */
    HY_WAIT_NO_USER_INPUT = 1 << 3 /* what the user types and points at waits in the dispatcher, in
                                      its order; for those that take it from the system */
};

struct hy_dispatcher_ops {
    uint32_t version;
    uint32_t size; /* sizeof this structure, for growth at its end */
    const char *name;
    unsigned flags; /* enum hy_dispatcher_flag */

    /* Optional: monotonic time in nanoseconds, of the same clock in all dispatchers of a program:
     * deadlines travel from one thread to another. NULL: the system's. */
    int64_t (*now)(struct hy_dispatcher *dispatcher);

    /* Optional: the thread begins to run (before `started`), and has ended its work (after its
     * objects; it may begin again). attach returns 0, or a negative code that makes the thread's
     * loops fail. */
    int (*attach)(struct hy_dispatcher *dispatcher);
    void (*detach)(struct hy_dispatcher *dispatcher);

    /* Watch a descriptor for conditions, change them, forget it. watch: -HY_EEXIST, -HY_EBADF,
     * -HY_ENOMEM. No conditions: nothing is reported, but perhaps a hang-up, once. A descriptor
     * that turns out not to be open is reported once, as HY_FAILURE | HY_NOT_OPEN, and not watched
     * any more. Level-triggered. */
    int (*watch)(struct hy_dispatcher *dispatcher, intptr_t descriptor, unsigned conditions,
                 void *cookie);
    int (*change)(struct hy_dispatcher *dispatcher, intptr_t descriptor, unsigned conditions,
                  void *cookie);
    int (*forget)(struct hy_dispatcher *dispatcher, intptr_t descriptor);

    /*
     * The point in time at which the next wait must end at the latest; HY_FOREVER: none. precise:
     * to the nanosecond as far as the system can, else a millisecond late is good enough; never
     * early.
     */
    void (*set_deadline)(struct hy_dispatcher *dispatcher, int64_t deadline_ns, bool precise);

    /* Optional: a deadline before all others has come up, while the dispatcher does not wait; for
     * guests whose foreign loop does not ask (hy_guest_prepare()) before it waits. */
    void (*sooner)(struct hy_dispatcher *dispatcher, int64_t deadline_ns);

    /*
     * Waits until a watched descriptor is ready, wake was called, or the deadline has come; flags
     * are of enum hy_wait_flag. Reports what is ready. A wake that came before counts. Being
     * interrupted by a signal is an ordinary return. How many native events it dispatched to
     * handlers of the program, mostly 0, or a negative code, which ends the loop.
     */
    int (*wait)(struct hy_dispatcher *dispatcher, unsigned flags, hy_ready_function ready);

    /* Ends the wait in progress, or else the next one. Any number of calls may count as one. Any
     * thread, from the moment the dispatcher is set, also before attach and after detach. */
    void (*wake)(struct hy_dispatcher *dispatcher);

    /* Optional: a descriptor that is readable when a wait with these flags would return at once,
     * the deadline included: for hy_loop_descriptor(). Once it has been asked for, set_deadline
     * keeps it up to date. */
    int (*descriptor)(struct hy_dispatcher *dispatcher, unsigned flags);

    /*
     * Optional, both or none: blocks while *word is expected, until unpark on that word or the
     * deadline; may return early for no reason. 0 or -HY_ETIMEDOUT. For joins and blocking calls.
     * unpark releases everybody parked on the word; it comes from any thread, with that thread's
     * own dispatcher. So a program in which one dispatcher has a way of its own needs it in all.
     */
    int (*park)(struct hy_dispatcher *dispatcher, uint32_t *word, uint32_t expected,
                int64_t deadline_ns);
    void (*unpark)(struct hy_dispatcher *dispatcher, uint32_t *word);

    /* Ends it and gives its memory back. The thread no longer runs. */
    void (*destroy)(struct hy_dispatcher *dispatcher);
};

/*
 * Makes the default dispatcher of this system (Linux: epoll; Windows: see below). Owned by the
 * caller until given to a thread with hy_thread_set_dispatcher(). Errors: -HY_ENOMEM, -HY_EMFILE,
 * -HY_EIO. Thread: any.
 */
HY_API int hy_dispatcher_create(struct hy_dispatcher **ret_dispatcher) HY_MUST_USE;
/* Makes the portable one, on poll(): the reference. Its wait costs more the more descriptors it
 * watches. Errors and threads as above; -HY_ENOTSUP (Windows). */
HY_API int hy_dispatcher_create_poll(struct hy_dispatcher **ret_dispatcher) HY_MUST_USE;

/* --- Windows ------------------------------------------------------------------------------------
 *
 * The thread's message queue is its loop. A window that nobody sees takes wake-ups, so whoever runs
 * the queue runs Halyard too: a Halyard loop, which also dispatches the messages of the thread's
 * other windows, or any loop with GetMessage() and DispatchMessage(): a message box, a menu, a
 * window being dragged, the program's own. When a handler of a Halyard loop starts one of those, a
 * timer that it started, or a notifier that was ready, may come up to 50 ms late, once. WM_QUIT
 * ends the thread's loops, with its code. hy_loop_descriptor() is -HY_ENOTSUP: there is no
 * descriptor to wait for.
 *
 * A descriptor is a SOCKET or a HANDLE that can be waited for (an event, a process, ...), any
 * number of them. Of a handle, HY_READABLE means that it is signalled: an event with automatic
 * reset is told once, and is unset again by then. A socket keeps the mode it is in. The thread must
 * let the system run what it calls on its behalf: a thread that is ended from outside
 * (TerminateThread()) takes its Halyard with it.
 *
 * Native events are the MSG, in the order in which they leave the queue; while user input is
 * excluded (HY_PROCESS_EXCLUDE_USER_INPUT), messages of keyboard, mouse, pen and touch, and
 * WM_CLOSE, wait in their order.
 */

/* --- for dispatchers that are guests in a foreign loop ------------------------------------------
 *
 * Thread: the dispatcher's.
 */

enum hy_guest_flag {
    /*
     * The foreign loop runs inside a handler that the dispatcher's own wait has called: it goes on
     * whatever the Halyard loop that waits is asked to do. Without this flag, a call out of that
     * wait is one of the waiting loop itself.
     */
    HY_GUEST_NESTED = 1 << 0
};

/* Before the foreign loop waits: 1 when something is pending, so that it must not wait, else 0.
 * *ret_deadline_ns is the point in time at which hy_guest_dispatch() must be called at the latest;
 * *ret_wait_flags (NULL is allowed) has HY_WAIT_NO_DESCRIPTORS when what is watched must not end
 * the wait. flags: of enum hy_guest_flag. */
HY_API int hy_guest_prepare(unsigned flags, int64_t *ret_deadline_ns, unsigned *ret_wait_flags);
/* One iteration without waiting: calls the dispatcher's own wait with HY_WAIT_GUEST. Returns the
 * number of callbacks or a negative code. */
HY_API int hy_guest_dispatch(unsigned flags);

/* --- native events -----------------------------------------------------------------------------
 *
 * What a dispatcher takes from the system's own queue (an XCB event, a Win32 MSG) goes through
 * these filters before anything else sees it. They belong to the thread that installs them.
 */

/* The caller's memory, cleared before its first use, which stays until the filter is removed or its
 * thread has ended; members that end in _ are the library's. It knows its thread: removing it
 * anywhere else is an error. */
struct hy_native_filter {
    /* Whether the event is dealt with and goes no further; *result is for systems that want one. */
    bool (*filter)(struct hy_native_filter *self, void *native_event, intptr_t *result);
    void *context; /* the user's */
    struct hy_native_filter *next_;
    struct hy_thread_record *record_;
    uint64_t turn_;
};

/* Puts the filter before all others of the calling thread; one that is installed there moves to the
 * front. Errors: -HY_EINVAL (no function), -HY_EWRONGTHREAD (it is installed in another thread),
 * -HY_ENOMEM. Thread: any, for itself. */
HY_API int hy_native_filter_install(struct hy_native_filter *filter);
/* Takes it away, also from inside a filter. Errors: -HY_ENOENT, -HY_EWRONGTHREAD. Thread: the one
 * that installed it. */
HY_API int hy_native_filter_remove(struct hy_native_filter *filter);
/* For dispatchers: whether a filter of the calling thread dealt with the event. Counts as a handler
 * that the loop called; when it has called any, it also calls wake, so that the wait goes round. */
HY_API bool hy_native_filters_apply(void *native_event, intptr_t *result);

HY_END_DECLS

#endif
