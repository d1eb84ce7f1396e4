/* SPDX-License-Identifier: MIT */
/*
 * Receiving: what happens when the notifier says that there is something. Datagrams are taken in
 * batches and delivered in the order of arrival, whatever the slots do meanwhile (see struct
 * udp_batch and struct udp_frame). The work done for one readiness is bounded, so that a flood
 * starves neither timers nor posts; the notifier is level-triggered and brings us back.
 */
#include "udp_private.h"

/* For one readiness: at most so many batches, and no new batch after so long. */
#define BATCHES_MAX 8
#define TIME_MAX    HY_MILLISECOND
/* Slots are this much further apart than needed: at a power of two, their first lines would compete
 * for the same few places in the cache. */
#define SLOT_SHIFT 192

struct udp_batch *hy__udp_batch_create(size_t datagram_size_max)
{
    const size_t stride = (datagram_size_max + SLOT_SHIFT) & ~(size_t)63;
    struct udp_batch *batch = hy_memory_allocate(sizeof *batch + HY__INCOMING * stride);
    if (batch == NULL)
        return NULL;
    /* The bytes are not cleared: pages that no datagram reaches never take memory. */
    memset(batch, 0, sizeof *batch);
    batch->references = 1;
    for (unsigned i = 0; i < HY__INCOMING; i++) {
        struct hy_datagram *datagram = &batch->datagrams[i];
        datagram->data = &batch->bytes[i * stride];
        hy__incoming_place(&batch->incoming, i, &batch->bytes[i * stride], datagram_size_max,
                           &datagram->sender);
    }
    return batch;
}

void hy__udp_batch_release(struct hy_udp_socket_private *priv, struct udp_batch *batch)
{
    if (__atomic_sub_fetch(&batch->references, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    if (priv == NULL || priv->spare != NULL) {
        hy_memory_release(batch);
        return;
    }
    batch->references = 1;
    priv->spare = batch;
}

void hy__udp_abandon_frames(struct hy_udp_socket_private *priv)
{
    for (struct udp_frame *frame = priv->frames; frame != NULL; frame = frame->outer)
        frame->gone = true;
    priv->frames = NULL;
}

/*
 * Delivers what has not been delivered of the current batch; it may be one whose slot, further out
 * on the stack, runs a nested loop. False: the socket is gone, leave it alone.
 */
static bool deliver(struct hy_udp_socket *self, struct udp_frame *frame)
{
    struct hy_udp_socket_private *priv = self->priv;
    struct udp_batch *batch = priv->batch;
    if (batch == NULL)
        return true;
    __atomic_add_fetch(&batch->references, 1, __ATOMIC_RELAXED);
    if (!batch->announced) {
        const struct hy_datagram_batch announcement = {batch->datagrams, batch->count};
        batch->announced = true;
        hy_emit(&self->events.batch, &announcement);
    }
    while (!frame->gone && batch->next < batch->count) {
        const struct hy_datagram *datagram = &batch->datagrams[batch->next++];
        hy_emit(&self->events.datagram, datagram);
    }
    if (frame->gone) {
        hy__udp_batch_release(NULL, batch);
        return false;
    }
    if (priv->batch == batch) {
        priv->batch = NULL;
        hy__udp_batch_release(priv, batch);
    }
    hy__udp_batch_release(priv, batch);
    return true;
}

/* Makes datagrams of the first count messages and counts them. */
static void fill(struct hy_udp_socket *self, struct udp_batch *batch, unsigned count, int64_t now)
{
    struct hy_udp_socket_private *priv = self->priv;
    uint64_t bytes = 0, truncated = 0;
    for (unsigned i = 0; i < count; i++) {
        struct hy_datagram *datagram = &batch->datagrams[i];
        datagram->size = hy__incoming_take(&batch->incoming, i, &datagram->truncated);
        datagram->received_ns = now;
        if (priv->family == AF_INET6)
            hy__address_unmap(&datagram->sender);
        bytes += datagram->size;
        truncated += datagram->truncated;
    }
    batch->count = count;
    batch->next = 0;
    batch->announced = false;
    hy__udp_count(&priv->counters.datagrams, count);
    hy__udp_count(&priv->counters.bytes, bytes);
    hy__udp_count(&priv->counters.truncated, truncated);
    if (!hy_signal_is_connected(&self->events.batch.sig) &&
        !hy_signal_is_connected(&self->events.datagram.sig))
        hy__udp_count(&priv->counters.unheard, count);
}

/* An error that the system kept for us, most often an answer to something sent before. */
static void report_pending(struct hy_udp_socket *self, int error)
{
    const struct hy_udp_socket_private *priv = self->priv;
    if (hy__socket_problem(error) == HY__SOCKET_REFUSED)
        hy_error_set(-HY_ECONNREFUSED, "%s refused a datagram: nobody listens there",
                     hy_address_to_text(&priv->peer).text);
    else
        hy_error_set_system(error, "receiving on %s", hy_address_to_text(&priv->local).text);
    hy__udp_report(self);
}

/*
 * Takes one batch. Returns its size, 0 when there is nothing. ret_now: when it was taken. The frame
 * may be gone afterwards.
 */
static int take(struct hy_udp_socket *self, int64_t *ret_now)
{
    struct hy_udp_socket_private *priv = self->priv;
    struct udp_batch *batch = priv->spare;
    /* The spare is in use where a slot runs a nested loop. */
    if (batch == NULL && (batch = hy__udp_batch_create(priv->datagram_size_max)) == NULL) {
        hy__udp_report(self);
        return 0;
    }
    priv->spare = NULL;
    int error;
    const int count = hy__socket_receive_batch(priv->handle, &batch->incoming, &error);
    if (count > 0) {
        *ret_now = hy_now_ns();
        fill(self, batch, (unsigned)count, *ret_now);
        priv->batch = batch;
    } else {
        priv->spare = batch;
    }
    if (error != 0)
        report_pending(self, error);
    return count;
}

static void receive(struct hy_udp_socket *self, struct udp_frame *frame)
{
    int64_t first = 0, now = 0;
    int count = HY__INCOMING;
    if (!deliver(self, frame))
        return;
    for (int i = 0; i < BATCHES_MAX && count == HY__INCOMING && now - first <= TIME_MAX; i++) {
        count = take(self, &now);
        if (frame->gone || !deliver(self, frame))
            return;
        if (i == 0)
            first = now;
        /* A full batch may mean a full buffer. */
        if (count == HY__INCOMING)
            hy__udp_read_drops(self->priv);
    }
}

/* There is room again: stop watching for it, and say so. */
static void make_room_known(struct hy_udp_socket *self)
{
    struct hy_udp_socket_private *priv = self->priv;
    priv->wants_room = false;
    if (hy_notifier_watch(priv->notifier, priv->handle, HY_READABLE) < 0)
        hy__udp_report(self);
    else
        hy_emit0(&self->events.writable);
}

void hy__udp_ready(struct hy_udp_socket *self, const struct hy_readiness *readiness)
{
    struct hy_udp_socket_private *priv = self->priv;
    if (priv == NULL || readiness->descriptor != priv->handle)
        return;
    struct udp_frame frame = {priv->frames, false};
    priv->frames = &frame;
    if ((readiness->conditions & HY_WRITABLE) != 0 && priv->wants_room)
        make_room_known(self);
    if (!frame.gone && (readiness->conditions & ~(unsigned)HY_WRITABLE) != 0)
        receive(self, &frame);
    if (!frame.gone)
        priv->frames = frame.outer;
}

void hy__udp_deliver_rest(struct hy_object *object, const void *payload)
{
    struct hy_udp_socket *self = (struct hy_udp_socket *)(void *)object;
    struct hy_udp_socket_private *priv = self->priv;
    (void)payload;
    if (priv == NULL)
        return;
    struct udp_frame frame = {priv->frames, false};
    priv->frames = &frame;
    if (deliver(self, &frame))
        priv->frames = frame.outer;
}
