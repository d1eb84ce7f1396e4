/* SPDX-License-Identifier: MIT */
/* UDP sockets: multicast, on the loopback interface. */
#include "udp_fixture.h"

#include <net/if.h>
#include <netinet/in.h>

#define GROUP "239.192.77.1"
#define OTHER "239.192.77.2"

static struct hy_address group_address(const char *group, uint16_t port)
{
    struct hy_address address;
    OK(hy_address_parse_host(group, port, &address));
    return address;
}

/* Sends through the loopback interface. */
static struct listener *group_sender(void)
{
    struct listener *self = listener_create();
    OK(hy_udp_socket_set_multicast_interface(&self->socket, "lo"));
    return self;
}

static void joining_needs_an_open_socket(void **state)
{
    (void)state;
    struct listener *self = listener_create();
    assert_int_equal(hy_udp_socket_join(&self->socket, GROUP, "lo"), -HY_ENOTCONN);
    assert_non_null(strstr(hy_last_error()->message, "bind it first"));
    OK(hy_udp_socket_bind(&self->socket, "0.0.0.0:0", 0));
    OK(hy_udp_socket_join(&self->socket, GROUP, "lo"));
    OK(hy_udp_socket_close(&self->socket));
    assert_int_equal(hy_udp_socket_leave(&self->socket, GROUP, "lo"), -HY_ENOTCONN);
    hy_object_destroy(&self->hy);
}

static void wrong_groups_are_refused(void **state)
{
    (void)state;
    struct listener *self = listener_bound("0.0.0.0:0", 0);
    struct hy_udp_socket *udp = &self->socket;
    assert_int_equal(hy_udp_socket_join(udp, "192.0.2.1", "lo"), -HY_EINVAL);
    assert_int_equal(hy_udp_socket_join(udp, "all-ships", "lo"), -HY_EINVAL);
    assert_int_equal(hy_udp_socket_join(udp, "ff02::1:99", "lo"), -HY_EINVAL);
    assert_int_equal(hy_udp_socket_join(udp, NULL, "lo"), -HY_EINVAL);
    assert_int_equal(hy_udp_socket_join(udp, GROUP, "nosuch0"), -HY_ENOENT);
    assert_non_null(strstr(hy_last_error()->message, "nosuch0"));
    assert_int_equal(hy_udp_socket_leave(udp, GROUP, "lo"), -HY_ENOENT);
    OK(hy_udp_socket_join(udp, GROUP, "lo"));
    assert_int_equal(hy_udp_socket_join(udp, GROUP, "lo"), -HY_EEXIST);
    OK(hy_udp_socket_leave(udp, GROUP, "lo"));
    assert_int_equal(hy_udp_socket_leave(udp, GROUP, "lo"), -HY_ENOENT);
    assert_int_equal(hy_udp_socket_set_multicast_ttl(udp, 256), -HY_EINVAL);
    assert_int_equal(hy_udp_socket_set_multicast_ttl(udp, -1), -HY_EINVAL);
    assert_int_equal(hy_udp_socket_set_multicast_interface(udp, "nosuch0"), -HY_ENOENT);
    hy_object_destroy(&self->hy);
}

static void only_joined_groups_are_heard(void **state)
{
    (void)state;
    struct listener *self = listener_bound("0.0.0.0:0", HY_UDP_SHARE_ADDRESS);
    const uint16_t port = local_port(&self->socket);
    struct hy_address any = hy_address_any(HY_ADDRESS_IPV4, port);
    /* Another one on the same port joins the other group. */
    struct listener *neighbour = listener_create();
    OK(hy_udp_socket_bind_address(&neighbour->socket, &any, HY_UDP_SHARE_ADDRESS));
    OK(hy_udp_socket_join(&self->socket, GROUP, "lo"));
    OK(hy_udp_socket_join(&neighbour->socket, OTHER, "lo"));
    struct listener *sender = group_sender();
    struct hy_address group = group_address(GROUP, port), other = group_address(OTHER, port);
    OK(hy_udp_socket_send(&sender->socket, &other, "other", 5));
    OK(hy_udp_socket_send(&sender->socket, &group, "group", 5));
    WAIT_UNTIL(self->count == 1 && neighbour->count == 1);
    assert_memory_equal(self->last, "group", 5);
    assert_memory_equal(neighbour->last, "other", 5);
    /* Members of one group all get it. */
    OK(hy_udp_socket_join(&neighbour->socket, GROUP, "lo"));
    OK(hy_udp_socket_send(&sender->socket, &group, "both", 4));
    WAIT_UNTIL(self->count == 2 && neighbour->count == 2);
    /* After leaving, no more: the neighbour is the fence. */
    OK(hy_udp_socket_leave(&self->socket, GROUP, "lo"));
    OK(hy_udp_socket_send(&sender->socket, &group, "rest", 4));
    WAIT_UNTIL(neighbour->count == 3);
    struct hy_address unicast = hy_address_loopback(HY_ADDRESS_IPV4, port);
    OK(hy_udp_socket_send(&sender->socket, &unicast, "fence", 5));
    WAIT_UNTIL(neighbour->count + self->count == 6);
    assert_true(self->count == 2 || memcmp(self->last, "fence", 5) == 0);
    hy_object_destroy(&self->hy);
    hy_object_destroy(&neighbour->hy);
    hy_object_destroy(&sender->hy);
}

static void loopback_can_be_switched_off(void **state)
{
    (void)state;
    struct listener *self = listener_bound("0.0.0.0:0", 0);
    OK(hy_udp_socket_join(&self->socket, GROUP, "lo"));
    struct hy_address group = group_address(GROUP, local_port(&self->socket));
    struct listener *sender = group_sender();
    OK(hy_udp_socket_set_multicast_loopback(&sender->socket, false)); /* while closed */
    OK(hy_udp_socket_send(&sender->socket, &group, "off", 3));
    OK(hy_udp_socket_set_multicast_loopback(&sender->socket, true)); /* while open */
    OK(hy_udp_socket_send(&sender->socket, &group, "on", 2));
    WAIT_UNTIL(self->count >= 1 && self->sizes[self->count - 1] == 2);
    /* On the loopback interface itself the system may bring back its own copy of the first; at most
     * one of it, not two. */
    assert_true(self->count <= 2);
    hy_object_destroy(&self->hy);
    hy_object_destroy(&sender->hy);
}

/* The TTL of the next datagram. */
static int receive_ttl(int handle)
{
    char data[64];
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr aligned;
    } control;
    struct iovec slice = {data, sizeof data};
    struct msghdr message = {.msg_iov = &slice,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    int ttl = -1;
    assert_true(recvmsg(handle, &message, 0) > 0);
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c != NULL; c = CMSG_NXTHDR(&message, c))
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TTL)
            memcpy(&ttl, CMSG_DATA(c), sizeof ttl);
    return ttl;
}

static void the_ttl_is_what_was_set(void **state)
{
    (void)state;
    const int on = 1;
    struct sockaddr_in local = {.sin_family = AF_INET};
    socklen_t size = sizeof local;
    struct ip_mreqn request = {.imr_ifindex = 1};
    int handle = plain_socket(AF_INET);
    inet_pton(AF_INET, GROUP, &request.imr_multiaddr);
    assert_int_equal(bind(handle, (struct sockaddr *)(void *)&local, sizeof local), 0);
    assert_int_equal(getsockname(handle, (struct sockaddr *)(void *)&local, &size), 0);
    assert_int_equal(setsockopt(handle, IPPROTO_IP, IP_ADD_MEMBERSHIP, &request, sizeof request),
                     0);
    assert_int_equal(setsockopt(handle, IPPROTO_IP, IP_RECVTTL, &on, sizeof on), 0);
    struct listener *sender = group_sender();
    struct hy_address group = group_address(GROUP, ntohs(local.sin_port));
    OK(hy_udp_socket_send(&sender->socket, &group, "x", 1));
    assert_int_equal(receive_ttl(handle), 1);
    OK(hy_udp_socket_set_multicast_ttl(&sender->socket, 33));
    OK(hy_udp_socket_send(&sender->socket, &group, "x", 1));
    assert_int_equal(receive_ttl(handle), 33);
    OK(hy_udp_socket_close(&sender->socket));
    OK(hy_udp_socket_send(&sender->socket, &group, "x", 1)); /* it is remembered */
    assert_int_equal(receive_ttl(handle), 33);
    hy_object_destroy(&sender->hy);
    close(handle);
}

/* The loopback interface has no IPv6 multicast route on most machines; any interface that has one
 * will do, for with a TTL of 0 nothing leaves the machine. False: there is none. */
static bool find_ipv6_interface(struct listener *sender, char *ret_name)
{
    struct if_nameindex *all = if_nameindex();
    bool found = false;
    OK(hy_udp_socket_set_multicast_ttl(&sender->socket, 0));
    for (struct if_nameindex *i = all; i != NULL && i->if_index != 0 && !found; i++) {
        struct hy_address group = group_address("ff02::1:99", 9);
        found = hy_udp_socket_set_multicast_interface(&sender->socket, i->if_name) >= 0 &&
                hy_udp_socket_send(&sender->socket, &group, "probe", 5) == 5;
        if (found)
            snprintf(ret_name, IF_NAMESIZE, "%s", i->if_name);
    }
    if_freenameindex(all);
    return found;
}

static void ipv6_groups(void **state)
{
    (void)state;
    if (!has_ipv6())
        skip();
    char name[IF_NAMESIZE] = "";
    struct listener *self = listener_bound("[::]:0", 0);
    struct listener *sender = listener_bound("[::]:0", 0);
    if (!find_ipv6_interface(sender, name)) {
        hy_object_destroy(&self->hy);
        hy_object_destroy(&sender->hy);
        skip();
    }
    const uint16_t port = local_port(&self->socket);
    OK(hy_udp_socket_join(&self->socket, "ff02::1:99", name));
    assert_int_equal(hy_udp_socket_join(&self->socket, "ff02::1:99", name), -HY_EEXIST);
    struct hy_address group = group_address("ff02::1:99", port);
    OK(hy_udp_socket_send(&sender->socket, &group, "six", 3));
    WAIT_UNTIL(self->count == 1);
    assert_memory_equal(self->last, "six", 3);
    OK(hy_udp_socket_leave(&self->socket, "ff02::1:99", name));
    /* The interface may stand in the group. */
    char scoped[64];
    snprintf(scoped, sizeof scoped, "ff02::1:99%%%s", name);
    OK(hy_udp_socket_join(&self->socket, scoped, NULL));
    OK(hy_udp_socket_send(&sender->socket, &group, "seven", 5));
    WAIT_UNTIL(self->count == 2);
    OK(hy_udp_socket_leave(&self->socket, scoped, NULL));
    OK(hy_udp_socket_send(&sender->socket, &group, "gone", 4));
    struct hy_address own = hy_address_loopback(HY_ADDRESS_IPV6, port);
    OK(hy_udp_socket_send(&sender->socket, &own, "fence", 5));
    WAIT_UNTIL(self->count == 3);
    assert_memory_equal(self->last, "fence", 5);
    hy_object_destroy(&self->hy);
    hy_object_destroy(&sender->hy);
}

static void dual_stack_takes_ipv4_groups(void **state)
{
    (void)state;
    if (!has_ipv6())
        skip();
    struct listener *self = listener_bound("[::]:0", 0);
    OK(hy_udp_socket_join(&self->socket, GROUP, "lo"));
    struct listener *sender = group_sender();
    OK(hy_udp_socket_bind(&sender->socket, "[::]:0", 0));
    struct hy_address four = group_address(GROUP, local_port(&self->socket));
    OK(hy_udp_socket_send(&sender->socket, &four, "four", 4));
    WAIT_UNTIL(self->count == 1);
    assert_memory_equal(self->last, "four", 4);
    hy_object_destroy(&self->hy);
    hy_object_destroy(&sender->hy);
    /* One that is IPv6 only does not. */
    self = listener_bound("[::]:0", HY_UDP_IPV6_ONLY);
    assert_int_equal(hy_udp_socket_join(&self->socket, GROUP, "lo"), -HY_EINVAL);
    hy_object_destroy(&self->hy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UDP_TEST(joining_needs_an_open_socket), UDP_TEST(wrong_groups_are_refused),
        UDP_TEST(only_joined_groups_are_heard), UDP_TEST(loopback_can_be_switched_off),
        UDP_TEST(the_ttl_is_what_was_set),      UDP_TEST(ipv6_groups),
        UDP_TEST(dual_stack_takes_ipv4_groups),
    };
    return cmocka_run_group_tests_name("udp multicast", tests, warm_up, NULL);
}
