/* SPDX-License-Identifier: MIT */
/* UDP in, decoded AIS messages out, in the receiver's thread. */
#include "receiver.h"

#include <string.h>

#define COUNT_INTERVAL_NS (250 * HY_MILLISECOND)

static int batch_copy(void *to, const void *from)
{
    struct receiver_batch *copy = to;
    *copy = *(const struct receiver_batch *)from;
    (void)hy_buffer_ref(copy->buffer);
    return 0;
}

static void batch_destroy(void *payload)
{
    struct receiver_batch *batch = payload;
    batch->buffer = hy_buffer_unref(batch->buffer);
}

static const struct hy_class receiver_class = HY_CLASS(
    struct receiver,
    .signals = HY_SIGNALS(HY_DESCRIBED(struct receiver, events.reports, batch_copy, batch_destroy),
                          HY_PLAIN(struct receiver, events.counted)));

const struct hy_connect_options receiver_queue_options = {
    .flags = HY_BOUNDED,
    .limit = RECEIVER_WAITING_MAX / RECEIVER_BATCH_MAX,
    .overflow = HY_OVERFLOW_DROP_OLDEST,
};

int receiver_init(struct receiver *receiver, const char *const *addresses, size_t address_count)
{
    int rc = hy_object_init(&receiver->hy, &receiver_class, NULL);
    if (rc < 0)
        return rc;
    (void)hy_object_set_name(&receiver->hy, "receiver");
    receiver->addresses = addresses;
    receiver->address_count = address_count;
    receiver->may_lack_family = false;
    receiver->socket_count = 0;
    memset(&receiver->queue, 0, sizeof receiver->queue);
    memset(&receiver->told, 0, sizeof receiver->told);
    receiver->reports_told = 0;
    receiver->pending_count = 0;
    ais_decoder_init(&receiver->decoder, NULL);
    return 0;
}

/* --- reports --------------------------------------------------------------------------------- */

static void tell_reports(struct receiver *receiver)
{
    size_t count = receiver->pending_count;
    if (count == 0)
        return;
    struct receiver_batch batch = {.first = receiver->reports_told, .buffer = NULL};
    int rc =
        hy_buffer_create(receiver->pending, count * sizeof receiver->pending[0], &batch.buffer);
    if (rc < 0 || hy_emit(&receiver->events.reports, &batch) < 0)
        /* Of these `first` knows nothing: they were not dropped from the queue. */
        hy_log(HY_LOG_ERROR, "receiver", "%zu messages are lost: %s", count,
               hy_last_error()->message);
    else
        receiver->reports_told += count;
    (void)hy_buffer_unref(batch.buffer);
    receiver->pending_count = 0;
}

/* A listener that is late has no use for small batches, and they would fill its queue, whose limit
 * counts batches, with few reports. */
static void tell_reports_in_time(struct receiver *receiver)
{
    struct hy_connection_counters queue;
    if (receiver->pending_count > 0 &&
        (hy_connection_get_counters(receiver->queue, &queue) < 0 || queue.waiting < RECEIVER_LATE))
        tell_reports(receiver);
}

static void decoder_report(void *context, const struct ais_report *report)
{
    struct receiver *receiver = context;
    receiver->pending[receiver->pending_count++] = *report;
    if (receiver->pending_count == RECEIVER_BATCH_MAX)
        tell_reports(receiver);
}

/* FNV-1a over the sender's host: the port is left out, for some senders take a new one for each
 * datagram. */
static uint32_t source_of(const struct hy_datagram *datagram)
{
    struct hy_address host = datagram->sender;
    hy_address_set_port(&host, 0);
    const unsigned char *bytes = (const unsigned char *)&host;
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < sizeof host; i++)
        hash = (hash ^ bytes[i]) * 16777619u;
    return hash;
}

static void socket_datagrams(struct receiver *receiver, const struct hy_datagram_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        const struct hy_datagram *datagram = &batch->datagrams[i];
        /* Two senders do not complete each other's messages. */
        ais_decoder_feed(&receiver->decoder, datagram->data, datagram->size, source_of(datagram),
                         datagram->received_ns, decoder_report, receiver);
    }
    tell_reports_in_time(receiver);
}

static void socket_error(struct receiver *receiver, const struct hy_error *error)
{
    (void)receiver;
    hy_log(HY_LOG_WARNING, "receiver", "%s", error->message);
}

static void count(struct receiver *receiver, struct receiver_counters *counters)
{
    memset(counters, 0, sizeof *counters);
    for (size_t i = 0; i < receiver->socket_count; i++) {
        struct hy_udp_socket_counters udp = hy_udp_socket_get_counters(&receiver->sockets[i]);
        counters->datagrams += udp.datagrams;
        counters->bytes += udp.bytes;
        counters->kernel_drops += udp.kernel_drops;
        counters->truncated += udp.truncated;
    }
    ais_decoder_expire(&receiver->decoder, hy_now_ns());
    counters->ais = receiver->decoder.counters;
}

static void tell_counts(struct receiver *receiver)
{
    struct receiver_counters counters;
    count(receiver, &counters);
    if (memcmp(&counters, &receiver->told, sizeof counters) == 0)
        return;
    if (hy_emit(&receiver->events.counted, &counters) >= 0)
        receiver->told = counters;
}

static void count_due(struct receiver *receiver)
{
    tell_reports_in_time(receiver);
    tell_counts(receiver);
}

/* --- sockets --------------------------------------------------------------------------------- */

static int open_socket(struct receiver *receiver, const char *address)
{
    struct hy_udp_socket *socket = &receiver->sockets[receiver->socket_count];
    int rc = hy_udp_socket_init(socket, &receiver->hy);
    if (rc < 0)
        return rc;
    rc = hy_connect(&socket->events.batch, receiver, socket_datagrams, HY_DIRECT);
    if (rc == 0)
        rc = hy_connect(&socket->events.error, receiver, socket_error, HY_DIRECT);
    /* [::] beside 0.0.0.0 on one port: each takes its own family. */
    if (rc == 0)
        rc = hy_udp_socket_bind(socket, address, HY_UDP_IPV6_ONLY);
    if (rc < 0) {
        (void)hy_error_set(rc, "--udp: %s", hy_last_error()->message);
        hy_udp_socket_fini(socket);
        return rc;
    }
    receiver->socket_count++;
    struct hy_address local;
    if (hy_udp_socket_local_address(socket, &local) == 0)
        hy_log(HY_LOG_INFO, "receiver", "listening on udp %s, receive buffer %zu KiB",
               hy_address_to_text(&local).text, hy_udp_socket_receive_buffer(socket) / 1024);
    return 0;
}

void receiver_start(struct receiver *receiver)
{
    int rc = 0;
    for (size_t i = 0; i < receiver->address_count && rc == 0; i++) {
        rc = open_socket(receiver, receiver->addresses[i]);
        bool is_last_hope = i + 1 == receiver->address_count && receiver->socket_count == 0;
        if (rc == -HY_ENOTSUP && receiver->may_lack_family && !is_last_hope) {
            hy_log(HY_LOG_WARNING, "receiver", "%s", hy_last_error()->message);
            rc = 0;
        }
    }
    if (rc == 0)
        rc = hy_timer_init(&receiver->count_timer, &receiver->hy);
    if (rc == 0)
        rc = hy_connect(&receiver->count_timer.events.timeout, receiver, count_due, HY_DIRECT);
    if (rc == 0)
        rc = hy_timer_start(&receiver->count_timer, COUNT_INTERVAL_NS);
    if (rc < 0)
        hy_app_fail(rc);
}

void receiver_finish(struct receiver *receiver)
{
    tell_reports(receiver);
    tell_counts(receiver);
}
