/* SPDX-License-Identifier: MIT */
/*
 * Time-outs of all connections with one timer. Every stage has one time-out, so its list is in the
 * order of the deadlines: setting one is a move to the end, and only the heads are looked at. The
 * clock may fire too early (a deadline was set anew); it then finds the next one.
 */
#include "ws_server_private.h"

static void list_remove(struct hy__ws_deadlines *list, struct hy__ws_deadline *deadline)
{
    if (deadline->previous != NULL)
        deadline->previous->next = deadline->next;
    else
        list->first = deadline->next;
    if (deadline->next != NULL)
        deadline->next->previous = deadline->previous;
    else
        list->last = deadline->previous;
    deadline->previous = deadline->next = NULL;
}

void hy__ws_deadline_clear(struct hy_ws_server_private *ws, struct hy__ws_deadline *deadline)
{
    if (deadline->stage == HY__WS_STAGE_NONE)
        return;
    list_remove(&ws->deadlines[deadline->stage], deadline);
    deadline->stage = HY__WS_STAGE_NONE;
}

void hy__ws_clock_need(struct hy_ws_server_private *ws, int64_t at_ns)
{
    if (ws->clock_at_ns != 0 && ws->clock_at_ns <= at_ns)
        return;
    if (hy_timer_start_at(&ws->clock, at_ns) == 0)
        ws->clock_at_ns = at_ns;
}

void hy__ws_deadline_set(struct hy_ws_server_private *ws, struct hy__ws_deadline *deadline,
                         enum hy__ws_stage stage)
{
    struct hy__ws_deadlines *list = &ws->deadlines[stage];
    hy__ws_deadline_clear(ws, deadline);
    if (list->timeout_ns <= 0)
        return;
    deadline->stage = stage;
    deadline->since_ns = hy_now_ns();
    deadline->previous = list->last;
    if (list->last != NULL)
        list->last->next = deadline;
    else
        list->first = deadline;
    list->last = deadline;
    hy__ws_clock_need(ws, deadline->since_ns + list->timeout_ns);
}

static void expire(struct hy__ws_connection *connection, enum hy__ws_stage stage)
{
    struct hy_ws_server_private *ws = connection->ws;
    if (stage != HY__WS_STAGE_QUIET && stage != HY__WS_STAGE_KEEP_ALIVE &&
        stage != HY__WS_STAGE_LINGER)
        hy__ws_count(&ws->counters->timeouts, 1);
    switch (stage) {
    case HY__WS_STAGE_QUIET:
        hy__ws_session_ping(connection);
        if (connection->phase == HY__WS_OPEN)
            hy__ws_deadline_set(ws, &connection->life, HY__WS_STAGE_PONG);
        return;
    case HY__WS_STAGE_ANSWER:
        hy__ws_http_refuse(connection, 504, "the program did not answer in time");
        return;
    case HY__WS_STAGE_REQUEST:
        if (connection->stash != NULL && connection->stash->size > 0) {
            hy__ws_http_refuse(connection, 408, "the request did not come in time");
            return;
        }
        break;
    default:
        break;
    }
    hy__ws_connection_cut(connection);
}

void hy__ws_clock_fired(struct hy_ws_server_private *ws)
{
    int64_t now_ns = hy_now_ns();
    int64_t next_ns = HY_FOREVER;
    ws->clock_at_ns = 0;
    for (unsigned stage = 1; stage < HY__WS_STAGE_COUNT; stage++) {
        struct hy__ws_deadlines *list = &ws->deadlines[stage];
        while (list->first != NULL && list->first->since_ns + list->timeout_ns <= now_ns) {
            struct hy__ws_deadline *deadline = list->first;
            hy__ws_deadline_clear(ws, deadline);
            expire(deadline->connection, (enum hy__ws_stage)stage);
        }
        if (list->first != NULL && list->first->since_ns + list->timeout_ns < next_ns)
            next_ns = list->first->since_ns + list->timeout_ns;
    }
    if (ws->server == NULL)
        return;
    if (ws->accept_at_ns != 0 && ws->accept_at_ns <= now_ns)
        hy__ws_listener_resume(ws);
    if (ws->settle_at_ns != 0 && ws->settle_at_ns <= now_ns) {
        ws->settle_at_ns = 0;
        hy__ws_flush_arm(ws);
    }
    if (ws->accept_at_ns != 0 && ws->accept_at_ns < next_ns)
        next_ns = ws->accept_at_ns;
    if (ws->settle_at_ns != 0 && ws->settle_at_ns < next_ns)
        next_ns = ws->settle_at_ns;
    if (next_ns != HY_FOREVER)
        hy__ws_clock_need(ws, next_ns);
}
