/* SPDX-License-Identifier: MIT */
/*
 * Emission: the walk over a hub's connections, without a lock.
 *
 * The walk notes the connection it stands on before it calls a slot. A nested loop inside that slot
 * parks the walks of its thread, so that a walk that lasts holds back one connection and not all
 * that are cut meanwhile. A walk that finds itself parked publishes a new number and goes on from
 * where it stood, or, when that connection has been cut, from the first one with a larger id.
 *
 * Connections that are not plain are one flag test away, in emit_rare.c. Nothing here takes the
 * address of struct emission, which so stays in registers on the way of direct slots. What such a
 * slot costs is the number of stores around it: so one frame serves all direct slots of an
 * emission. It is in the list from the first of them on, and out of it while anything else is
 * called.
 */
#include "core/internal.h"

/* emit() is there three times, so that a plain emission carries no result and no spans; all of it
 * inlined. */
#define ALWAYS_INLINE inline __attribute__((always_inline))

struct emission {
    struct hy_thread_record *record;
    struct hy_hub *hub;
    const struct hy_payload *description;
    const void *payload;
    struct hy__walk *walk; /* a pinned one: of its own, which nobody else reads */
    uint64_t end;          /* beyond the id and flags of every connection that it reaches */
    int count, error;
    bool framed;   /* the frame of its direct slots is in the list */
    bool observed; /* const: a span around each of them */
};

static ALWAYS_INLINE void walk_begin(struct emission *emission, struct hy__walk *pinned)
{
    struct hy_thread_record *record = emission->record;
    struct hy_hub *hub = emission->hub;
    if (HY_UNLIKELY(record->hazard_depth >= HY__HAZARDS)) {
        *pinned = (struct hy__walk){.hub = hub};
        emission->walk = pinned;
        __atomic_add_fetch(&hub->pins, 1, __ATOMIC_SEQ_CST);
    } else {
        struct hy__walk *walk = &record->hazards->walks[record->hazard_depth];
        emission->walk = walk;
        /* Acquire: what was buried up to this number is seen unlinked. */
        __atomic_store_n(&walk->number, __atomic_load_n(&hub->burials, __ATOMIC_ACQUIRE),
                         __ATOMIC_RELEASE);
        /* Sequentially consistent, against the reaper's look: see hub.c. */
        __atomic_store_n(&walk->hub, hub, __ATOMIC_SEQ_CST);
    }
    record->hazard_depth++;
    uint64_t last_id = __atomic_load_n(&hub->last_id, __ATOMIC_ACQUIRE);
    emission->end = (last_id + 1) << HY__ID_SHIFT;
}

static ALWAYS_INLINE void walk_end(struct emission *emission, const struct hy__walk *pinned)
{
    struct hy_hub *hub = emission->hub;
    bool closed = __atomic_load_n(&hub->closed, __ATOMIC_ACQUIRE) != 0;
    emission->record->hazard_depth--;
    /* Release: the reaper frees after my last look. */
    if (emission->walk != pinned)
        __atomic_store_n(&emission->walk->hub, NULL, __ATOMIC_RELEASE);
    else
        __atomic_sub_fetch(&hub->pins, 1, __ATOMIC_SEQ_CST);
    if (HY_UNLIKELY(closed))
        hy__orphans_reap();
}

/* A nested loop begins: the walks of this thread all stand inside slots. */
void hy__walks_park(struct hy_thread_record *record)
{
    if (record->hazards == NULL)
        return;
    uint32_t count = record->hazard_depth < HY__HAZARDS ? record->hazard_depth : HY__HAZARDS;
    for (uint32_t i = 0; i < count; i++)
        /* Release: a reaper that sees it parked sees where it stands. */
        __atomic_store_n(&record->hazards->walks[i].number, HY__WALK_PARKED, __ATOMIC_RELEASE);
}

/* The connection after the one whose slot ran a nested loop. */
static __attribute__((noinline, cold)) struct hy__connection *
walk_resume(struct hy__walk *walk, struct hy_hub *hub, struct hy__connection *connection,
            uint64_t id)
{
    /* Sequentially consistent: as the beginning of a walk. */
    __atomic_store_n(&walk->number, __atomic_load_n(&hub->burials, __ATOMIC_ACQUIRE),
                     __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&connection->slot, __ATOMIC_SEQ_CST) != NULL &&
        __atomic_load_n(&connection->id_flags, __ATOMIC_ACQUIRE) >> HY__ID_SHIFT == id)
        return __atomic_load_n(&connection->next, __ATOMIC_SEQ_CST);
    connection = __atomic_load_n(&hub->head, __ATOMIC_SEQ_CST);
    while (connection != NULL &&
           __atomic_load_n(&connection->id_flags, __ATOMIC_ACQUIRE) >> HY__ID_SHIFT <= id)
        connection = __atomic_load_n(&connection->next, __ATOMIC_SEQ_CST);
    return connection;
}

static ALWAYS_INLINE struct hy__connection *
walk_on(const struct emission *emission, struct hy__connection *connection, uint64_t id_flags)
{
    struct hy__walk *walk = emission->walk;
    if (HY_UNLIKELY(__atomic_load_n(&walk->number, __ATOMIC_RELAXED) == HY__WALK_PARKED))
        return walk_resume(walk, emission->hub, connection, id_flags >> HY__ID_SHIFT);
    return __atomic_load_n(&connection->next, __ATOMIC_SEQ_CST);
}

static ALWAYS_INLINE void count_one(struct emission *emission, int rc)
{
    if (rc >= 0)
        emission->count += rc;
    else
        emission->error = rc;
}

static ALWAYS_INLINE void frame_leave(struct emission *emission, struct hy__frame *frame)
{
    if (emission->framed) {
        emission->framed = false;
        hy__frame_pop(emission->record, frame);
    }
}

/* The same as the call, with a span around it. */
static __attribute__((noinline, cold)) void
call_observed(struct hy_thread_record *record, const struct hy__frame *frame, hy_slot slot,
              uint64_t id_flags, struct hy_object *receiver, const void *payload)
{
    struct hy__span span;
    hy__span_begin(record, &span, HY_HANDLER_DIRECT, frame->anchor, (uintptr_t)slot);
    hy__slot_call(slot, id_flags, receiver, payload);
    hy__span_end(record, &span);
}

static ALWAYS_INLINE void emit_direct(struct emission *emission, struct hy__frame *frame,
                                      struct hy__connection *connection, hy_slot slot,
                                      struct hy_anchor *anchor, uint64_t id_flags)
{
    /* Relaxed: it is ours. */
    struct hy_object *receiver = __atomic_load_n(&anchor->object, __ATOMIC_RELAXED);
    if (HY_UNLIKELY(receiver == NULL))
        return;
    if (!emission->framed) {
        hy__frame_push(emission->record, frame, NULL, false);
        frame->connection_id = 0; /* the connection that the walk stands on tells */
        emission->framed = true;
    }
    frame->anchor = anchor;
    frame->connection = connection;
    if (emission->observed)
        call_observed(emission->record, frame, slot, id_flags, receiver, emission->payload);
    else
        hy__slot_call(slot, id_flags, receiver, emission->payload);
    emission->count++;
    if (HY_UNLIKELY(frame->deletes.first != NULL))
        frame_leave(emission, frame);
}

/* One connection of the walk. */
static ALWAYS_INLINE void emit_to(struct emission *emission, struct hy__frame *frame,
                                  struct hy__connection *connection, uint64_t id_flags,
                                  int *ret_result)
{
    /* Acquire: pairs with the cutting. */
    hy_slot slot = __atomic_load_n(&connection->slot, __ATOMIC_ACQUIRE);
    if (HY_UNLIKELY(slot == NULL))
        return;
    /* Before any user code (a slot, a payload's copy): it may run a loop, which parks this walk.
     * Release: pairs with the reaper's acquire; the order against parking is hy__walks_park()'s
     * release. */
    __atomic_store_n(&emission->walk->at, connection, __ATOMIC_RELEASE);
    struct hy_anchor *anchor = connection->anchor;
    bool here = hy__anchor_home(anchor) == emission->record;
    if (!HY_UNLIKELY(!here || (id_flags & (HY__FLAGS_RARE | HY_QUEUED)) != 0)) {
        emit_direct(emission, frame, connection, slot, anchor, id_flags);
        return;
    }
    frame_leave(emission, frame);
    if ((id_flags & (HY__FLAGS_RARE | HY_DIRECT)) != 0) {
        struct hy__emission rare = {emission->record, emission->description, emission->payload,
                                    ret_result};
        count_one(emission, hy__emit_rare(&rare, connection, slot, id_flags));
    } else {
        count_one(emission,
                  hy__emit_queued(emission->description, emission->payload, connection, id_flags));
    }
}

static int emit_observed(struct hy_signal_base *signal, const void *payload, int *ret_result);

static ALWAYS_INLINE int emit(struct hy_signal_base *signal, const void *payload, int *ret_result,
                              bool observed)
{
    struct hy_thread_record *record = hy__record();
    struct hy_hub *hub = __atomic_load_n(&signal->hub, __ATOMIC_ACQUIRE);
    if (HY_UNLIKELY(record == NULL))
        return -HY_ENOMEM;
    if (hub == NULL)
        return 0;
    if (!observed && hy__is_observed())
        return emit_observed(signal, payload, ret_result);
    HY__PROBE2(emit, signal, hub);
    struct emission emission = {
        .record = record,
        .hub = hub,
        .description = &signal->spec->payload,
        .payload = payload,
        .observed = observed,
    };
    struct hy__frame frame;
    struct hy__walk pinned;
    walk_begin(&emission, &pinned);
    struct hy__connection *connection = __atomic_load_n(&hub->head, __ATOMIC_SEQ_CST);
    while (connection != NULL) {
        /* Acquire: pairs with the release in connect. */
        uint64_t id_flags = __atomic_load_n(&connection->id_flags, __ATOMIC_ACQUIRE);
        if (id_flags >= emission.end)
            break; /* connected during this emission */
        emit_to(&emission, &frame, connection, id_flags, ret_result);
        /* Acquire: a slot of this thread, or another thread, ended the sender; `signal` is not
         * looked at again. */
        if (HY_UNLIKELY(__atomic_load_n(&hub->closed, __ATOMIC_ACQUIRE) != 0))
            break;
        connection = walk_on(&emission, connection, id_flags);
    }
    frame_leave(&emission, &frame);
    walk_end(&emission, &pinned);
    return emission.error < 0 ? emission.error : emission.count;
}

static __attribute__((noinline, cold)) int emit_observed(struct hy_signal_base *signal,
                                                         const void *payload, int *ret_result)
{
    struct hy_thread_record *record = hy__record();
    struct hy__span span;
    hy__span_begin_other(record, &span, HY__TRACE_EMIT, signal->spec->payload.name);
    int rc = emit(signal, payload, ret_result, true);
    hy__span_end(record, &span);
    return rc;
}

int hy_signal_emit(struct hy_signal_base *signal, const void *payload)
{
    return emit(signal, payload, NULL, false);
}

int hy_signal_emit_result(struct hy_signal_base *signal, const void *payload, int *ret_result)
{
    return emit(signal, payload, ret_result, false);
}
