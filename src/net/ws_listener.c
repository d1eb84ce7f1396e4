/* SPDX-License-Identifier: MIT */
/*
 * The listening socket. A failure to accept that would come again at once (no descriptors) pauses
 * accepting for a moment instead of turning the loop.
 */
#include "socket.h"
#include "ws_server_private.h"
#include <stdio.h>

#define ACCEPTS_PER_TURN 64
#define ACCEPT_PAUSE_NS  (100 * HY_MILLISECOND)
#define BACKLOG          511

static void refuse_full(intptr_t handle)
{
    static const char answer[] = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n"
                                 "Retry-After: 10\r\nConnection: close\r\n\r\n";
    char rest[4096];
    /* The socket is new: its buffer takes it. Reading what came keeps the answer from being lost to
     * a reset. */
    if (hy__socket_send(handle, answer, sizeof answer - 1) >= 0) {
        hy__socket_end_sending(handle);
        while (hy__socket_receive(handle, rest, sizeof rest) > 0)
            ;
    }
    hy__socket_close(handle);
}

static bool accept_failed(struct hy_ws_server_private *ws, int error)
{
    const enum hy__socket_problem problem = hy__socket_problem(error);
    if (problem == HY__SOCKET_AGAIN)
        return false;
    /* Errors of the connection that was to be accepted (accept(2)): the next one may be well. */
    if (problem != HY__SOCKET_NO_DESCRIPTORS && problem != HY__SOCKET_NO_MEMORY)
        return true;
    hy__ws_count(&ws->counters->accept_failures, 1);
    int rc = hy_error_set_system(error, "%s: cannot accept clients for a moment", ws->address);
    hy_notifier_watch(&ws->listener, ws->listener_handle, 0);
    ws->accept_at_ns = hy_now_ns() + ACCEPT_PAUSE_NS;
    hy__ws_clock_need(ws, ws->accept_at_ns);
    hy__ws_report(ws, rc, hy_last_error()->message);
    return false;
}

static void accept_clients(struct hy_ws_server_private *ws)
{
    for (int i = 0; i < ACCEPTS_PER_TURN && ws->listener_handle >= 0; i++) {
        if (i > 0 && !hy__socket_may_accept(ws->listener_handle))
            return;
        intptr_t handle = hy__socket_accept(ws->listener_handle);
        if (handle < 0) {
            if (!accept_failed(ws, (int)-handle))
                return;
            continue;
        }
        hy__ws_count(&ws->counters->accepted, 1);
        if (ws->counters->connections >= ws->options.client_limit) {
            hy__ws_count(&ws->counters->refused_503, 1);
            refuse_full(handle);
            continue;
        }
        int rc = hy__ws_connection_create(ws, handle);
        if (rc < 0) {
            hy__ws_count(&ws->counters->accept_failures, 1);
            hy__ws_report(ws, rc, hy_last_error()->message);
        }
    }
}

static void listener_ready(struct hy_notifier *notifier, const struct hy_readiness *readiness)
{
    struct hy_ws_server_private *ws =
        (struct hy_ws_server_private *)(void *)((char *)notifier -
                                                offsetof(struct hy_ws_server_private, listener));
    (void)readiness;
    hy__ws_enter(ws);
    accept_clients(ws);
    hy__ws_leave(ws);
}

void hy__ws_listener_resume(struct hy_ws_server_private *ws)
{
    ws->accept_at_ns = 0;
    if (ws->listener_handle >= 0)
        hy_notifier_watch(&ws->listener, ws->listener_handle, HY_READABLE);
}

static int open_socket(const struct hy_address *address, const char *text, intptr_t *ret_handle)
{
    const int family = hy__address_family(address);
    intptr_t handle = hy__socket_open(family, SOCK_STREAM);
    if (handle < 0)
        return hy_error_set_system((int)-handle, "cannot make a socket for %s", text);
    if (family == AF_INET6)
        hy__socket_set(handle, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    int rc = hy__socket_listen(handle, address, BACKLOG);
    if (rc >= 0) {
        *ret_handle = handle;
        return 0;
    }
    hy__socket_close(handle);
    if (hy__socket_problem(-rc) == HY__SOCKET_IN_USE)
        return hy_error_set(-HY_EADDRINUSE, "cannot listen at %s: it is in use by another program",
                            text);
    return hy_error_set_system(-rc, "cannot listen at %s", text);
}

int hy__ws_listener_start(struct hy_ws_server_private *ws, const char *text)
{
    struct hy_address address;
    intptr_t handle = -1;
    int rc = hy_address_parse(text, &address);
    if (rc < 0)
        return rc;
    rc = open_socket(&address, text, &handle);
    if (rc < 0)
        return rc;
    hy__socket_local(handle, &address); /* with the real port */
    struct hy_notifier *listener = &ws->listener;
    rc = hy_connect(&listener->events.ready, listener, listener_ready, HY_DIRECT);
    if (rc >= 0)
        rc = hy_notifier_watch(listener, handle, HY_READABLE);
    if (rc < 0) {
        hy_disconnect(&listener->events.ready, listener, listener_ready);
        hy__socket_close(handle);
        return rc;
    }
    ws->listener_handle = handle;
    snprintf(ws->address, sizeof ws->address, "%s", hy_address_to_text(&address).text);
    __atomic_store_n(&ws->server->port_, hy_address_port(&address), __ATOMIC_RELEASE);
    return 0;
}

void hy__ws_listener_stop(struct hy_ws_server_private *ws)
{
    if (ws->listener_handle < 0)
        return;
    hy_notifier_unwatch(&ws->listener);
    hy__socket_close(ws->listener_handle);
    ws->listener_handle = -1;
    ws->accept_at_ns = 0;
}

void hy__ws_peer_text(intptr_t handle, char *to, size_t capacity)
{
    struct hy_address address;
    to[0] = '\0';
    if (hy__socket_peer(handle, &address) >= 0)
        snprintf(to, capacity, "%s", hy_address_to_text(&address).text);
}
