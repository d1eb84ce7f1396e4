/* SPDX-License-Identifier: MIT */
/*
 * Events and invocations: saying something to one object, from any thread.
 *
 * What one thread posts to one object arrives in the order posted (per priority), exactly once, in
 * the object's thread, also across moves of the object. An event posted while a pass delivers never
 * overtakes that pass.
 */
#ifndef HALYARD_EVENT_H
#define HALYARD_EVENT_H

#include <halyard/object.h>

HY_BEGIN_DECLS

/* What waits at a higher one is delivered first; within one, in the order posted. */
enum hy_priority {
    HY_PRIORITY_LOW,
    HY_PRIORITY_NORMAL,
    HY_PRIORITY_HIGH
};

/* Types below this one are the library's. */
#define HY_EVENT_USER 1000u

/* What a class's event handler gets. Valid during the call. */
struct hy_event {
    uint32_t type;    /* HY_EVENT_USER and above: the user's */
    const void *data; /* the payload, or NULL */
    size_t size;      /* bytes of the payload */
};

/*
 * Queues an event for the receiver; its bytes are copied. Returns before it is delivered, always.
 * Errors: -HY_ESHUTDOWN (receiver dead, or its thread finished and kept nothing), -HY_EINVAL (no
 * such priority, or a size without data), -HY_ENOMEM. Thread: any; through a plain pointer until
 * the receiver's fini begins, see hy_ref_post().
 */
HY_API int hy_post(struct hy_object *receiver, uint32_t type, const void *data, size_t size,
                   enum hy_priority priority);
/* The same through a weak reference, at any time. */
HY_API int hy_ref_post(struct hy_ref receiver, uint32_t type, const void *data, size_t size,
                       enum hy_priority priority);

/*
 * Calls the receiver's event handler at once. Errors: -HY_EWRONGTHREAD (then post), -HY_ESHUTDOWN,
 * -HY_EINVAL (NULL). Thread: home.
 */
HY_API int hy_send(struct hy_object *receiver, struct hy_event *event);

/* A function run in the receiver's thread: its object, and the payload. */
typedef void (*hy_invoke_function)(struct hy_object *receiver, const void *payload);

/*
 * Runs function(receiver, payload) in the receiver's thread, queued behind what the caller posted
 * to it before; also from the receiver's own thread. payload is copied as described (NULL and NULL:
 * none); the description itself is borrowed for good. Errors: -HY_ESHUTDOWN, -HY_EINVAL (no
 * function), -HY_ENOMEM, -HY_EBORROWED, or what copy() returned. Thread: any; through a plain
 * pointer until the receiver's fini begins, see hy_ref_invoke().
 */
HY_API int hy_invoke(struct hy_object *receiver, hy_invoke_function function,
                     const struct hy_payload *description, const void *payload);
/* The same through a weak reference, at any time. */
HY_API int hy_ref_invoke(struct hy_ref receiver, hy_invoke_function function,
                         const struct hy_payload *description, const void *payload);

/* clang-format off */
/* The description of a plain type: static const struct hy_payload p = HY_PLAIN_PAYLOAD(struct point); */
#define HY_PLAIN_PAYLOAD(type_) { HY_PAYLOAD_PLAIN, #type_, sizeof(type_), NULL, NULL }
/* The description of a type that is copied and destroyed by functions. */
#define HY_DESCRIBED_PAYLOAD(type_, copy_, destroy_) \
    { HY_PAYLOAD_DESCRIBED, #type_, sizeof(type_), copy_, destroy_ }
/* clang-format on */

HY_END_DECLS

#endif
