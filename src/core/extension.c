/* SPDX-License-Identifier: MIT */
/*
 * Extensions: what a connection needs that does not fit into its 64 bytes, and the calls that go
 * through one.
 *
 * Two counts. `refs` keeps the memory: the connection has one until it is recycled, so whoever
 * stands on the connection in a walk, or holds it by its handle, may look. `uses` keeps the
 * context: the connection has one until it is cut. Whoever wants to call the slot adds one, unless
 * there is none any more; so of a cut and a call either the call comes first, and destroy(context)
 * waits for it, or there is no call. A queued call holds the memory alone and adds its use as it
 * is delivered; only one that outlives the cut (HY_KEEP_QUEUED) has its use from the beginning.
 * tests/model/model_extension.py explores both counts with handles and the pool.
 */
#include "core/internal.h"

/* In each message that leads to an extension, so that its end is not that of a plain one. */
static const struct hy_payload nothing = {.kind = HY_PAYLOAD_NONE, .name = "nothing"};

bool hy__extension_is_needed(const struct hy_signal_base *signal, unsigned flags,
                             const struct hy_connect_options *options)
{
    const unsigned extending = HY_BLOCKING | HY_LATEST | HY_BOUNDED | HY_KEEP_QUEUED | HY_CONTEXT_;
    return (flags & extending) != 0 ||
           (options != NULL && (options->context != NULL || options->destroy != NULL)) ||
           hy__change_is_wanted(signal);
}

struct hy__extension *hy__extension_create(const struct hy_signal_base *signal, hy_slot slot,
                                           unsigned flags, const struct hy_connect_options *options)
{
    struct hy__extension *extension = hy_memory_allocate_zeroed(sizeof *extension);
    if (extension == NULL)
        return NULL;
    if ((flags & (HY_LATEST | HY_BOUNDED)) != 0 &&
        (extension->ring = hy__ring_create(flags, options)) == NULL) {
        hy_memory_release(extension);
        return NULL;
    }
    extension->uses = 1;
    extension->refs = 3; /* all uses, the connection, the caller */
    extension->slot = slot;
    extension->flags = flags;
    extension->spec = signal->spec;
    extension->sender = signal->owner->anchor;
    hy__anchor_ref(extension->sender);
    if (options != NULL) {
        extension->context = options->context;
        extension->destroy = options->destroy;
        extension->timeout_ns = options->timeout_ns;
    }
    return extension;
}

static void extension_free(struct hy__extension *extension)
{
    if (extension->notice != NULL)
        hy__message_discard(extension->notice);
    if (extension->ring != NULL)
        hy__ring_destroy(extension->ring);
    hy__anchor_unref(extension->sender);
    hy_memory_release(extension);
}

void hy__extension_discard(struct hy__extension *extension)
{
    extension_free(extension);
}

void hy__extension_ref(struct hy__extension *extension)
{
    /* Relaxed: the caller knows it to be there. */
    __atomic_add_fetch(&extension->refs, 1, __ATOMIC_RELAXED);
}

void hy__extension_unref(struct hy__extension *extension)
{
    /* Release and acquire: the end is after everybody's use. */
    if (__atomic_sub_fetch(&extension->refs, 1, __ATOMIC_ACQ_REL) == 0)
        extension_free(extension);
}

bool hy__extension_use(struct hy__extension *extension)
{
    uint32_t uses = __atomic_load_n(&extension->uses, __ATOMIC_RELAXED);
    do {
        if (uses == 0)
            return false;
        /* Relaxed: what the slot needs was published with the connection; only the last decrement
         * orders anything. */
    } while (!__atomic_compare_exchange_n(&extension->uses, &uses, uses + 1, true, __ATOMIC_RELAXED,
                                          __ATOMIC_RELAXED));
    return true;
}

void hy__extension_unuse(struct hy__extension *extension)
{
    /* Release and acquire: the context is destroyed after everybody's use of it. */
    if (__atomic_sub_fetch(&extension->uses, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    if (extension->destroy != NULL)
        extension->destroy(extension->context);
    hy__extension_unref(extension);
}

bool hy__extension_is_connected(const struct hy__extension *extension)
{
    const struct hy__connection *connection = extension->connection;
    /* Acquire: a connection cut before this moment is seen as cut; a recycled one has another id,
     * for ids are stored before slots. */
    return __atomic_load_n(&connection->slot, __ATOMIC_ACQUIRE) != NULL &&
           hy__id_is_live(__atomic_load_n(&connection->id_flags, __ATOMIC_ACQUIRE), extension->id);
}

bool hy__extension_is_wanted(const struct hy__extension *extension)
{
    return (extension->flags & HY_KEEP_QUEUED) != 0 || hy__extension_is_connected(extension);
}

void hy__extension_ended(struct hy__extension *extension)
{
    hy__change_cut(extension);
    hy__extension_unuse(extension); /* the connection's */
    hy__extension_unref(extension); /* the bin's */
}

/* --- calls -------------------------------------------------------------------------------------
 */

static void keep_result(int result, int *ret_result)
{
    if (ret_result != NULL)
        *ret_result = result;
}

int hy__slot_call_for_result(hy_slot slot, uint64_t flags, void *receiver, const void *payload)
{
    void (*any)(void) = (void (*)(void))slot;
    if ((flags & HY_IGNORES_PAYLOAD_) != 0)
        return ((int (*)(void *))any)(receiver);
    return ((int (*)(void *, const void *))any)(receiver, payload);
}

int hy__extension_call(struct hy__extension *extension, void *receiver, const void *payload,
                       int *ret_result)
{
    void (*any)(void) = (void (*)(void))extension->slot;
    unsigned flags = extension->flags;
    if (extension->slot == hy__relay)
        return hy_signal_emit_result(extension->context, payload, ret_result);
    if ((flags & HY_CONTEXT_) != 0 && (flags & HY_RETURNS_) != 0)
        keep_result(
            ((int (*)(void *, const void *, void *))any)(receiver, payload, extension->context),
            ret_result);
    else if ((flags & HY_CONTEXT_) != 0)
        ((void (*)(void *, const void *, void *))any)(receiver, payload, extension->context);
    else if ((flags & HY_RETURNS_) != 0)
        keep_result(hy__slot_call_for_result(extension->slot, flags, receiver, payload),
                    ret_result);
    else
        hy__slot_call(extension->slot, flags, receiver, payload);
    return 0;
}

void hy__extension_attach(struct hy__extension *extension, struct hy__message *message,
                          enum hy__message_kind kind)
{
    message->kind = (uint8_t)kind;
    message->description = message->has_payload ? &extension->spec->payload : &nothing;
    message->to.extension = extension;
    message->connection_id = extension->id;
    hy__extension_ref(extension);
    if ((extension->flags & HY_KEEP_QUEUED) != 0)
        hy__extension_use(extension); /* the caller has one, so this one is granted */
}

int hy__extension_post(struct hy__extension *extension, struct hy_anchor *receiver,
                       const void *payload)
{
    struct hy__message *message;
    int rc =
        hy__message_make(&extension->spec->payload,
                         (extension->flags & HY_IGNORES_PAYLOAD_) != 0 ? NULL : payload, &message);
    if (rc < 0)
        return rc;
    hy__extension_attach(extension, message, HY__MESSAGE_EXTENDED);
    rc = hy__post(receiver, message);
    if (rc < 0)
        hy__message_discard(message);
    return rc;
}

void hy__extension_settle(struct hy__message *message)
{
    struct hy__extension *extension = message->to.extension;
    if (extension == NULL) /* a notice that was not needed */
        return;
    if (message->kind == HY__MESSAGE_TOKEN) /* not delivered: nor is the payload */
        hy__message_discard(hy__ring_take(extension));
    if (message->kind != HY__MESSAGE_CHANGED && (extension->flags & HY_KEEP_QUEUED) != 0)
        hy__extension_unuse(extension);
    hy__extension_unref(extension);
}

/* Whether the call is still wanted; a single-shot connection is cut here, which tells the sender
 * and so runs user code if it succeeds. */
static bool is_wanted(struct hy__extension *extension, struct hy_anchor *anchor)
{
    bool keep = (extension->flags & HY_KEEP_QUEUED) != 0;
    if ((extension->flags & HY_SINGLE_SHOT) == 0)
        return keep || hy__extension_is_connected(extension);
    bool cut = hy__connection_cut(anchor, extension->connection, extension->id, NULL);
    /* Another call may have been queued after this one was given up (a time-out) just as it began;
     * kept, it would run too. Relaxed: only the one winner matters. */
    return (cut || keep) && __atomic_exchange_n(&extension->fired, 1u, __ATOMIC_RELAXED) == 0;
}

bool hy__extension_run(struct hy_thread_record *record, struct hy__extension *extension,
                       struct hy_anchor *anchor, const void *payload, struct hy__wait *wait)
{
    if (!hy__extension_use(extension))
        return false;
    /* Counted, and under a frame, before any user code, which may finish the object or move it
     * away: then the frame says so, and the anchor is not looked at any more. */
    struct hy__frame frame;
    hy__anchor_count(anchor, 1);
    hy__frame_push(record, &frame, anchor, true);
    bool wanted = is_wanted(extension, anchor);
    if (wanted && !frame.gone) {
        hy__frame_set_slot(&frame, extension->connection, extension->id);
        hy__frame_set_sender(&frame, extension->sender);
        int status = hy__extension_call(extension, anchor->object, payload,
                                        wait != NULL ? &wait->result : NULL);
        if (wait != NULL) {
            wait->ran = true;
            wait->status = status;
        }
    }
    hy__extension_unuse(extension); /* the end of the context is user code, too */
    bool here = hy__frame_pop(record, &frame);
    if (wanted || !here)
        return true;
    hy__anchor_count(anchor, ~0u); /* whoever drops it counts it */
    return false;
}

bool hy__extension_deliver(struct hy_thread_record *record, struct hy__message *message)
{
    struct hy__extension *extension = message->to.extension;
    if (message->kind == HY__MESSAGE_EXTENDED)
        return hy__extension_run(record, extension, message->anchor,
                                 message->has_payload ? hy__message_payload(message) : NULL, NULL);
    struct hy__message *holder = hy__ring_take(extension);
    if (!hy__extension_run(record, extension, message->anchor,
                           holder->has_payload ? hy__message_payload(holder) : NULL, NULL)) {
        /* Dropped with the token, which is counted first: the end of a payload is user code and may
         * move the receiver away. */
        hy__ring_put_back(extension, holder);
        return false;
    }
    message->kind = HY__MESSAGE_EXTENDED; /* what it stood for is here */
    hy__message_discard(holder);
    return true;
}
