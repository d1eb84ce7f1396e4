/* SPDX-License-Identifier: MIT */
/*
 * The listening socket. A failure to accept that would come again at once (no descriptors) pauses
 * accepting for a moment instead of turning the loop.
 */
#include "address_system.h"
#include "ws_server_private.h"
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define ACCEPTS_PER_TURN 64
#define ACCEPT_PAUSE_NS  (100 * HY_MILLISECOND)
#define BACKLOG          511

static void refuse_full(int fd)
{
    static const char answer[] = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n"
                                 "Retry-After: 10\r\nConnection: close\r\n\r\n";
    char rest[4096];
    /* The socket is new: its buffer takes it. Reading what came keeps the answer from being lost to
     * a reset. */
    if (send(fd, answer, sizeof answer - 1, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0) {
        shutdown(fd, SHUT_WR);
        while (recv(fd, rest, sizeof rest, MSG_DONTWAIT) > 0)
            ;
    }
    close(fd);
}

static bool accept_failed(struct hy_ws_server_private *ws, int error)
{
    if (error == EAGAIN || error == EWOULDBLOCK)
        return false;
    /* Errors of the connection that was to be accepted (accept(2)): the next one may be well. */
    if (error != EMFILE && error != ENFILE && error != ENOBUFS && error != ENOMEM)
        return true;
    hy__ws_count(&ws->counters->accept_failures, 1);
    int rc = hy_error_set_system(error, "%s: cannot accept clients for a moment", ws->address);
    hy_notifier_watch(&ws->listener, ws->listener_fd, 0);
    ws->accept_at_ns = hy_now_ns() + ACCEPT_PAUSE_NS;
    hy__ws_clock_need(ws, ws->accept_at_ns);
    hy__ws_report(ws, rc, hy_last_error()->message);
    return false;
}

static void accept_clients(struct hy_ws_server_private *ws)
{
    for (int i = 0; i < ACCEPTS_PER_TURN && ws->listener_fd >= 0; i++) {
        /* cppcheck-suppress nullPointer ; allowed: the address is asked for later */
        int fd = accept4(ws->listener_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0) {
            if (!accept_failed(ws, errno))
                return;
            continue;
        }
        hy__ws_count(&ws->counters->accepted, 1);
        if (ws->counters->connections >= ws->options.client_limit) {
            hy__ws_count(&ws->counters->refused_503, 1);
            refuse_full(fd);
            continue;
        }
        int rc = hy__ws_connection_create(ws, fd);
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
    if (ws->listener_fd >= 0)
        hy_notifier_watch(&ws->listener, ws->listener_fd, HY_READABLE);
}

static int open_socket(struct hy_address *address, const char *text, int *ret_fd)
{
    int on = 1;
    struct sockaddr *system = hy__address_system(address);
    int fd = socket(system->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return hy_error_set_system(errno, "cannot make a socket for %s", text);
    /* Lets a server that was just stopped be started again; it does not share the address. */
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (system->sa_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    if (bind(fd, system, hy__address_size(address)) < 0 || listen(fd, BACKLOG) < 0) {
        int rc = hy_error_set_system(errno, "cannot listen at %s", text);
        close(fd);
        return rc;
    }
    *ret_fd = fd;
    return 0;
}

int hy__ws_listener_start(struct hy_ws_server_private *ws, const char *text)
{
    struct hy_address address;
    int fd = -1;
    int rc = hy_address_parse(text, &address);
    if (rc < 0)
        return rc;
    rc = open_socket(&address, text, &fd);
    if (rc < 0)
        return rc;
    socklen_t size = sizeof(struct sockaddr_storage);
    struct sockaddr_storage local;
    if (getsockname(fd, (struct sockaddr *)&local, &size) == 0)
        hy__address_from_system((struct sockaddr *)&local, size, &address);
    struct hy_notifier *listener = &ws->listener;
    rc = hy_connect(&listener->events.ready, listener, listener_ready, HY_DIRECT);
    if (rc >= 0)
        rc = hy_notifier_watch(listener, fd, HY_READABLE);
    if (rc < 0) {
        hy_disconnect(&listener->events.ready, listener, listener_ready);
        close(fd);
        return rc;
    }
    ws->listener_fd = fd;
    snprintf(ws->address, sizeof ws->address, "%s", hy_address_to_text(&address).text);
    __atomic_store_n(&ws->server->port_, hy_address_port(&address), __ATOMIC_RELEASE);
    return 0;
}

void hy__ws_listener_stop(struct hy_ws_server_private *ws)
{
    if (ws->listener_fd < 0)
        return;
    hy_notifier_unwatch(&ws->listener);
    close(ws->listener_fd);
    ws->listener_fd = -1;
    ws->accept_at_ns = 0;
}

void hy__ws_peer_text(int fd, char *to, size_t capacity)
{
    struct sockaddr_storage system;
    socklen_t size = sizeof system;
    struct hy_address address;
    to[0] = '\0';
    if (getpeername(fd, (struct sockaddr *)&system, &size) < 0)
        return;
    hy__address_from_system((struct sockaddr *)&system, size, &address);
    snprintf(to, capacity, "%s", hy_address_to_text(&address).text);
}
