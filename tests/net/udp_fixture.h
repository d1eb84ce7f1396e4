/* SPDX-License-Identifier: MIT */
/*
 * What the UDP tests share: a listener object with an embedded socket that writes down what comes,
 * plain sockets of the system as the other side, and waiting for events with a deadline.
 */
#ifndef HALYARD_TESTS_UDP_FIXTURE_H
#define HALYARD_TESTS_UDP_FIXTURE_H

#include <halyard/halyard.h>
#include <halyard/net.h>

#include <arpa/inet.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include "../helpers/check.h"

#include <cmocka.h>

/* Runs the loop until the condition holds; fails after ten seconds. It looks again every 20 ms, for
 * conditions that no event of this loop announces. */
#define WAIT_UNTIL(condition)                                                                      \
    do {                                                                                           \
        const int64_t deadline_ = hy_now_ns() + 10 * HY_SECOND;                                    \
        while (!(condition)) {                                                                     \
            if (hy_now_ns() > deadline_)                                                           \
                fail_msg("%s did not come true", #condition);                                      \
            assert_true(hy_process(HY_PROCESS_WAIT, hy_now_ns() + 20 * HY_MILLISECOND) >= 0);      \
        }                                                                                          \
    } while (0)

/* Asserts success of a call, with the reason where it fails. */
#define OK(call)                                                                                   \
    do {                                                                                           \
        if ((call) < 0)                                                                            \
            fail_msg("%s: %s", #call, hy_last_error()->message);                                   \
    } while (0)

#define KEPT 4096

struct listener {
    HY_INHERITS(hy_object);
    struct hy_udp_socket socket;
    size_t count, batches, in_batches, errors, writable;
    size_t sizes[KEPT];
    uint32_t numbers[KEPT]; /* the first four bytes of each datagram, where it has them */
    struct hy_address sender;
    char last[65536];
    bool truncated;
    int64_t received_ns;
    struct hy_error error;
    /* What else to do in the slot, or NULL. */
    void (*then)(struct listener *self);
};

__attribute__((unused)) static void listener_datagram(struct listener *self,
                                                      const struct hy_datagram *datagram)
{
    assert_non_null(datagram->data);
    assert_true(self->count < KEPT && datagram->size <= sizeof self->last);
    memcpy(self->last, datagram->data, datagram->size);
    self->sizes[self->count] = datagram->size;
    if (datagram->size >= sizeof self->numbers[0])
        memcpy(&self->numbers[self->count], datagram->data, sizeof self->numbers[0]);
    self->sender = datagram->sender;
    self->truncated = datagram->truncated;
    self->received_ns = datagram->received_ns;
    self->count++;
    if (self->then != NULL)
        self->then(self);
}

__attribute__((unused)) static void listener_batch(struct listener *self,
                                                   const struct hy_datagram_batch *batch)
{
    assert_true(batch->count > 0);
    self->batches++;
    self->in_batches += batch->count;
}

__attribute__((unused)) static void listener_error(struct listener *self,
                                                   const struct hy_error *error)
{
    self->error = *error;
    self->errors++;
}

__attribute__((unused)) static void listener_writable(struct listener *self)
{
    self->writable++;
}

static const struct hy_class listener_class = HY_CLASS(struct listener);

/* On the heap: it is large. */
__attribute__((unused)) static struct listener *listener_create(void)
{
    struct hy_object *object = NULL;
    OK(hy_object_create(&listener_class, NULL, &object));
    struct listener *self = (struct listener *)(void *)object;
    OK(hy_udp_socket_init(&self->socket, &self->hy));
    OK(hy_connect(&self->socket.events.datagram, self, listener_datagram, HY_DIRECT));
    OK(hy_connect(&self->socket.events.error, self, listener_error, HY_DIRECT));
    OK(hy_connect(&self->socket.events.writable, self, listener_writable, HY_DIRECT));
    return self;
}

__attribute__((unused)) static struct listener *listener_bound(const char *address, unsigned flags)
{
    struct listener *self = listener_create();
    OK(hy_udp_socket_bind(&self->socket, address, flags));
    return self;
}

__attribute__((unused)) static struct hy_address local_address(const struct hy_udp_socket *udp)
{
    struct hy_address address = {{0}};
    OK(hy_udp_socket_local_address(udp, &address));
    return address;
}

__attribute__((unused)) static uint16_t local_port(const struct hy_udp_socket *udp)
{
    struct hy_address address = local_address(udp);
    return hy_address_port(&address);
}

/* --- the other side: plain sockets of the system ---------------------------------------------- */

__attribute__((unused)) static int plain_socket(int family)
{
    int handle = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_true(handle >= 0);
    return handle;
}

/* Sends to this port of the loopback address of the socket's family. */
__attribute__((unused)) static void plain_send(int handle, int family, uint16_t port,
                                               const void *data, size_t size)
{
    const struct sockaddr_in ipv4 = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const struct sockaddr_in6 ipv6 = {
        .sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    ssize_t sent = family == AF_INET
                       ? sendto(handle, data, size, 0, (const struct sockaddr *)(const void *)&ipv4,
                                sizeof ipv4)
                       : sendto(handle, data, size, 0, (const struct sockaddr *)(const void *)&ipv6,
                                sizeof ipv6);
    assert_int_equal(sent, size);
}

/* Sends one datagram from a socket of its own. */
__attribute__((unused)) static void poke(int family, uint16_t port, const void *data, size_t size)
{
    int handle = plain_socket(family);
    plain_send(handle, family, port, data, size);
    close(handle);
}

/* Sends datagrams that hold first, first + 1, ... */
__attribute__((unused)) static void poke_numbers(uint16_t port, uint32_t first, uint32_t count)
{
    int handle = plain_socket(AF_INET);
    for (uint32_t i = first; i < first + count; i++)
        plain_send(handle, AF_INET, port, &i, sizeof i);
    close(handle);
}

__attribute__((unused)) static void assert_numbers(const struct listener *self, uint32_t first,
                                                   uint32_t count)
{
    assert_int_equal(self->count, count);
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(self->numbers[i], first + i);
}

__attribute__((unused)) static bool has_ipv6(void)
{
    const struct sockaddr_in6 address = {.sin6_family = AF_INET6,
                                         .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int handle = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (handle < 0)
        return false;
    int rc = bind(handle, (const struct sockaddr *)(const void *)&address, sizeof address);
    close(handle);
    return rc == 0;
}

/* --- leaks -------------------------------------------------------------------------------------
 */

static int open_descriptors(void)
{
    int count = 0;
    DIR *folder = opendir("/proc/self/fd");
    assert_non_null(folder);
    while (readdir(folder) != NULL)
        count++;
    closedir(folder);
    return count;
}

static int descriptors_before;

/* Group setup: the loop's own descriptors are made now. Test setup and teardown: what a test opened
 * it has closed. */
__attribute__((unused)) static int warm_up(void **state)
{
    (void)state;
    return hy_process(0, 0) < 0 ? -1 : 0;
}

__attribute__((unused)) static int note_descriptors(void **state)
{
    (void)state;
    descriptors_before = open_descriptors();
    return 0;
}

__attribute__((unused)) static int check_descriptors(void **state)
{
    (void)state;
    int now = open_descriptors();
    if (now != descriptors_before)
        print_error("%d descriptors before the test, %d after it\n", descriptors_before, now);
    return now == descriptors_before ? 0 : -1;
}

#define UDP_TEST(function)                                                                         \
    cmocka_unit_test_setup_teardown(function, note_descriptors, check_descriptors)

#endif
