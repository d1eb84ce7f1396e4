/* SPDX-License-Identifier: MIT */
/*
 * Notifiers: the readiness of a descriptor as a signal. Level-triggered: the signal comes in every
 * iteration while the condition holds. One notifier watches one descriptor for any mix of
 * conditions.
 *
 *     hy_notifier_init(&self->notifier, &self->hy);
 *     hy_connect(&self->notifier.events.ready, self, port_ready, HY_DIRECT);
 *     hy_notifier_watch(&self->notifier, descriptor, HY_READABLE);
 *
 * A slot that is queued, to another thread say, comes later; until it has read, every iteration
 * emits again.
 */
#ifndef HALYARD_NOTIFIER_H
#define HALYARD_NOTIFIER_H

#include <halyard/signal.h>

HY_BEGIN_DECLS

/* What may hold of a descriptor. */
enum hy_condition {
    HY_READABLE = 1 << 0,
    HY_WRITABLE = 1 << 1,
    HY_URGENT = 1 << 2, /* out-of-band data */
    HY_HANGUP = 1 << 3, /* reported with READABLE and WRITABLE, whichever are watched */
    HY_FAILURE = 1 << 4 /* the same, for an error on the descriptor */
};

/* The payload of `ready`. */
struct hy_readiness {
    intptr_t descriptor;
    unsigned conditions; /* those that hold, of enum hy_condition */
};

/* Watches one descriptor. */
struct hy_notifier {
    HY_INHERITS(hy_object);
    struct {
        hy_signal(struct hy_readiness) ready; /* the descriptor is */
    } events;
    /* The library's: guard home thread. */
    struct hy_notifier *previous_, *next_;
    intptr_t descriptor_;
    uint32_t conditions_, ready_;
    bool watched_, queued_, away_, travels_;
};

extern HY_API const struct hy_class hy_notifier_class;

/* Makes a notifier that watches nothing. Errors: as hy_object_init(). Thread: home of parent. */
HY_API int hy_notifier_init(struct hy_notifier *notifier, struct hy_object *parent) HY_MUST_USE;
/* Stops watching and ends it; the descriptor stays open. Errors and thread: as hy_object_fini(). */
HY_API int hy_notifier_fini(struct hy_notifier *notifier);

/*
 * Watches the descriptor for these conditions; called again with the same one, it changes them; 0
 * pauses. Close the descriptor only after hy_notifier_unwatch(): one that is closed before is told
 * as HY_FAILURE and no longer watched, but with epoll not until its number is watched again; with
 * poll(), and on Windows, another file that has got its number meanwhile may be watched instead.
 * Errors: -HY_EBADF (not open, or of a kind that cannot be watched), -HY_EEXIST (another notifier
 * of the thread watches it), -HY_EBUSY (this one watches another descriptor), -HY_EINVAL (no such
 * condition), -HY_EWRONGTHREAD, -HY_ENOMEM, -HY_EMFILE. It moves with its object; in the hooks of a
 * move what is asked for is done, and checked, on arrival. Thread: home.
 */
HY_API int hy_notifier_watch(struct hy_notifier *notifier, intptr_t descriptor,
                             unsigned conditions);
/* Forgets the descriptor; a readiness already collected is not delivered. Errors: -HY_EWRONGTHREAD.
 * Thread: home. */
HY_API int hy_notifier_unwatch(struct hy_notifier *notifier);

HY_END_DECLS

#endif
