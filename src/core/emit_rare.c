/* SPDX-License-Identifier: MIT */
/*
 * Emission to connections that are not plain: blocked, single-shot, with a result, or with an
 * extension. The walk (emit.c) stands on the connection, so its memory and its extension's stay.
 */
#include "core/internal.h"

int hy__emit_queued(const struct hy_payload *description, const void *payload,
                    struct hy__connection *connection, uint64_t id_flags)
{
    struct hy__message *message;
    int rc = hy__message_make(description, (id_flags & HY_IGNORES_PAYLOAD_) != 0 ? NULL : payload,
                              &message);
    if (rc < 0)
        return rc;
    /* Relaxed: the sender's end, which looks at it, is after its emissions. */
    if (HY_UNLIKELY((id_flags & HY__FLAG_QUEUED) == 0))
        __atomic_fetch_or(&connection->id_flags, (uint64_t)HY__FLAG_QUEUED, __ATOMIC_RELAXED);
    message->kind = HY__MESSAGE_SLOT;
    message->to.connection = connection;
    message->connection_id = id_flags >> HY__ID_SHIFT;
    rc = hy__post(connection->anchor, message);
    if (HY_UNLIKELY(rc < 0)) {
        hy__message_discard(message);
        return rc == -HY_ESHUTDOWN ? 0 : rc; /* a receiver that has died meanwhile is no error */
    }
    return 1;
}

static int queue_extended(const struct hy__emission *emission, struct hy__extension *extension,
                          struct hy__connection *connection, uint64_t id_flags)
{
    const void *payload = emission->payload;
    if ((id_flags & HY__FLAG_QUEUED) == 0) /* relaxed: as above */
        __atomic_fetch_or(&connection->id_flags, (uint64_t)HY__FLAG_QUEUED, __ATOMIC_RELAXED);
    if ((id_flags & HY_BLOCKING) != 0)
        return hy__call_slot(extension, connection->anchor, payload, emission->ret_result);
    if (extension->ring != NULL)
        return hy__ring_post(extension, connection->anchor, payload);
    int rc = hy__extension_post(extension, connection->anchor, payload);
    if (rc == -HY_ESHUTDOWN)
        return 0;
    return rc < 0 ? rc : 1;
}

/* The slot itself; what it needs is held. */
static int call(const struct hy__emission *emission, struct hy__extension *extension, hy_slot slot,
                uint64_t id_flags, struct hy_object *receiver)
{
    if ((id_flags & HY__FLAG_EXTENDED) != 0)
        return hy__extension_call(extension, receiver, emission->payload, emission->ret_result);
    if ((id_flags & HY_RETURNS_) == 0) {
        hy__slot_call(slot, id_flags, receiver, emission->payload);
        return 0;
    }
    int result = hy__slot_call_for_result(slot, id_flags, receiver, emission->payload);
    if (emission->ret_result != NULL)
        *emission->ret_result = result;
    return 0;
}

static int call_direct(const struct hy__emission *emission, struct hy__connection *connection,
                       struct hy__extension *extension, hy_slot slot, uint64_t id_flags)
{
    struct hy_thread_record *record = emission->record;
    struct hy_anchor *anchor = connection->anchor, *sender = NULL;
    uint64_t id = id_flags >> HY__ID_SHIFT;
    if ((id_flags & HY_SINGLE_SHOT) != 0 && !hy__connection_cut(anchor, connection, id, &sender))
        return 0;
    /* Looked at after that: cutting may tell the sender, which is user code. */
    bool here = hy__anchor_home(anchor) == record;
    /* Relaxed: here it is ours; elsewhere (HY_DIRECT) the slot must not touch it anyway. */
    struct hy_object *receiver = __atomic_load_n(&anchor->object, __ATOMIC_RELAXED);
    int rc = 0;
    if (receiver != NULL && (here || (id_flags & HY_DIRECT) != 0)) {
        struct hy__frame frame;
        hy__frame_push(record, &frame, here ? anchor : NULL, false);
        hy__frame_set_slot(&frame, connection, id);
        if (extension != NULL)
            hy__frame_set_sender(&frame, extension->sender);
        else if (sender != NULL)
            hy__frame_set_sender(&frame, sender);
        struct hy__span span;
        bool observed = hy__is_observed();
        if (observed)
            hy__span_begin(record, &span, HY_HANDLER_DIRECT, here ? anchor : NULL,
                           (uintptr_t)(extension != NULL ? extension->slot : slot));
        rc = call(emission, extension, slot, id_flags, receiver);
        if (observed)
            hy__span_end(record, &span);
        hy__frame_pop(record, &frame);
        rc = rc < 0 ? rc : 1;
    }
    if (sender != NULL)
        hy__anchor_unref(sender);
    return rc;
}

static int emit_one(const struct hy__emission *emission, struct hy__connection *connection,
                    struct hy__extension *extension, hy_slot slot, uint64_t id_flags)
{
    bool here = hy__anchor_home(connection->anchor) == emission->record;
    if ((id_flags & HY_DIRECT) != 0 || (here && (id_flags & (HY_QUEUED | HY_BLOCKING)) == 0))
        return call_direct(emission, connection, extension, slot, id_flags);
    int rc = extension != NULL
                 ? queue_extended(emission, extension, connection, id_flags)
                 : hy__emit_queued(emission->description, emission->payload, connection, id_flags);
    if (rc <= 0 && (id_flags & HY_SINGLE_SHOT) != 0) /* it has not fired after all */
        __atomic_fetch_and(&connection->id_flags, ~(uint64_t)HY__FLAG_SPENT, __ATOMIC_RELAXED);
    return rc;
}

int hy__emit_rare(const struct hy__emission *emission, struct hy__connection *connection,
                  hy_slot slot, uint64_t id_flags)
{
    struct hy__extension *extension = NULL;
    if ((id_flags & HY__FLAG_BLOCKED) != 0)
        return 0;
    if ((id_flags & HY__FLAG_EXTENDED) != 0) {
        extension = hy__extension_in(slot);
        if (!hy__extension_use(extension))
            return 0; /* cut meanwhile */
    }
    int rc = 0;
    if ((id_flags & HY_SINGLE_SHOT) == 0 ||
        /* Whoever sets the bit delivers. Relaxed: only the one winner matters. */
        !hy__is_spent(
            __atomic_fetch_or(&connection->id_flags, (uint64_t)HY__FLAG_SPENT, __ATOMIC_RELAXED)))
        rc = emit_one(emission, connection, extension, slot, id_flags);
    if (extension != NULL)
        hy__extension_unuse(extension);
    return rc;
}
