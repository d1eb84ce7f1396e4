/* SPDX-License-Identifier: MIT */
/*
 * The queue of one socket: rings of packets, and one gathering write for as many as fit.
 */
#include "packet_queue.h"
#include "socket.h"
#include <halyard/memory.h>

#define RING_CAPACITY_MIN  2
#define RING_CAPACITY_IDLE 16                /* slots that an empty ring may keep */
#define SLICES_MAX         64                /* in one system call */
#define WRITE_MAX          ((size_t)1 << 30) /* bytes in one system call */
#define SMALL_SIZE         512 /* bytes of a piece that is copied instead of pointed at */
#define SMALL_TOTAL        16384

static bool ring_push(struct hy__packet_ring *ring, struct hy__packet *packet)
{
    if (ring->count == ring->capacity) {
        uint32_t capacity = ring->capacity > 0 ? ring->capacity * 2 : RING_CAPACITY_MIN;
        if (capacity > UINT32_MAX / 2)
            return false;
        struct hy__packet **items = hy_memory_allocate(capacity * sizeof(struct hy__packet *));
        if (items == NULL)
            return false;
        for (uint32_t i = 0; i < ring->count; i++)
            items[i] = ring->items[(ring->head + i) & (ring->capacity - 1)];
        hy_memory_release(ring->items);
        ring->items = items;
        ring->capacity = capacity;
        ring->head = 0;
    }
    ring->items[(ring->head + ring->count++) & (ring->capacity - 1)] = packet;
    return true;
}

static struct hy__packet *ring_at(const struct hy__packet_ring *ring, uint32_t index)
{
    return ring->items[(ring->head + index) & (ring->capacity - 1)];
}

static struct hy__packet *ring_pop(struct hy__packet_ring *ring)
{
    struct hy__packet *packet = ring_at(ring, 0);
    ring->head++;
    ring->count--;
    return packet;
}

static void ring_trim(struct hy__packet_ring *ring, uint32_t capacity_max)
{
    if (ring->count > 0 || ring->capacity <= capacity_max)
        return;
    hy_memory_release(ring->items);
    *ring = (struct hy__packet_ring){0};
}

bool hy__packet_queue_push(struct hy__packet_queue *queue, struct hy__packet *packet)
{
    if (!ring_push(&queue->data, packet))
        return false;
    queue->cost += hy__packet_cost(packet);
    return true;
}

bool hy__packet_queue_push_control(struct hy__packet_queue *queue, struct hy__packet *packet,
                                   bool is_blocked)
{
    struct hy__packet_ring *ring = &queue->control;
    if (packet->is_pong && ring->count > 0 && (is_blocked || ring->count >= HY__CONTROL_MAX)) {
        struct hy__packet **newest =
            &ring->items[(ring->head + ring->count - 1) & (ring->capacity - 1)];
        if ((*newest)->is_pong) {
            hy__packet_unref(*newest);
            *newest = packet;
            return true;
        }
    }
    return ring_push(ring, packet);
}

bool hy__packet_queue_drop_oldest(struct hy__packet_queue *queue)
{
    if (queue->data.count == 0)
        return false;
    struct hy__packet *packet = ring_pop(&queue->data);
    queue->cost -= hy__packet_cost(packet);
    hy__packet_unref(packet);
    return true;
}

uint64_t hy__packet_queue_drop_messages(struct hy__packet_queue *queue)
{
    uint64_t count = 0;
    while (queue->data.count > 0) {
        count += ring_at(&queue->data, 0)->is_message;
        hy__packet_queue_drop_oldest(queue);
    }
    return count;
}

uint64_t hy__packet_queue_messages(const struct hy__packet_queue *queue)
{
    uint64_t count = queue->partial != NULL && queue->partial->is_message;
    for (uint32_t i = 0; i < queue->data.count; i++)
        count += ring_at(&queue->data, i)->is_message;
    return count;
}

/* What one system call sends. Small pieces are copied together: a slice more costs the kernel more
 * than the copy does. */
struct gathering {
    size_t room; /* bytes that may still be added */
    size_t total;
    size_t small_size;
    unsigned count;
    struct hy__piece pieces[SLICES_MAX];
    unsigned char small[SMALL_TOTAL];
};

static void gather_bytes(struct gathering *gathering, const unsigned char *bytes, size_t size)
{
    struct hy__piece *last = gathering->count > 0 ? &gathering->pieces[gathering->count - 1] : NULL;
    if (size > gathering->room)
        size = gathering->room;
    gathering->room -= size;
    gathering->total += size;
    if (size <= SMALL_SIZE && size <= SMALL_TOTAL - gathering->small_size) {
        unsigned char *to = gathering->small + gathering->small_size;
        memcpy(to, bytes, size);
        gathering->small_size += size;
        if (last != NULL && hy__piece_end(last) == to) {
            hy__piece_extend(last, size);
            return;
        }
        bytes = to;
    }
    gathering->pieces[gathering->count++] = hy__piece_make(bytes, size);
}

/* Adds what is left of a packet behind `done`. */
static void gather(struct gathering *gathering, const struct hy__packet *packet, size_t done)
{
    if (done < packet->own_size) {
        gather_bytes(gathering, packet->bytes + done, packet->own_size - done);
        done = packet->own_size;
    }
    if (packet->payload == NULL)
        return;
    const unsigned char *payload = hy_buffer_data(packet->payload);
    size_t payload_size = hy_buffer_size(packet->payload);
    done -= packet->own_size;
    if (done < payload_size && gathering->room > 0)
        gather_bytes(gathering, payload + done, payload_size - done);
}

static void gather_ring(struct gathering *gathering, const struct hy__packet_ring *ring)
{
    for (uint32_t i = 0;
         i < ring->count && gathering->room > 0 && gathering->count + 2 <= SLICES_MAX; i++)
        gather(gathering, ring_at(ring, i), 0);
}

/* The same order as that of gathering: what is under way, control, messages. */
static void take_next(struct hy__packet_queue *queue)
{
    queue->partial_is_control = queue->control.count > 0;
    queue->partial = ring_pop(queue->partial_is_control ? &queue->control : &queue->data);
    queue->partial_done = 0;
}

static void consume(struct hy__packet_queue *queue, size_t bytes, struct hy__packet_write *write)
{
    while (bytes > 0) {
        if (queue->partial == NULL)
            take_next(queue);
        struct hy__packet *packet = queue->partial;
        size_t rest = hy__packet_size(packet) - queue->partial_done;
        if (bytes < rest) {
            queue->partial_done += bytes;
            return;
        }
        bytes -= rest;
        if (!queue->partial_is_control)
            queue->cost -= hy__packet_cost(packet);
        if (packet->is_message) {
            write->messages++;
            write->payload_bytes += packet->payload_size;
        }
        queue->partial = NULL;
        hy__packet_unref(packet);
    }
}

/* Whether the socket will take more some time. */
static bool may_go_on(int error)
{
    const enum hy__socket_problem problem = hy__socket_problem(error);
    return problem == HY__SOCKET_AGAIN || problem == HY__SOCKET_NO_MEMORY;
}

int hy__packet_queue_write(struct hy__packet_queue *queue, intptr_t handle, size_t limit,
                           struct hy__packet_write *ret_write)
{
    struct gathering gathering;
    *ret_write = (struct hy__packet_write){0};
    while (!hy__packet_queue_is_empty(queue) && ret_write->bytes < limit) {
        gathering.room = limit - ret_write->bytes;
        if (gathering.room > WRITE_MAX)
            gathering.room = WRITE_MAX;
        gathering.total = gathering.small_size = 0;
        gathering.count = 0;
        if (queue->partial != NULL)
            gather(&gathering, queue->partial, queue->partial_done);
        gather_ring(&gathering, &queue->control);
        gather_ring(&gathering, &queue->data);
        ssize_t sent = hy__socket_send_pieces(handle, gathering.pieces, gathering.count);
        if (sent < 0 && !may_go_on((int)-sent))
            return (int)sent;
        if (sent > 0) {
            ret_write->bytes += (size_t)sent;
            consume(queue, (size_t)sent, ret_write);
        }
        if (sent < (ssize_t)gathering.total) {
            ret_write->is_blocked = true;
            break;
        }
    }
    ring_trim(&queue->control, RING_CAPACITY_MIN);
    ring_trim(&queue->data, RING_CAPACITY_IDLE);
    return 0;
}

void hy__packet_queue_fini(struct hy__packet_queue *queue)
{
    hy__packet_queue_drop_messages(queue);
    while (queue->control.count > 0)
        hy__packet_unref(ring_pop(&queue->control));
    if (queue->partial != NULL)
        hy__packet_unref(queue->partial);
    ring_trim(&queue->control, 0);
    ring_trim(&queue->data, 0);
    *queue = (struct hy__packet_queue){0};
}
