/* SPDX-License-Identifier: MIT */
/*
 * Anchors and posting: what other threads hold of an object, and how a message reaches its thread.
 *
 * `refs` counts weak references, connections, and one for the object together with the messages on
 * their way to it. Those messages hold no reference of their own: `posted` is counted under the
 * lock that a post takes anyway, `delivered` by the home thread, and the anchor of a dead object
 * goes when the two meet.
 */
#include "core/internal.h"

#include <string.h>

static struct hy__store anchors = {
    .cell_size = sizeof(struct hy_anchor),
    .link_offset = offsetof(struct hy_anchor, measured),
};

/* Who loses the race for a cell may look at its link once more, and finds that it has lost: so that
 * member is written atomically only. Relaxed: nobody believes what it says then. */
static void clear(struct hy_anchor *anchor)
{
    const size_t behind = offsetof(struct hy_anchor, object);
    memset(anchor, 0, offsetof(struct hy_anchor, measured));
    __atomic_store_n(&anchor->measured, NULL, __ATOMIC_RELAXED);
    memset((char *)anchor + behind, 0, sizeof *anchor - behind);
}

struct hy_anchor *hy__anchor_create(struct hy_object *object, struct hy_thread_record *home)
{
    struct hy_anchor *anchor = HY__CELLS_OFF ? hy__allocate_aligned(HY__CACHE_LINE, sizeof *anchor)
                                             : hy__store_take(&anchors);
    if (anchor == NULL)
        return NULL;
    clear(anchor);
    anchor->refs = 1;
    anchor->object = object;
    anchor->home = home;
    anchor->generation = home->generation;
    hy__record_ref(home);
    return anchor;
}

void hy__anchor_ref(struct hy_anchor *anchor)
{
    /* Relaxed: the caller has a reference, so the count cannot reach 0 meanwhile. */
    __atomic_add_fetch(&anchor->refs, 1, __ATOMIC_RELAXED);
}

void hy__anchor_unref(struct hy_anchor *anchor)
{
    /* Release: my use is before the end; acquire: the end is after everybody's use. */
    if (__atomic_sub_fetch(&anchor->refs, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    hy__record_unref(anchor->home);
    hy_memory_release(anchor->measured);
    if (HY__CELLS_OFF)
        hy__release_aligned(anchor, sizeof *anchor);
    else
        hy__store_give(&anchors, anchor);
}

struct hy_thread_record *hy__anchor_home_ref(struct hy_anchor *anchor)
{
    bool lost = hy__anchor_is_lost(anchor); /* then nobody is left to move it */
    if (!lost)
        hy__lock(&anchor->lock); /* against a move: the anchor's own reference goes with the home */
    struct hy_thread_record *home = anchor->home;
    hy__record_ref(home);
    if (!lost)
        hy__unlock(&anchor->lock);
    return home;
}

uint32_t hy__anchor_waiting(struct hy_anchor *anchor)
{
    bool lost = hy__anchor_is_lost(anchor);
    if (!lost)
        hy__lock(&anchor->lock);
    /* Relaxed: a number of the moment. Those just posted and delivered must not make it negative,
     * so it is read first. */
    uint32_t delivered = __atomic_load_n(&anchor->delivered, __ATOMIC_RELAXED);
    uint32_t waiting = anchor->posted - delivered;
    if (!lost)
        hy__unlock(&anchor->lock);
    return waiting;
}

static enum hy__push_result push_here(struct hy_thread_record *record, struct hy_anchor *anchor,
                                      struct hy__message *message)
{
    if (anchor->object == NULL || record->closed)
        return HY__PUSH_CLOSED;
    message->anchor = anchor;
    /* What others posted before comes first. No hook is called here: that is user code, and could
     * end or move the receiver. */
    if (__atomic_load_n(&record->mailbox, __ATOMIC_RELAXED) > HY__MAILBOX_CLOSED)
        hy__mailbox_take(record);  /* which looks again */
    hy__anchor_count(anchor, ~0u); /* posted - delivered is the number on the way */
    hy__record_enqueue(record, message);
    return HY__PUSH_DONE;
}

static inline __attribute__((always_inline)) enum hy__push_result
push(struct hy_anchor *anchor, struct hy__message *message, bool observed,
     struct hy_thread_record **ret_wake)
{
    struct hy_thread_record *record = hy__record_if_any();
    *ret_wake = NULL;
    /* No lock: only this thread could move or finish an object that lives here. A hosted loop must
     * be woken by the mailbox. */
    if (record != NULL && hy__anchor_home(anchor) == record && record->rest == HY__MAILBOX_EMPTY)
        return push_here(record, anchor, message);

    if (hy__anchor_is_lost(anchor))
        return HY__PUSH_CLOSED;
    message->anchor = anchor;
    hy__lock(&anchor->lock); /* against a move or the death of this object, nothing else */
    struct hy_thread_record *home = anchor->home;
    if (HY_UNLIKELY(observed))
        hy__observe_push(home, message);
    enum hy__push_result result = anchor->dead ? HY__PUSH_CLOSED : hy__mailbox_push(home, message);
    if (result != HY__PUSH_CLOSED)
        anchor->posted++;
    else if (observed)
        hy__observe_refusal(home, message);
    if (result == HY__PUSH_WAKE) {
        hy__record_ref(home); /* rare: keeps its dispatcher past the unlock */
        *ret_wake = home;
    }
    hy__unlock(&anchor->lock);
    return result;
}

enum hy__push_result hy__post_push(struct hy_anchor *anchor, struct hy__message *message,
                                   struct hy_thread_record **ret_wake)
{
    return push(anchor, message, hy__is_observed(), ret_wake);
}

void hy__post_wake(struct hy_thread_record *record)
{
    if (record == NULL)
        return;
    hy__record_wake(record);
    hy__record_unref(record);
}

/* What hy__post() returns, and the wake-up. */
static inline __attribute__((always_inline)) int
posted(const struct hy_anchor *anchor, enum hy__push_result result, struct hy_thread_record *wake)
{
    if (result == HY__PUSH_WAKE)
        hy__post_wake(wake);
    if (result == HY__PUSH_CLOSED && hy__anchor_is_lost(anchor))
        return hy__lost("the receiver");
    if (result == HY__PUSH_CLOSED)
        return hy_error_set(-HY_ESHUTDOWN, "the receiver is dead, or its thread has finished");
    return 0;
}

static __attribute__((noinline, cold)) int post_observed(struct hy_anchor *anchor,
                                                         struct hy__message *message)
{
    struct hy_thread_record *wake;
    int64_t began_ns = hy__clock_ns();
    enum hy__push_result result = push(anchor, message, true, &wake);
    if (result != HY__PUSH_CLOSED)
        hy__observe_post(message, began_ns); /* its address: it may be delivered by now */
    return posted(anchor, result, wake);
}

int hy__post(struct hy_anchor *anchor, struct hy__message *message)
{
    HY__PROBE3(post, message, anchor, message->kind);
    if (hy__is_observed())
        return post_observed(anchor, message);
    struct hy_thread_record *wake;
    enum hy__push_result result = push(anchor, message, false, &wake);
    return posted(anchor, result, wake);
}

/* --- weak references ---------------------------------------------------------------------------
 */

struct hy_ref hy_ref_to(const struct hy_object *object)
{
    struct hy_ref ref = {object != NULL ? object->anchor : NULL};
    return hy_ref_copy(ref);
}

struct hy_ref hy_ref_copy(struct hy_ref ref)
{
    if (ref.anchor != NULL)
        hy__anchor_ref(ref.anchor);
    return ref;
}

void hy_ref_release(struct hy_ref *ref)
{
    if (ref->anchor != NULL)
        hy__anchor_unref(ref->anchor);
    ref->anchor = NULL;
}

struct hy_object *hy_ref_get(struct hy_ref ref)
{
    if (ref.anchor == NULL)
        return NULL;
    struct hy_thread_record *home = hy__anchor_home(ref.anchor);
    if (home != hy__record_if_any()) {
        hy_error_set(-HY_EWRONGTHREAD,
                     "the object lives in another thread; post, invoke or emit to it instead");
        return NULL;
    }
    return ref.anchor->object;
}

bool hy_ref_equal(struct hy_ref a, struct hy_ref b)
{
    return a.anchor != NULL && a.anchor == b.anchor; /* an anchor is of one life of one object */
}
