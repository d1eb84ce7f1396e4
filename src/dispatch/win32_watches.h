/* SPDX-License-Identifier: MIT */
/*
 * Sockets and handles that a thread of Windows watches, any number of them.
 *
 * A socket is polled by the driver beneath Winsock (IOCTL_AFD_POLL), once at a time: it keeps the
 * mode it is in, may be watched by several threads, and tells when it is closed. A handle is waited
 * for by the system's thread pool. What is not ready yet is told there, by a thread of the pool,
 * which calls wake; what is ready already is known at once, without that. So a socket that stays
 * ready costs one system call a look, however many others there are.
 */
#ifndef HALYARD_DISPATCH_WIN32_WATCHES_H
#define HALYARD_DISPATCH_WIN32_WATCHES_H

#include "dispatch/watches.h"
#include "platform/win32.h"

#include <halyard/dispatcher.h>

struct hy__win32_watch;

struct hy__win32_watches {
    void (*wake)(struct hy_dispatcher *dispatcher); /* const; any thread */
    struct hy_dispatcher *dispatcher;               /* const */
    /* The thread's. */
    struct hy__watches table;    /* by descriptor / 4, as Windows numbers handles */
    struct hy__win32_watch *due; /* to be looked at next */
    HANDLE poller;               /* a socket that polls others; NULL: none yet */
    uint32_t out;                /* polls and waits that have not ended, or not been seen to */
    uint32_t look;               /* counts the looks */
    /* The lock's. */
    uint32_t lock;
    struct hy__win32_watch *ended; /* what the pool has seen */
    uint32_t ended_count;          /* of all time; the end waits on it */
};

/* As the operations of a dispatcher. Thread: its own. */
int hy__win32_watch(struct hy__win32_watches *watches, intptr_t descriptor, unsigned conditions,
                    void *cookie);
int hy__win32_change(struct hy__win32_watches *watches, intptr_t descriptor, unsigned conditions,
                     void *cookie);
void hy__win32_forget(struct hy__win32_watches *watches, intptr_t descriptor);

/* Reports what is ready now, and has the pool watch the rest. Returns how many were reported. */
int hy__win32_look(struct hy__win32_watches *watches, hy_ready_function ready);
/* After a wait: reports what the pool has seen since that look; whatever it saw before is due. */
int hy__win32_collect(struct hy__win32_watches *watches, hy_ready_function ready);

/* Whether what the pool has seen waits to be collected. */
bool hy__win32_has_ended(struct hy__win32_watches *watches);

/* Ends it; waits until the pool has let go. Thread: any, the last one. */
void hy__win32_watches_free(struct hy__win32_watches *watches);

#endif
