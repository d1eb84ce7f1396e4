/* SPDX-License-Identifier: MIT */
/*
 * Dispatchers: the only part of a thread that knows the system. This header is for those who write
 * one.
 *
 * A dispatcher is a struct that begins with `struct hy_dispatcher`. All operations are called by
 * the thread it belongs to, but wake and unpark, which come from any thread, and destroy, which
 * comes from the last user of the thread's record. All operations are mandatory; what the system
 * lacks returns -HY_ENOTSUP.
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

#define HY_DISPATCHER_VERSION 1u

struct hy_dispatcher_ops {
    uint32_t version;
    uint32_t size; /* sizeof this structure, for growth at its end */
    const char *name;

    /* Monotonic time in nanoseconds, of the same clock in all dispatchers of a program: deadlines
     * travel from one thread to another. */
    int64_t (*now)(struct hy_dispatcher *dispatcher);

    /* Watch a descriptor for conditions, change them, forget it. watch: -HY_EEXIST, -HY_EBADF,
     * -HY_ENOMEM. No conditions: nothing is reported, but perhaps a hang-up, once. */
    int (*watch)(struct hy_dispatcher *dispatcher, intptr_t handle, unsigned conditions,
                 void *cookie);
    int (*change)(struct hy_dispatcher *dispatcher, intptr_t handle, unsigned conditions,
                  void *cookie);
    int (*forget)(struct hy_dispatcher *dispatcher, intptr_t handle);

    /*
     * The point in time at which the next wait must end at the latest; HY_FOREVER: none. precise:
     * to the nanosecond as far as the system can, else a millisecond late is good enough; never
     * early.
     */
    void (*set_deadline)(struct hy_dispatcher *dispatcher, int64_t deadline_ns, bool precise);

    /*
     * Waits until a watched descriptor is ready, wake was called, or the deadline has come; without
     * block it only looks. Reports what is ready. A wake that came before counts. Being interrupted
     * by a signal is an ordinary return. 0 or a negative code, which ends the loop.
     */
    int (*wait)(struct hy_dispatcher *dispatcher, bool block, hy_ready_function ready);

    /* Ends the wait in progress, or else the next one. Any number of calls may count as one. Any
     * thread. */
    void (*wake)(struct hy_dispatcher *dispatcher);

    /*
     * Blocks while *word is expected, until unpark on that word or the deadline; may return early
     * for no reason. 0 or -HY_ETIMEDOUT. For joins and blocking calls.
     *
     * Whoever unparks does so through its own thread's dispatcher, or without one, and reaches
     * those parked through another: all dispatchers of a program park in the same way. On Linux
     * that is a private futex on the word, FUTEX_WAIT_BITSET_PRIVATE and FUTEX_WAKE_PRIVATE.
     */
    int (*park)(struct hy_dispatcher *dispatcher, uint32_t *word, uint32_t expected,
                int64_t deadline_ns);
    /* Releases everybody parked on the word, by whatever dispatcher. Any thread. */
    void (*unpark)(struct hy_dispatcher *dispatcher, uint32_t *word);

    /* Ends it and gives its memory back. The thread no longer runs. */
    void (*destroy)(struct hy_dispatcher *dispatcher);
};

/*
 * Makes the default dispatcher of this system (Linux: epoll). Owned by the caller until given to a
 * thread. Errors: -HY_ENOMEM, -HY_EMFILE, -HY_EIO. Thread: any.
 */
HY_API int hy_dispatcher_create(struct hy_dispatcher **ret_dispatcher) HY_MUST_USE;

HY_END_DECLS

#endif
