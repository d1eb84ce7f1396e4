/* SPDX-License-Identifier: MIT */
/* From reports to frames: the main thread's part of `halyard serve`. */
#include "gateway.h"

#include "protocol.h"
#include "statistics.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* Deltas wait so long for clients that get their snapshot; then these clients have to come again.
 */
#define NEWCOMERS_MAX_NS (5 * HY_SECOND)

static const struct hy_class gateway_class = HY_CLASS(struct gateway, .fini = NULL);

static int64_t unix_s(void)
{
    return (int64_t)time(NULL);
}

/* The buffer takes the text over. */
static struct hy_buffer *buffer_of(struct protocol_text *text)
{
    struct hy_buffer *buffer = NULL;
    if (hy_buffer_create_from(text->data, text->size, protocol_text_release, NULL, &buffer) < 0)
        protocol_text_free(text);
    return buffer;
}

/* --- from the receiver -------------------------------------------------------------------------
 */

static void receiver_reports(struct gateway *gateway, const struct receiver_batch *batch)
{
    const struct ais_report *reports = receiver_batch_reports(batch);
    const size_t count = receiver_batch_count(batch);
    const int64_t now_s = unix_s();
    gateway->reports_dropped = batch->first - gateway->reports;
    gateway->reports += count;
    for (size_t i = 0; i < count; i++)
        if (tracker_update(&gateway->tracker, &reports[i].message, reports[i].received_ns, now_s) <
            0)
            gateway->reports_lost++;
}

static void receiver_counted(struct gateway *gateway, const struct receiver_counters *counters)
{
    gateway->received = *counters;
}

/* --- to the page --------------------------------------------------------------------------------
 */

/* Sends what was written to one client, or to all (0); ends the text. */
static int send_text(struct gateway *gateway, uint64_t client, struct protocol_text *text)
{
    struct hy_buffer *buffer = buffer_of(text);
    if (buffer == NULL)
        return -HY_ENOMEM;
    int rc = client == 0 ? hy_ws_server_broadcast_buffer(gateway->server, buffer, true)
                         : hy_ws_server_send_buffer(gateway->server, client, buffer, true);
    hy_buffer_unref(buffer);
    return rc;
}

static int send_hello(struct gateway *gateway, uint64_t client)
{
    const struct protocol_hello hello = {
        .version = hy_version(),
        .time_s = unix_s(),
        .seq = gateway->seq,
        .ships = tracker_count(&gateway->tracker),
        .stale_s = gateway->options.stale_ns / HY_SECOND,
        .remove_s = gateway->options.remove_ns / HY_SECOND,
        .interval_ms = gateway->options.interval_ns / HY_MILLISECOND,
    };
    struct protocol_text text;
    int rc = protocol_hello(&hello, &text);
    return rc < 0 ? rc : send_text(gateway, client, &text);
}

static void drop_snapshot(struct gateway *gateway)
{
    for (size_t i = 0; i < gateway->snapshot_count; i++)
        hy_buffer_unref(gateway->snapshot[i]);
    hy_memory_release(gateway->snapshot);
    gateway->snapshot = NULL;
    gateway->snapshot_count = 0;
}

static int make_snapshot(struct gateway *gateway)
{
    size_t frames_max = tracker_count(&gateway->tracker) / PROTOCOL_SNAPSHOT_ROWS + 1;
    gateway->snapshot = hy_memory_allocate(frames_max * sizeof(void *));
    int more = gateway->snapshot != NULL ? 1 : -HY_ENOMEM;
    for (size_t cursor = 0; more > 0;) {
        struct protocol_text text;
        more = protocol_snapshot(&gateway->tracker, gateway->seq, &cursor, &text);
        struct hy_buffer *frame = more < 0 ? NULL : buffer_of(&text);
        if (frame == NULL)
            more = -HY_ENOMEM;
        else
            gateway->snapshot[gateway->snapshot_count++] = frame;
    }
    if (more < 0)
        drop_snapshot(gateway);
    return more;
}

/* A client that cannot get its snapshot is sent away and comes again by itself. */
static void refuse(struct gateway *gateway, uint64_t client)
{
    hy_log(HY_LOG_WARNING, "gateway", "client %" PRIu64 " gets no snapshot: %s", client,
           hy_last_error()->message);
    (void)hy_ws_server_close_client(gateway->server, client, 1013, "busy; try again");
}

/* As far as the server takes it; -HY_EAGAIN: go on after low_water. */
static int serve_newcomer(struct gateway *gateway, struct gateway_newcomer *newcomer)
{
    int rc = newcomer->needs_hello ? send_hello(gateway, newcomer->client) : 0;
    if (rc < 0)
        return rc;
    newcomer->needs_hello = false;
    if (gateway->snapshot == NULL)
        rc = make_snapshot(gateway);
    while (rc >= 0 && newcomer->next_frame < gateway->snapshot_count) {
        rc = hy_ws_server_send_buffer(gateway->server, newcomer->client,
                                      gateway->snapshot[newcomer->next_frame], true);
        if (rc >= 0)
            newcomer->next_frame++;
    }
    return rc;
}

static void forget_newcomers(struct gateway *gateway, size_t count)
{
    gateway->newcomer_count -= count;
    memmove(gateway->newcomers, gateway->newcomers + count,
            gateway->newcomer_count * sizeof gateway->newcomers[0]);
}

static void serve_newcomers(struct gateway *gateway)
{
    size_t done = 0;
    for (; done < gateway->newcomer_count; done++) {
        struct gateway_newcomer *newcomer = &gateway->newcomers[done];
        int rc = serve_newcomer(gateway, newcomer);
        if (rc == -HY_EAGAIN)
            break;
        if (rc < 0)
            refuse(gateway, newcomer->client);
    }
    if (done > 0)
        forget_newcomers(gateway, done);
}

static void server_low_water(struct gateway *gateway, const struct hy_ws_pressure *pressure)
{
    (void)pressure;
    serve_newcomers(gateway);
}

static int grow_newcomers(struct gateway *gateway)
{
    size_t room = gateway->newcomer_room == 0 ? 16 : gateway->newcomer_room * 2;
    struct gateway_newcomer *grown =
        hy_memory_resize(gateway->newcomers, room * sizeof gateway->newcomers[0]);
    if (grown == NULL)
        return -HY_ENOMEM;
    gateway->newcomers = grown;
    gateway->newcomer_room = room;
    return 0;
}

static void add_newcomer(struct gateway *gateway, uint64_t client, bool needs_hello)
{
    for (size_t i = 0; i < gateway->newcomer_count; i++)
        if (gateway->newcomers[i].client == client)
            return; /* its snapshot is on the way */
    if (gateway->newcomer_count == gateway->newcomer_room && grow_newcomers(gateway) < 0) {
        refuse(gateway, client);
        return;
    }
    gateway->newcomers[gateway->newcomer_count++] =
        (struct gateway_newcomer){.client = client, .needs_hello = needs_hello};
    if (gateway->newcomer_count == 1) {
        gateway->newcomers_since_ns = hy_now_ns();
        serve_newcomers(gateway);
    }
}

/* Whether the deltas must wait for snapshots under way; not for ever, the others wait with them. */
static bool is_held_up(struct gateway *gateway)
{
    if (gateway->newcomer_count == 0)
        return false;
    if (hy_now_ns() - gateway->newcomers_since_ns < NEWCOMERS_MAX_NS)
        return true;
    (void)hy_error_set(-HY_EAGAIN, "too many clients need one at once");
    for (size_t i = 0; i < gateway->newcomer_count; i++)
        refuse(gateway, gateway->newcomers[i].client);
    forget_newcomers(gateway, gateway->newcomer_count);
    return false;
}

static void client_opened(struct gateway *gateway, const struct hy_ws_client_opened *opened)
{
    add_newcomer(gateway, opened->client, true);
}

static void client_message(struct gateway *gateway, const struct hy_ws_message_buffer *message)
{
    if (message->is_text && protocol_is_snapshot_request(hy_buffer_data(message->buffer),
                                                         hy_buffer_size(message->buffer)))
        add_newcomer(gateway, message->client, false);
}

/* What could not be sent is missed by all clients alike: they see the gap in `seq` and ask for a
 * snapshot. */
static void broadcast(struct gateway *gateway, int rc, struct protocol_text *text)
{
    if (rc >= 0)
        rc = send_text(gateway, 0, text);
    if (rc < 0)
        gateway->frames_refused++;
}

static void delta_due(struct gateway *gateway)
{
    if (is_held_up(gateway))
        return;
    struct protocol_text text;
    size_t removed_count;
    const uint32_t *removed = tracker_removed(&gateway->tracker, &removed_count);
    if (removed_count > 0 || tracker_changed_count(&gateway->tracker) > 0)
        drop_snapshot(gateway);
    if (removed_count > 0)
        broadcast(gateway, protocol_gone(removed, removed_count, ++gateway->seq, &text), &text);
    if (tracker_changed_count(&gateway->tracker) > 0)
        broadcast(gateway, protocol_delta(&gateway->tracker, ++gateway->seq, unix_s(), &text),
                  &text);
    tracker_clear_changes(&gateway->tracker);
}

static void second_due(struct gateway *gateway)
{
    (void)tracker_expire(&gateway->tracker, hy_now_ns());
    uint64_t sentences = gateway->received.ais.sentences;
    /* Smoothed over about five seconds. */
    gateway->rate += ((double)(sentences - gateway->sentences_before) - gateway->rate) / 5;
    gateway->sentences_before = sentences;

    struct hy_ws_server_counters web = hy_ws_server_get_counters(gateway->server);
    const struct protocol_stat stat = {
        .time_s = unix_s(),
        .sentences = sentences,
        .decoded = gateway->received.ais.messages,
        .rejected = ais_counters_rejected(&gateway->received.ais),
        .rate = gateway->rate,
        .ships = tracker_count(&gateway->tracker),
        .clients = (size_t)web.clients,
        .sent = web.messages_sent,
        .dropped = statistics_dropped(&web),
    };
    struct protocol_text text;
    if (gateway->newcomer_count == 0) /* what the server takes is for them first */
        broadcast(gateway, protocol_stat(&stat, &text), &text);
}

/* --- HTTP
 * ------------------------------------------------------------------------------------------ */

static void respond_json(struct gateway *gateway, uint64_t request, int rc,
                         struct protocol_text *text)
{
    struct hy_buffer *body = rc >= 0 ? buffer_of(text) : NULL;
    if (body == NULL) {
        (void)hy_ws_server_respond(gateway->server, request, 500, "text/plain", NULL);
        return;
    }
    (void)hy_ws_server_respond(gateway->server, request, 200, "application/json", body);
    hy_buffer_unref(body);
}

static void http_request(struct gateway *gateway, const struct hy_http_request *request)
{
    struct protocol_text text;
    if (strcmp(request->path, "/api/ships.json") == 0)
        respond_json(gateway, request->request, protocol_ships(&gateway->tracker, unix_s(), &text),
                     &text);
    else if (strcmp(request->path, "/api/stat.json") == 0)
        respond_json(gateway, request->request, statistics_json(gateway, &text), &text);
    else
        (void)hy_ws_server_respond(gateway->server, request->request, 404, "text/plain", NULL);
}

/* --- life
 * -------------------------------------------------------------------------------------------- */

static int connect_all(struct gateway *gateway, struct receiver *receiver)
{
    struct hy_ws_server *server = gateway->server;
    int rc = hy_connect_with(&receiver->events.reports, gateway, receiver_reports,
                             &receiver_queue_options, &receiver->queue);
    if (rc == 0)
        rc = hy_connect(&receiver->events.counted, gateway, receiver_counted, HY_LATEST);
    if (rc == 0)
        rc = hy_connect(&server->events.client_opened, gateway, client_opened, HY_AUTO);
    if (rc == 0)
        rc = hy_connect(&server->events.message_buffer, gateway, client_message, HY_AUTO);
    if (rc == 0)
        rc = hy_connect(&server->events.low_water, gateway, server_low_water, HY_AUTO);
    if (rc == 0)
        rc = hy_connect(&server->events.request, gateway, http_request, HY_AUTO);
    if (rc == 0)
        rc = hy_connect(&gateway->delta_timer.events.timeout, gateway, delta_due, HY_DIRECT);
    if (rc == 0)
        rc = hy_connect(&gateway->second_timer.events.timeout, gateway, second_due, HY_DIRECT);
    return rc;
}

int gateway_init(struct gateway *gateway, struct receiver *receiver, struct hy_ws_server *server,
                 const struct gateway_options *options)
{
    memset(gateway, 0, sizeof *gateway);
    int rc = hy_object_init(&gateway->hy, &gateway_class, NULL);
    if (rc < 0)
        return rc;
    (void)hy_object_set_name(&gateway->hy, "gateway");
    gateway->server = server;
    gateway->options = *options;
    const struct tracker_options tracker_options = {options->stale_ns, options->remove_ns};
    tracker_init(&gateway->tracker, &tracker_options);
    rc = hy_timer_init(&gateway->delta_timer, &gateway->hy);
    if (rc == 0)
        rc = hy_timer_init(&gateway->second_timer, &gateway->hy);
    if (rc == 0)
        rc = connect_all(gateway, receiver);
    if (rc == 0)
        rc = hy_timer_start(&gateway->delta_timer, options->interval_ns);
    if (rc == 0)
        rc = hy_timer_start(&gateway->second_timer, HY_SECOND);
    if (rc < 0)
        gateway_fini(gateway);
    return rc;
}

void gateway_fini(struct gateway *gateway)
{
    hy_object_fini(&gateway->hy);
    drop_snapshot(gateway);
    hy_memory_release(gateway->newcomers);
    tracker_fini(&gateway->tracker);
}

void gateway_print_summary(const struct gateway *gateway)
{
    struct hy_ws_server_counters web = hy_ws_server_get_counters(gateway->server);
    const struct receiver_counters *received = &gateway->received;
    (void)printf("received %" PRIu64 " sentences in %" PRIu64 " datagrams, decoded %" PRIu64
                 ", rejected %" PRIu64 ", tracked %zu vessels, sent %" PRIu64
                 " messages to %" PRIu64 " clients, dropped %" PRIu64 " messages and %" PRIu64
                 " datagrams\n",
                 received->ais.sentences, received->datagrams, received->ais.messages,
                 ais_counters_rejected(&received->ais), tracker_count(&gateway->tracker),
                 web.messages_sent, web.opened, statistics_dropped(&web), received->kernel_drops);
    (void)fflush(stdout);
}
