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

/* Of what waits, a higher priority is delivered first; within one, in the order posted. */
enum hy_priority {
    HY_PRIORITY_LOW,
    HY_PRIORITY_NORMAL,
    HY_PRIORITY_HIGH
};

/* Numbers of event types. Below HY_EVENT_USER are the library's, and can be sent but not posted,
 * but for HY_EVENT_QUIT; from there on the user's, plain numbers; from HY_EVENT_REGISTERED on those
 * of hy_event_type_register(). */
enum {
    HY_EVENT_ANY = 0,     /* to hy_posted_flush() and its kin: all events, slots and invokes */
    HY_EVENT_DESTROY = 1, /* to them: the requests of hy_object_destroy_later() */
    HY_EVENT_QUIT = 2,    /* sent to the application: see hy_app_request_quit() */
    HY_EVENT_USER = 1000,
    HY_EVENT_REGISTERED = 0x10000
};

/* What an event handler or filter gets. Valid during the call. */
struct hy_event {
    uint32_t type;
    const void *data; /* the payload, or NULL */
    size_t size;      /* bytes of the payload */
    /* Whom it was posted or sent to; set by the library, NULL once that one has ended or moved to
     * another thread. A parent that gets the event after it finds it here. */
    struct hy_object *receiver;
    bool ignored; /* set by a handler that has no use for it: hy_event_ignore() */
};

/* What is special about a type of events. */
enum hy_event_type_flag {
    HY_EVENT_PROPAGATES = 1 << 0, /* what a handler ignores goes on to the parent */
    HY_EVENT_USER_INPUT = 1 << 1  /* held back by HY_PROCESS_EXCLUDE_USER_INPUT */
};

/* A type of events that is more than a number. Static. */
struct hy_event_type {
    const char *name;                 /* for messages */
    unsigned flags;                   /* enum hy_event_type_flag */
    const struct hy_payload *payload; /* how its payload is copied and destroyed; NULL: bytes */
    /*
     * Called as an event of this type is about to be delivered while a newer one waits for the same
     * receiver at the same priority: merges the newer one's payload into the older one's and
     * returns true, or false to have both delivered; asked again with the next one until it says
     * false. Runs in the receiver's thread, under no lock. It must not end or move the receiver, or
     * the event is not delivered, nor run a loop, or the two may change places. NULL: none.
     */
    bool (*compress)(void *older, const void *newer);
};

/*
 * Gives the type a number. Registering the same description again gives the same one. Errors:
 * -HY_EINVAL (no name, a borrowed payload), -HY_ENOMEM (more than 65,536 types). Thread: any.
 */
HY_API int hy_event_type_register(const struct hy_event_type *type,
                                  uint32_t *ret_number) HY_MUST_USE;

/* Says that the handler has no use for the event. Thread: the handler's. */
static inline void hy_event_ignore(struct hy_event *event)
{
    event->ignored = true;
}

/*
 * Queues an event for the receiver, however many wait; its payload is copied: the bytes, or as its
 * registered type says. Returns before it is delivered, always. Errors: -HY_ESHUTDOWN (receiver
 * dead, or its thread finished and kept nothing), -HY_EINVAL (no such priority or type, a size
 * without data, or another size than its type has), -HY_ENOMEM, or what copy() returned. Thread:
 * any; through a plain pointer until the receiver's fini begins, see hy_ref_post().
 */
HY_API int hy_post(struct hy_object *receiver, uint32_t type, const void *data, size_t size,
                   enum hy_priority priority);
/* The same through a weak reference, at any time. */
HY_API int hy_ref_post(struct hy_ref receiver, uint32_t type, const void *data, size_t size,
                       enum hy_priority priority);

/*
 * Filters and handles the event at once. Returns 1 when a filter stopped it (or ended the object
 * that it was for) or a handler took it, 0 when all that it reached ignored it; an object whose
 * class has no handler ignores it. The payload stays the caller's. Errors: -HY_EWRONGTHREAD
 * (then post, or hy_call()), -HY_ESHUTDOWN, -HY_EINVAL (NULL). Thread: home.
 */
HY_API int hy_send(struct hy_object *receiver, struct hy_event *event);

/* --- what waits --------------------------------------------------------------------------------
 *
 * receiver NULL: all receivers of the calling thread. type: one type of events, or HY_EVENT_ANY for
 * everything that was posted, queued and invoked. Each goes through all that waits in the thread,
 * so it takes time in proportion to that. Thread: home. Errors: -HY_EWRONGTHREAD,
 * -HY_ESHUTDOWN, -HY_ENOMEM.
 */

/*
 * Delivers now what waits, in its order, and nothing that is posted meanwhile; everything else
 * keeps its place. A handler that ends the loop ends the flush too. With HY_EVENT_DESTROY: destroys
 * those whose request was made in the handler that calls this and who have no handler on the stack.
 * Returns how many were delivered.
 */
HY_API int hy_posted_flush(struct hy_object *receiver, uint32_t type);
/* Drops what waits, and counts it as dropped. Payloads are destroyed under no lock: that code may
 * post and end objects. HY_EVENT_DESTROY: not possible, -HY_EINVAL. Returns how many were removed.
 */
HY_API int hy_posted_remove(struct hy_object *receiver, uint32_t type);
/* How many wait; the one being handled is not among them. With HY_EVENT_DESTROY: how many objects
 * with a request that has not been served yet. */
HY_API int hy_posted_count(struct hy_object *receiver, uint32_t type);

/* --- filters -----------------------------------------------------------------------------------
 *
 * A filter sees the events of others, posted and sent, before they do; the newest filter first. It
 * returns true to stop an event. It is an object, and drops out when it ends.
 */
typedef bool (*hy_filter_function)(struct hy_object *filter, struct hy_object *receiver,
                                   struct hy_event *event);

/*
 * Filters the events of watched; installed again, the filter moves to the front and takes this
 * function. A filter installed while an event is on its way does not see that one. When the filter
 * moves to another thread it is passed over until both are in one thread again. Errors:
 * -HY_EWRONGTHREAD (either lives elsewhere), -HY_ESHUTDOWN, -HY_EINVAL, -HY_ENOMEM. Thread: home.
 */
HY_API int hy_object_install_filter(struct hy_object *watched, struct hy_object *filter,
                                    hy_filter_function function);
/* Takes it away, at any time, also from inside a filter. Errors: -HY_ENOENT, -HY_EWRONGTHREAD.
 * Thread: home. */
HY_API int hy_object_remove_filter(struct hy_object *watched, struct hy_object *filter);
/*
 * The same for the events of all objects of the calling thread, before the objects' own filters; in
 * the main thread: an application's filter. It sees each event once, on its way to its receiver;
 * filters of the parents that it goes on to see it there. Forgotten as the thread ends. Errors as
 * above. Thread: home of the filter.
 */
HY_API int hy_thread_install_filter(struct hy_object *filter, hy_filter_function function);
HY_API int hy_thread_remove_filter(struct hy_object *filter);

/* --- invocations ----------------------------------------------------------------------------- */

/* A function run in the receiver's thread: its object, and the payload. */
typedef void (*hy_invoke_function)(struct hy_object *receiver, const void *payload);

/*
 * Runs function(receiver, payload) in the receiver's thread, queued behind what the caller posted
 * to it before; also from the receiver's own thread. payload is copied as described (NULL and NULL:
 * none); the description itself is borrowed for good. Errors: -HY_ESHUTDOWN, -HY_EINVAL (no
 * function), -HY_ENOMEM, -HY_EBORROWED, or what copy() returned. Thread: any; through a plain
 * pointer until the receiver's fini begins, see hy_ref_invoke().
 *
 *     static const struct hy_payload page_payload = HY_PLAIN_PAYLOAD(struct page);
 *     hy_invoke(&printer->hy, printer_print, &page_payload, &page);
 */
HY_API int hy_invoke(struct hy_object *receiver, hy_invoke_function function,
                     const struct hy_payload *description, const void *payload);
/* The same through a weak reference, at any time. */
HY_API int hy_ref_invoke(struct hy_ref receiver, hy_invoke_function function,
                         const struct hy_payload *description, const void *payload);

/* A function run in the receiver's thread while the caller waits. */
typedef int (*hy_call_function)(struct hy_object *receiver, void *argument);

/*
 * Runs function(receiver, argument) in the receiver's thread, behind what was posted to it before,
 * and waits for its end; *ret_result (NULL is allowed) is what it returned. argument points to size
 * bytes that travel there and, when it has returned, back; with size 0 the pointer itself travels,
 * and must stay valid should the wait time out. The wait ends at the point in time deadline_ns
 * (HY_FOREVER: never); nothing posted to the calling thread is delivered meanwhile. Errors:
 * -HY_ETIMEDOUT (a function that has begun by then goes on, on its own copy; one that has not never
 * begins), -HY_EDEADLK (the receiver lives in the calling thread: call the function; or its thread
 * waits for this one in calls, blocking emissions or joins, directly or by way of others),
 * -HY_ESHUTDOWN (the receiver is dead, or it, its thread or the thread's run ended before the
 * function began, or its thread does not run and there is no deadline), -HY_EINVAL, -HY_ENOMEM.
 * Thread: any; through a plain pointer until the receiver's fini begins, see hy_ref_call().
 *
 *     int64_t deadline_ns = hy_now_ns() + 2 * HY_SECOND;
 *     rc = hy_call(&store->hy, store_find, &query, sizeof query, deadline_ns, &found);
 */
HY_API int hy_call(struct hy_object *receiver, hy_call_function function, void *argument,
                   size_t size, int64_t deadline_ns, int *ret_result);
/* The same through a weak reference, at any time. */
HY_API int hy_ref_call(struct hy_ref receiver, hy_call_function function, void *argument,
                       size_t size, int64_t deadline_ns, int *ret_result);

HY_END_DECLS

#endif
