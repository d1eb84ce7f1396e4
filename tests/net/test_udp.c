/* SPDX-License-Identifier: MIT */
/* UDP sockets: binding, sharing, receiving, counters, the receive buffer. */
#include "udp_fixture.h"

#include <sys/resource.h>

static void port_0_picks_a_port(void **state)
{
    (void)state;
    struct listener *self = listener_create();
    struct hy_address address;
    assert_false(hy_udp_socket_is_open(&self->socket));
    assert_int_equal(hy_udp_socket_local_address(&self->socket, &address), -HY_ENOTCONN);
    OK(hy_udp_socket_bind(&self->socket, "127.0.0.1:0", 0));
    assert_true(hy_udp_socket_is_open(&self->socket));
    assert_true(local_port(&self->socket) > 0);
    OK(hy_udp_socket_close(&self->socket));
    OK(hy_udp_socket_close(&self->socket));
    assert_false(hy_udp_socket_is_open(&self->socket));
    assert_int_equal(hy_udp_socket_local_address(&self->socket, &address), -HY_ENOTCONN);
    assert_int_equal(hy_udp_socket_receive_buffer(&self->socket), 0);
    hy_object_destroy(&self->hy);
}

static void a_datagram_comes_with_its_sender(void **state)
{
    (void)state;
    struct listener *self = listener_bound("127.0.0.1:0", 0);
    struct listener *peer = listener_bound("127.0.0.1:0", 0);
    struct hy_address to = local_address(&self->socket), from = local_address(&peer->socket);
    int64_t before = hy_now_ns();
    assert_int_equal(hy_udp_socket_send(&peer->socket, &to, "hello", 5), 5);
    WAIT_UNTIL(self->count == 1);
    assert_int_equal(self->sizes[0], 5);
    assert_memory_equal(self->last, "hello", 5);
    assert_true(hy_address_is_equal(&self->sender, &from));
    assert_true(self->received_ns >= before && self->received_ns <= hy_now_ns());
    assert_false(self->truncated);
    hy_object_destroy(&self->hy);
    hy_object_destroy(&peer->hy);
}

static void datagram_boundaries_are_kept_and_empty_ones_are_real(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 0, 0, 2000, 3, 65507, 0, 9000, 65507, 1};
    const size_t count = sizeof sizes / sizeof sizes[0];
    char *data = calloc(1, 65507);
    struct listener *self = listener_bound("127.0.0.1:0", 0);
    for (size_t i = 0; i < count; i++)
        poke(AF_INET, local_port(&self->socket), data, sizes[i]);
    WAIT_UNTIL(self->count == count);
    uint64_t bytes = 0;
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(self->sizes[i], sizes[i]);
        bytes += sizes[i];
    }
    struct hy_udp_socket_counters counters = hy_udp_socket_get_counters(&self->socket);
    assert_int_equal(counters.datagrams, count);
    assert_int_equal(counters.bytes, bytes);
    assert_int_equal(counters.truncated, 0);
    assert_int_equal(counters.unheard, 0);
    assert_int_equal(counters.kernel_drops, 0);
    hy_object_destroy(&self->hy);
    free(data);
}

static void large_datagrams_arrive_whole(void **state)
{
    (void)state;
    char *data = malloc(65507);
    for (size_t i = 0; i < 65507; i++)
        data[i] = (char)(i * 31 >> 3);
    struct listener *self = listener_bound("127.0.0.1:0", 0);
    poke(AF_INET, local_port(&self->socket), data, 65507);
    WAIT_UNTIL(self->count == 1);
    assert_int_equal(self->sizes[0], 65507);
    assert_memory_equal(self->last, data, 65507);
    hy_object_destroy(&self->hy);
    free(data);
}

static void a_smaller_maximum_cuts_and_counts(void **state)
{
    (void)state;
    static const char text[] = "0123456789";
    struct listener *self = listener_create();
    assert_int_equal(hy_udp_socket_set_datagram_size_max(&self->socket, 0), -HY_EINVAL);
    assert_int_equal(hy_udp_socket_set_datagram_size_max(&self->socket, 65537), -HY_EINVAL);
    OK(hy_udp_socket_set_datagram_size_max(&self->socket, 8));
    OK(hy_udp_socket_bind(&self->socket, "127.0.0.1:0", 0));
    assert_int_equal(hy_udp_socket_set_datagram_size_max(&self->socket, 9), -HY_EBUSY);
    const uint16_t port = local_port(&self->socket);
    poke(AF_INET, port, text, 8);
    WAIT_UNTIL(self->count == 1);
    assert_false(self->truncated);
    poke(AF_INET, port, text, 9);
    WAIT_UNTIL(self->count == 2);
    assert_true(self->truncated);
    assert_int_equal(self->sizes[1], 8);
    poke(AF_INET, port, text, 7);
    WAIT_UNTIL(self->count == 3);
    assert_false(self->truncated);
    assert_int_equal(hy_udp_socket_get_counters(&self->socket).truncated, 1);
    assert_int_equal(hy_udp_socket_get_counters(&self->socket).bytes, 8 + 8 + 7);
    hy_object_destroy(&self->hy);
}

static void order_is_kept_over_many_batches(void **state)
{
    (void)state;
    struct listener *self = listener_bound("127.0.0.1:0", 0);
    OK(hy_connect(&self->socket.events.batch, self, listener_batch, HY_DIRECT));
    poke_numbers(local_port(&self->socket), 1000, 1000);
    WAIT_UNTIL(self->count == 1000);
    assert_numbers(self, 1000, 1000);
    assert_int_equal(self->in_batches, 1000);
    assert_true(self->batches <= 1000 / 16);
    hy_object_destroy(&self->hy);
}

static void batches_alone_are_enough(void **state)
{
    (void)state;
    struct listener *self = listener_bound("127.0.0.1:0", 0);
    assert_int_equal(hy_disconnect(&self->socket.events.datagram, self, listener_datagram), 1);
    OK(hy_connect(&self->socket.events.batch, self, listener_batch, HY_DIRECT));
    poke_numbers(local_port(&self->socket), 0, 100);
    WAIT_UNTIL(self->in_batches == 100);
    assert_int_equal(hy_udp_socket_get_counters(&self->socket).unheard, 0);
    assert_int_equal(hy_disconnect(&self->socket.events.batch, self, listener_batch), 1);
    poke_numbers(local_port(&self->socket), 0, 5);
    WAIT_UNTIL(hy_udp_socket_get_counters(&self->socket).datagrams == 105);
    assert_int_equal(hy_udp_socket_get_counters(&self->socket).unheard, 5);
    hy_object_destroy(&self->hy);
}

static void borrowed_datagrams_cannot_be_queued(void **state)
{
    (void)state;
    struct listener *self = listener_create();
    assert_int_equal(hy_connect(&self->socket.events.datagram, self, listener_datagram, HY_QUEUED),
                     -HY_EBORROWED);
    assert_int_equal(hy_connect(&self->socket.events.datagram, self, listener_datagram, HY_AUTO),
                     -HY_EBORROWED);
    hy_object_destroy(&self->hy);
}

/* --- errors of bind ----------------------------------------------------------------------------
 */

static void a_used_address_is_refused_in_words(void **state)
{
    (void)state;
    struct listener *first = listener_bound("127.0.0.1:0", 0);
    struct listener *second = listener_create();
    char expected[HY_ADDRESS_TEXT_SIZE + 40];
    struct hy_address address = local_address(&first->socket);
    snprintf(expected, sizeof expected, "%s is in use by another program",
             hy_address_to_text(&address).text);
    assert_int_equal(hy_udp_socket_bind_address(&second->socket, &address, 0), -HY_EADDRINUSE);
    assert_string_equal(hy_last_error()->message, expected);
    assert_int_equal(hy_last_error()->code, HY_EADDRINUSE);
    assert_false(hy_udp_socket_is_open(&second->socket));
    /* After the failure it can be bound elsewhere. */
    OK(hy_udp_socket_bind(&second->socket, "127.0.0.1:0", 0));
    hy_object_destroy(&first->hy);
    hy_object_destroy(&second->hy);
}

static void wrong_binds_are_refused(void **state)
{
    (void)state;
    struct listener *self = listener_create();
    struct hy_udp_socket *udp = &self->socket;
    assert_int_equal(hy_udp_socket_bind(udp, "localhost:1", 0), -HY_EINVAL);
    assert_int_equal(hy_udp_socket_bind(udp, NULL, 0), -HY_EINVAL);
    assert_int_equal(hy_udp_socket_bind(udp, "127.0.0.1:0", 1u << 30), -HY_EINVAL);
    assert_int_equal(hy_udp_socket_bind_address(udp, &(struct hy_address){{0}}, 0), -HY_EINVAL);
    assert_int_equal(hy_udp_socket_bind_address(udp, NULL, 0), -HY_EINVAL);
    OK(hy_udp_socket_bind(udp, "127.0.0.1:0", 0));
    assert_int_equal(hy_udp_socket_bind(udp, "127.0.0.1:0", 0), -HY_EBUSY);
    assert_true(hy_udp_socket_is_open(udp));
    hy_object_destroy(&self->hy);
}

static void an_address_of_another_machine_is_refused(void **state)
{
    (void)state;
    struct listener *self = listener_create();
    SKIP_ON_WINDOWS("Wine lets any address be bound");
    assert_int_equal(hy_udp_socket_bind(&self->socket, "203.0.113.77:0", 0), -HY_EADDRNOTAVAIL);
    assert_non_null(strstr(hy_last_error()->message, "203.0.113.77:0"));
    hy_object_destroy(&self->hy);
}

static void no_descriptors_left_is_said(void **state)
{
    (void)state;
    struct listener *self = listener_create();
    struct rlimit before, none;
    SKIP_ON_WINDOWS("Windows has no limit of descriptors to lower");
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = 3;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    int rc = hy_udp_socket_bind(&self->socket, "127.0.0.1:0", 0);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(rc, -HY_EMFILE);
    OK(hy_udp_socket_bind(&self->socket, "127.0.0.1:0", 0));
    hy_object_destroy(&self->hy);
}

/* Windows cannot, and says so. */
static bool can_reuse_ports(void)
{
    struct listener *self = listener_create();
    int rc = hy_udp_socket_bind(&self->socket, "127.0.0.1:0", HY_UDP_REUSE_PORT);
    assert_true(rc == 0 || rc == -HY_ENOTSUP);
    hy_object_destroy(&self->hy);
    return rc == 0;
}

static void sharing_needs_both_sides(void **state)
{
    (void)state;
    static const struct {
        unsigned first, second;
        bool works;
    } cases[] = {
        {0, 0, false},
        {HY_UDP_SHARE_ADDRESS, 0, false},
        {0, HY_UDP_SHARE_ADDRESS, false},
        {HY_UDP_SHARE_ADDRESS, HY_UDP_SHARE_ADDRESS, true},
        {HY_UDP_REUSE_PORT, 0, false},
        {0, HY_UDP_REUSE_PORT, false},
        {HY_UDP_REUSE_PORT, HY_UDP_REUSE_PORT, true},
    };
    const size_t count = can_reuse_ports() ? 7 : 4;
    for (size_t i = 0; i < count; i++) {
        struct listener *first = listener_bound("127.0.0.1:0", cases[i].first);
        struct listener *second = listener_create();
        struct hy_address address = local_address(&first->socket);
        int rc = hy_udp_socket_bind_address(&second->socket, &address, cases[i].second);
        assert_int_equal(rc, cases[i].works ? 0 : -HY_EADDRINUSE);
        hy_object_destroy(&first->hy);
        hy_object_destroy(&second->hy);
    }
}

/* --- IPv6 ---------------------------------------------------------------------------------------
 */

static void dual_stack_takes_both(void **state)
{
    (void)state;
    if (!has_ipv6())
        skip();
    struct listener *self = listener_bound("[::]:0", 0);
    struct listener *peer = listener_bound("127.0.0.1:0", 0);
    const uint16_t port = local_port(&self->socket);
    poke(AF_INET6, port, "six", 3);
    WAIT_UNTIL(self->count == 1);
    assert_int_equal(hy_address_get_family(&self->sender), HY_ADDRESS_IPV6);
    struct hy_address to = hy_address_loopback(HY_ADDRESS_IPV4, port);
    OK(hy_udp_socket_send(&peer->socket, &to, "four", 4));
    WAIT_UNTIL(self->count == 2);
    /* The IPv4 sender has its IPv4 address, and can be answered. */
    struct hy_address from = local_address(&peer->socket);
    assert_true(hy_address_is_equal(&self->sender, &from));
    OK(hy_udp_socket_send(&self->socket, &self->sender, "back", 4));
    WAIT_UNTIL(peer->count == 1);
    assert_memory_equal(peer->last, "back", 4);
    hy_object_destroy(&self->hy);
    hy_object_destroy(&peer->hy);
}

static void both_families_on_one_port(void **state)
{
    (void)state;
    if (!has_ipv6())
        skip();
    struct listener *six = listener_bound("[::]:0", HY_UDP_IPV6_ONLY);
    struct listener *four = listener_create();
    const uint16_t port = local_port(&six->socket);
    struct hy_address any = hy_address_any(HY_ADDRESS_IPV4, port);
    OK(hy_udp_socket_bind_address(&four->socket, &any, HY_UDP_IPV6_ONLY));
    poke(AF_INET, port, "4", 1);
    poke(AF_INET6, port, "6", 1);
    WAIT_UNTIL(four->count == 1 && six->count == 1);
    assert_int_equal(four->last[0], '4');
    assert_int_equal(six->last[0], '6');
    /* Each refuses the other's addresses. */
    struct hy_address to = hy_address_loopback(HY_ADDRESS_IPV4, port);
    assert_int_equal(hy_udp_socket_send(&six->socket, &to, "x", 1), -HY_EINVAL);
    to = hy_address_loopback(HY_ADDRESS_IPV6, port);
    assert_int_equal(hy_udp_socket_send(&four->socket, &to, "x", 1), -HY_EINVAL);
    hy_object_destroy(&six->hy);
    hy_object_destroy(&four->hy);
}

static void largest_ipv6_datagram(void **state)
{
    (void)state;
    if (!has_ipv6())
        skip();
    char *data = calloc(1, HY_UDP_IPV6_SIZE_MAX);
    struct listener *self = listener_bound("[::1]:0", 0);
    struct hy_address to = local_address(&self->socket);
    assert_int_equal(hy_udp_socket_send(&self->socket, &to, data, HY_UDP_IPV6_SIZE_MAX),
                     HY_UDP_IPV6_SIZE_MAX);
    WAIT_UNTIL(self->count == 1);
    assert_int_equal(self->sizes[0], HY_UDP_IPV6_SIZE_MAX);
    assert_false(self->truncated);
    hy_object_destroy(&self->hy);
    free(data);
}

/* --- overload -----------------------------------------------------------------------------------
 */

static void kernel_drops_are_counted(void **state)
{
    (void)state;
    const uint32_t sent = 2000;
    SKIP_ON_WINDOWS("Windows does not count what it drops");
    struct listener *self = listener_create();
    OK(hy_udp_socket_set_receive_buffer(&self->socket, 8192));
    OK(hy_udp_socket_bind(&self->socket, "127.0.0.1:0", 0));
    poke_numbers(local_port(&self->socket), 0, sent);
    struct hy_udp_socket_counters counters;
    WAIT_UNTIL((counters = hy_udp_socket_get_counters(&self->socket),
                counters.datagrams + counters.kernel_drops == sent));
    assert_true(counters.kernel_drops > 0);
    assert_int_equal(counters.datagrams, self->count);
    /* They are not counted twice, and not forgotten when it closes. */
    OK(hy_udp_socket_close(&self->socket));
    assert_int_equal(hy_udp_socket_get_counters(&self->socket).kernel_drops, counters.kernel_drops);
    OK(hy_udp_socket_bind(&self->socket, "127.0.0.1:0", 0));
    assert_int_equal(hy_udp_socket_get_counters(&self->socket).kernel_drops, counters.kernel_drops);
    hy_object_destroy(&self->hy);
}

static void fired(struct listener *self)
{
    self->writable++;
}

static void a_flood_does_not_starve_timers(void **state)
{
    (void)state;
    struct listener *self = listener_bound("127.0.0.1:0", 0);
    struct hy_timer timer;
    OK(hy_timer_init(&timer, &self->hy));
    OK(hy_connect(&timer.events.timeout, self, fired, HY_DIRECT));
    poke_numbers(local_port(&self->socket), 0, 2000);
    OK(hy_timer_start_at(&timer, hy_now_ns()));
    WAIT_UNTIL(self->writable == 1);
    assert_true(self->count <= 512);
    WAIT_UNTIL(self->count == 2000);
    assert_numbers(self, 0, 2000);
    hy_object_destroy(&self->hy);
}

/* --- the receive buffer --------------------------------------------------------------------------
 */

static char logged[1200];
static int warnings;

static void keep_log(enum hy_log_level level, const char *category, const char *message)
{
    if (level != HY_LOG_WARNING || strcmp(category, "udp") != 0)
        return;
    warnings++;
    snprintf(logged, sizeof logged, "%s", message);
}

static void the_granted_buffer_can_be_read(void **state)
{
    (void)state;
    struct listener *self = listener_create();
    OK(hy_udp_socket_set_receive_buffer(&self->socket, 100000));
    OK(hy_udp_socket_bind(&self->socket, "127.0.0.1:0", HY_UDP_STRICT_BUFFER));
    assert_int_equal(hy_udp_socket_receive_buffer(&self->socket), 100000);
    OK(hy_udp_socket_set_receive_buffer(&self->socket, 150000));
    assert_int_equal(hy_udp_socket_receive_buffer(&self->socket), 150000);
    assert_int_equal(hy_udp_socket_set_receive_buffer(&self->socket, SIZE_MAX), -HY_EINVAL);
    OK(hy_udp_socket_close(&self->socket));
    hy_log_set_handler(keep_log);
    warnings = 0;
    OK(hy_udp_socket_set_receive_buffer(&self->socket, HY_UDP_RECEIVE_BUFFER));
    OK(hy_udp_socket_bind(&self->socket, "127.0.0.1:0", 0));
    hy_log_set_handler(NULL);
    /* All of it, or a warning. */
    if (hy_udp_socket_receive_buffer(&self->socket) < HY_UDP_RECEIVE_BUFFER)
        assert_int_equal(warnings, 1);
    else
        assert_int_equal(warnings, 0);
    hy_object_destroy(&self->hy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UDP_TEST(port_0_picks_a_port),
        UDP_TEST(a_datagram_comes_with_its_sender),
        UDP_TEST(datagram_boundaries_are_kept_and_empty_ones_are_real),
        UDP_TEST(large_datagrams_arrive_whole),
        UDP_TEST(a_smaller_maximum_cuts_and_counts),
        UDP_TEST(order_is_kept_over_many_batches),
        UDP_TEST(batches_alone_are_enough),
        UDP_TEST(borrowed_datagrams_cannot_be_queued),
        UDP_TEST(a_used_address_is_refused_in_words),
        UDP_TEST(wrong_binds_are_refused),
        UDP_TEST(an_address_of_another_machine_is_refused),
        UDP_TEST(no_descriptors_left_is_said),
        UDP_TEST(sharing_needs_both_sides),
        UDP_TEST(dual_stack_takes_both),
        UDP_TEST(both_families_on_one_port),
        UDP_TEST(largest_ipv6_datagram),
        UDP_TEST(kernel_drops_are_counted),
        UDP_TEST(a_flood_does_not_starve_timers),
        UDP_TEST(the_granted_buffer_can_be_read),
    };
    return cmocka_run_group_tests_name("udp", tests, warm_up, NULL);
}
