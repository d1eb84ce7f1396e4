/* SPDX-License-Identifier: MIT */
/*
 * The server's pressure: one number that all senders share (hy_ws_server.pending_).
 *
 *     pending_ = bytes reserved by senders and not yet in the queues
 *              + ws->fullest, which is at least the fullest queue of a client that is not slow
 *
 * A sender reserves with a compare-and-swap and is refused where pending_ would pass queue_limit.
 * So every queue that counts stays within queue_limit, and the policy never acts on it: nothing is
 * dropped but for slow clients. When a message reaches the queues, its bytes go from the first part
 * to the second (each queue grows by no more than them) and pending_ stays as it is. Only the
 * server's thread takes pending_ down, in hy__ws_pressure_settle(), at the end of a turn. What its
 * own handlers send to one client is not reserved: that client's limit and policy hold, and the
 * second part is raised.
 *
 * No lost low_water: a refused sender sets refused_, then looks at pending_ again; settle lowers
 * pending_, then looks at refused_. Both pairs are sequentially consistent, so at least one of the
 * two sees the other: the sender the room, or the server the refusal, which it answers with
 * low_water once pending_ is at low_water or below.
 */
#include "ws_server_private.h"

int hy__ws_pressure_check_size(struct hy_ws_server *server, uint64_t cost)
{
    uint64_t limit = __atomic_load_n(&server->queue_limit_, __ATOMIC_RELAXED);
    if (cost > limit)
        return hy_error_set(-HY_EMSGSIZE,
                            "a message of %llu bytes is above the queue limit of %llu; raise "
                            "queue_limit or send less at once",
                            (unsigned long long)cost, (unsigned long long)limit);
    return 0;
}

int hy__ws_pressure_reserve(struct hy_ws_server *server, uint64_t cost)
{
    uint64_t limit = __atomic_load_n(&server->queue_limit_, __ATOMIC_RELAXED);
    uint64_t pending = __atomic_load_n(&server->pending_, __ATOMIC_RELAXED);
    bool is_told = false;
    for (;;) {
        if (pending > limit - cost) {
            if (is_told) {
                __atomic_fetch_add(&server->counters_.refused_sends, 1, __ATOMIC_RELAXED);
                return hy_error_set(-HY_EAGAIN,
                                    "%llu bytes wait already; try again after low_water",
                                    (unsigned long long)pending);
            }
            is_told = true;
            __atomic_store_n(&server->refused_, 1, __ATOMIC_SEQ_CST);
            pending = __atomic_load_n(&server->pending_, __ATOMIC_SEQ_CST);
        } else if (__atomic_compare_exchange_n(&server->pending_, &pending, pending + cost, true,
                                               __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
            return 0;
        }
    }
}

void hy__ws_pressure_cancel(struct hy_ws_server *server, uint64_t cost)
{
    __atomic_fetch_sub(&server->pending_, cost, __ATOMIC_SEQ_CST);
}

void hy__ws_pressure_arrived(struct hy_ws_server_private *ws, uint64_t cost)
{
    ws->fullest += cost;
    hy__ws_flush_arm(ws);
}

void hy__ws_pressure_raise(struct hy__ws_connection *connection)
{
    struct hy_ws_server_private *ws = connection->ws;
    uint64_t cost = connection->queue.cost;
    if (connection->is_slow || cost <= ws->fullest)
        return;
    __atomic_fetch_add(&ws->server->pending_, cost - ws->fullest, __ATOMIC_SEQ_CST);
    ws->fullest = cost;
}

void hy__ws_pressure_watch(struct hy__ws_connection *connection)
{
    struct hy_ws_server_private *ws = connection->ws;
    if (connection->is_backlogged)
        return;
    connection->is_backlogged = true;
    connection->backlog_next = ws->backlog;
    ws->backlog = connection;
}

/* Whether the client's queue counts, after a look at how long it has been above low_water. */
static bool counts(struct hy__ws_connection *connection, int64_t now_ns)
{
    struct hy_ws_server_private *ws = connection->ws;
    int64_t slow_after_ns = ws->options.slow_after_ns;
    if (connection->queue.cost <= ws->options.low_water) {
        connection->above_since_ns = 0;
        connection->is_slow = false;
        return true;
    }
    if (connection->above_since_ns == 0)
        connection->above_since_ns = now_ns;
    if (slow_after_ns <= 0 || connection->is_slow)
        return !connection->is_slow;
    int64_t slow_at_ns = connection->above_since_ns + slow_after_ns;
    if (slow_at_ns <= now_ns) {
        connection->is_slow = true;
        return false;
    }
    if (ws->settle_at_ns == 0 || slow_at_ns < ws->settle_at_ns) {
        ws->settle_at_ns = slow_at_ns;
        hy__ws_clock_need(ws, slow_at_ns);
    }
    return true;
}

/* Whether the client has crossed one of its marks since it was last told. */
static bool has_news(struct hy__ws_connection *connection)
{
    const struct hy_ws_server_options *options = &connection->ws->options;
    uint64_t cost = connection->queue.cost;
    bool is_high = connection->is_high ? cost > options->low_water : cost >= options->high_water;
    if (is_high == connection->is_high)
        return false;
    connection->is_high = is_high;
    return true;
}

/* Walks the queues that hold something: the fullest one, and the clients with news. */
static uint64_t survey(struct hy_ws_server_private *ws, struct hy__ws_connection **ret_reports)
{
    struct hy__ws_connection **link = &ws->backlog;
    uint64_t fullest = 0;
    int64_t now_ns = hy_now_ns();
    while (*link != NULL) {
        struct hy__ws_connection *connection = *link;
        if (connection->phase == HY__WS_OPEN) {
            if (counts(connection, now_ns) && connection->queue.cost > fullest)
                fullest = connection->queue.cost;
            if (has_news(connection) && !connection->is_reported) {
                connection->is_reported = true;
                connection->report_next = *ret_reports;
                *ret_reports = connection;
            }
        }
        if (hy__packet_queue_is_empty(&connection->queue)) {
            connection->is_backlogged = false;
            *link = connection->backlog_next;
        } else {
            link = &connection->backlog_next;
        }
    }
    return fullest;
}

static void emit(struct hy_ws_server_private *ws, bool is_high, uint64_t client, uint64_t queued)
{
    struct hy_ws_pressure pressure = {.client = client, .queued = queued};
    if (ws->server == NULL)
        return;
    if (is_high)
        hy_emit(&ws->server->events.high_water, &pressure);
    else
        hy_emit(&ws->server->events.low_water, &pressure);
}

static void report(struct hy_ws_server_private *ws, struct hy__ws_connection *reports)
{
    while (reports != NULL) {
        struct hy__ws_connection *connection = reports;
        reports = connection->report_next;
        connection->is_reported = false;
        if (connection->phase == HY__WS_OPEN) {
            hy__ws_connection_update(connection); /* pause_reading */
            emit(ws, connection->is_high, connection->session->client, connection->queue.cost);
        }
    }
}

void hy__ws_pressure_settle(struct hy_ws_server_private *ws)
{
    struct hy_ws_server *server = ws->server;
    struct hy__ws_connection *reports = NULL;
    uint64_t fullest = survey(ws, &reports);
    uint64_t change = fullest - ws->fullest; /* modulo 2^64: mostly below 0 */
    uint64_t before = __atomic_fetch_add(&server->pending_, change, __ATOMIC_SEQ_CST);
    uint64_t after = before + change;
    bool is_low = after <= ws->options.low_water;
    ws->fullest = fullest;
    if (!ws->is_high && before >= ws->options.high_water) {
        ws->is_high = true;
        emit(ws, true, 0, before);
    }
    if (ws->server != NULL && is_low &&
        (__atomic_exchange_n(&server->refused_, 0, __ATOMIC_SEQ_CST) != 0 || ws->is_high)) {
        ws->is_high = false;
        emit(ws, false, 0, after);
    }
    report(ws, reports);
}
