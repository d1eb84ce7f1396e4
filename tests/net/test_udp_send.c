/* SPDX-License-Identifier: MIT */
/*
 * UDP sockets: sending, connecting, refusals, full buffers, and calls from other threads. The
 * system's sendto() and sendmmsg() are replaced by ones that can be told to fail.
 */
#include "udp_fixture.h"

#include <errno.h>
#include <pthread.h>
#include <sys/syscall.h>

/* --- a system that fails when told ---------------------------------------------------------------
 */

static int fail_next;       /* so many calls fail */
static int fail_with;       /* with this errno */
static int send_calls;      /* how often the system was asked */
static unsigned take_first; /* sendmmsg() takes at most so many; 0: all */

/* Declared as the C library does, with its transparent union; visible, so that it is the library's
 * too. */
HY_API ssize_t sendto(int handle, const void *data, size_t size, int flags, __CONST_SOCKADDR_ARG to,
                      socklen_t to_size)
{
    send_calls++;
    if (fail_next > 0) {
        fail_next--;
        errno = fail_with;
        return -1;
    }
    return syscall(SYS_sendto, handle, data, size, flags, to.__sockaddr__, to_size);
}

HY_API int sendmmsg(int handle, struct mmsghdr *messages, unsigned count, int flags)
{
    send_calls++;
    if (fail_next > 0) {
        fail_next--;
        errno = fail_with;
        return -1;
    }
    if (take_first != 0 && count > take_first)
        count = take_first;
    return (int)syscall(SYS_sendmmsg, handle, messages, count, flags);
}

/* --- one datagram
 * --------------------------------------------------------------------------------- */

static void a_send_returns_the_size(void **state)
{
    (void)state;
    char *data = calloc(1, 65508);
    struct listener *self = listener_bound("127.0.0.1:0", 0);
    struct hy_address to = local_address(&self->socket);
    assert_int_equal(hy_udp_socket_send(&self->socket, &to, data, 0), 0);
    assert_int_equal(hy_udp_socket_send(&self->socket, &to, NULL, 0), 0);
    assert_int_equal(hy_udp_socket_send(&self->socket, &to, data, 1), 1);
    assert_int_equal(hy_udp_socket_send(&self->socket, &to, data, 65507), 65507);
    assert_int_equal(hy_udp_socket_send(&self->socket, &to, data, 65508), -HY_EMSGSIZE);
    assert_non_null(strstr(hy_last_error()->message, "65508"));
    assert_int_equal(hy_udp_socket_send(&self->socket, &to, data, SIZE_MAX), -HY_EMSGSIZE);
    WAIT_UNTIL(self->count == 4);
    struct hy_udp_socket_counters counters = hy_udp_socket_get_counters(&self->socket);
    assert_int_equal(counters.sent, 4);
    assert_int_equal(counters.sent_bytes, 65508);
    assert_int_equal(counters.send_errors, 2);
    assert_int_equal(self->errors, 0); /* the caller has been told */
    hy_object_destroy(&self->hy);
    free(data);
}

static void wrong_sends_are_refused(void **state)
{
    (void)state;
    struct listener *self = listener_create();
    struct hy_udp_socket *udp = &self->socket;
    struct hy_address none = {{0}};
    struct hy_address port_0 = hy_address_loopback(HY_ADDRESS_IPV4, 0);
    struct hy_address fine = hy_address_loopback(HY_ADDRESS_IPV4, 9);
    assert_int_equal(hy_udp_socket_send(udp, NULL, "x", 1), -HY_ENOTCONN);
    assert_int_equal(hy_udp_socket_send(udp, &none, "x", 1), -HY_EINVAL);
    assert_false(hy_udp_socket_is_open(udp));
    assert_int_equal(hy_udp_socket_send(udp, &port_0, "x", 1), -HY_EINVAL);
    assert_int_equal(hy_udp_socket_send(udp, &fine, NULL, 1), -HY_EINVAL);
    assert_int_equal(hy_udp_socket_get_counters(udp).send_errors, 4);
    hy_object_destroy(&self->hy);
}

static void sending_opens_the_socket_and_answers_come(void **state)
{
    (void)state;
    struct listener *self = listener_create();
    struct listener *peer = listener_bound("127.0.0.1:0", 0);
    struct hy_address to = local_address(&peer->socket);
    OK(hy_udp_socket_send(&self->socket, &to, "ask", 3));
    assert_true(hy_udp_socket_is_open(&self->socket));
    assert_true(local_port(&self->socket) > 0);
    WAIT_UNTIL(peer->count == 1);
    assert_int_equal(hy_address_port(&peer->sender), local_port(&self->socket));
    OK(hy_udp_socket_send(&peer->socket, &peer->sender, "tell", 4));
    WAIT_UNTIL(self->count == 1);
    assert_memory_equal(self->last, "tell", 4);
    hy_object_destroy(&self->hy);
    hy_object_destroy(&peer->hy);
}

static uint16_t closed_port(void)
{
    struct listener *other = listener_bound("127.0.0.1:0", 0);
    uint16_t port = local_port(&other->socket);
    hy_object_destroy(&other->hy);
    return port;
}

static void a_closed_port_is_no_error_unless_connected(void **state)
{
    (void)state;
    struct hy_address nobody = hy_address_loopback(HY_ADDRESS_IPV4, closed_port());
    struct listener *self = listener_bound("127.0.0.1:0", 0);
    struct hy_address own = local_address(&self->socket);
    for (int i = 0; i < 5; i++)
        assert_int_equal(hy_udp_socket_send(&self->socket, &nobody, "x", 1), 1);
    OK(hy_udp_socket_send(&self->socket, &own, "fence", 5));
    WAIT_UNTIL(self->count == 1);
    assert_int_equal(self->errors, 0);

    OK(hy_udp_socket_connect(&self->socket, &nobody));
    assert_int_equal(hy_udp_socket_send(&self->socket, NULL, "x", 1), 1);
    WAIT_UNTIL(self->errors == 1);
    assert_int_equal(self->error.code, HY_ECONNREFUSED);
    assert_non_null(strstr(self->error.message, hy_address_to_text(&nobody).text));
    /* It comes although no loop ran in between, and the second datagram is sent all the same. */
    assert_int_equal(hy_udp_socket_send(&self->socket, NULL, "x", 1), 1);
    assert_int_equal(hy_udp_socket_send(&self->socket, NULL, "x", 1), 1);
    assert_int_equal(self->errors, 2);
    WAIT_UNTIL(self->errors == 3);
    assert_int_equal(hy_udp_socket_get_counters(&self->socket).sent, 9);
    assert_int_equal(hy_udp_socket_get_counters(&self->socket).send_errors, 0);
    /* The socket still works. */
    OK(hy_udp_socket_connect(&self->socket, NULL));
    OK(hy_udp_socket_send(&self->socket, &own, "fence", 5));
    WAIT_UNTIL(self->count == 2);
    hy_object_destroy(&self->hy);
}

static void a_connected_socket_hears_its_peer_only(void **state)
{
    (void)state;
    struct listener *self = listener_create();
    struct listener *peer = listener_bound("127.0.0.1:0", 0);
    struct hy_address none = {{0}};
    struct hy_address to = local_address(&peer->socket);
    assert_int_equal(hy_udp_socket_connect(&self->socket, &none), -HY_EINVAL);
    OK(hy_udp_socket_connect(&self->socket, NULL));
    OK(hy_udp_socket_connect(&self->socket, &to));
    struct hy_address own = hy_address_loopback(HY_ADDRESS_IPV4, local_port(&self->socket));
    poke(AF_INET, hy_address_port(&own), "stranger", 8);
    OK(hy_udp_socket_send(&peer->socket, &own, "peer", 4));
    WAIT_UNTIL(self->count == 1);
    assert_memory_equal(self->last, "peer", 4);
    OK(hy_udp_socket_connect(&self->socket, NULL));
    assert_int_equal(hy_udp_socket_send(&self->socket, NULL, "x", 1), -HY_ENOTCONN);
    poke(AF_INET, hy_address_port(&own), "stranger", 8);
    WAIT_UNTIL(self->count == 2);
    hy_object_destroy(&self->hy);
    hy_object_destroy(&peer->hy);
}

static void broadcast_is_asked_for(void **state)
{
    (void)state;
    struct listener *self = listener_bound("0.0.0.0:0", 0);
    struct hy_address all;
    OK(hy_address_parse_host("127.255.255.255", local_port(&self->socket), &all));
    assert_int_equal(hy_udp_socket_send(&self->socket, &all, "x", 1), -HY_EACCES);
    assert_non_null(strstr(hy_last_error()->message, "broadcast"));
    OK(hy_udp_socket_set_broadcast(&self->socket, true));
    OK(hy_udp_socket_send(&self->socket, &all, "all", 3));
    WAIT_UNTIL(self->count == 1);
    assert_memory_equal(self->last, "all", 3);
    hy_object_destroy(&self->hy);
}

/* --- full buffers
 * ---------------------------------------------------------------------------------- */

static void a_full_buffer_is_told_and_writable_follows_once(void **state)
{
    (void)state;
    struct listener *self = listener_bound("127.0.0.1:0", 0);
    struct hy_address to = local_address(&self->socket);
    fail_next = 2;
    fail_with = EAGAIN;
    assert_int_equal(hy_udp_socket_send(&self->socket, &to, "x", 1), -HY_EAGAIN);
    assert_int_equal(hy_udp_socket_send(&self->socket, &to, "x", 1), -HY_EAGAIN);
    assert_int_equal(self->writable, 0);
    WAIT_UNTIL(self->writable == 1);
    OK(hy_udp_socket_send(&self->socket, &to, "x", 1));
    WAIT_UNTIL(self->count == 1);
    assert_int_equal(self->writable, 1);
    assert_int_equal(hy_udp_socket_get_counters(&self->socket).send_errors, 0);
    hy_object_destroy(&self->hy);
}

static void an_interrupted_send_is_repeated(void **state)
{
    (void)state;
    struct listener *self = listener_bound("127.0.0.1:0", 0);
    struct hy_address to = local_address(&self->socket);
    fail_next = 3;
    fail_with = EINTR;
    assert_int_equal(hy_udp_socket_send(&self->socket, &to, "x", 1), 1);
    fail_next = 1;
    fail_with = EHOSTUNREACH;
    assert_int_equal(hy_udp_socket_send(&self->socket, &to, "x", 1), -HY_EIO);
    assert_non_null(strstr(hy_last_error()->message, hy_address_to_text(&to).text));
    assert_int_equal(hy_udp_socket_get_counters(&self->socket).send_errors, 1);
    hy_object_destroy(&self->hy);
}

/* --- many
 * ------------------------------------------------------------------------------------------- */

#define MANY 200

static struct hy_outgoing_datagram outgoing[MANY];
static uint32_t outgoing_numbers[MANY];

static void prepare_many(const struct hy_address *to)
{
    for (uint32_t i = 0; i < MANY; i++) {
        outgoing_numbers[i] = i;
        outgoing[i] =
            (struct hy_outgoing_datagram){to, &outgoing_numbers[i], sizeof outgoing_numbers[i]};
    }
}

static void many_go_with_few_calls(void **state)
{
    (void)state;
    struct listener *self = listener_bound("127.0.0.1:0", 0);
    struct listener *sender = listener_create();
    struct hy_address to = local_address(&self->socket);
    prepare_many(&to);
    send_calls = 0;
    assert_int_equal(hy_udp_socket_send_batch(&sender->socket, outgoing, 0), 0);
    assert_int_equal(hy_udp_socket_send_batch(&sender->socket, outgoing, MANY), MANY);
    assert_true(send_calls <= 4);
    WAIT_UNTIL(self->count == MANY);
    assert_numbers(self, 0, MANY);
    assert_int_equal(hy_udp_socket_get_counters(&sender->socket).sent, MANY);
    assert_int_equal(hy_udp_socket_get_counters(&sender->socket).sent_bytes, MANY * 4);
    /* To the peer. */
    prepare_many(NULL);
    assert_int_equal(hy_udp_socket_send_batch(&sender->socket, outgoing, MANY), -HY_ENOTCONN);
    OK(hy_udp_socket_connect(&sender->socket, &to));
    self->count = 0;
    assert_int_equal(hy_udp_socket_send_batch(&sender->socket, outgoing, MANY), MANY);
    WAIT_UNTIL(self->count == MANY);
    assert_numbers(self, 0, MANY);
    hy_object_destroy(&self->hy);
    hy_object_destroy(&sender->hy);
}

static void a_batch_stops_at_what_cannot_be_sent(void **state)
{
    (void)state;
    struct listener *self = listener_bound("127.0.0.1:0", 0);
    struct hy_address to = local_address(&self->socket);
    prepare_many(&to);
    outgoing[100].size = 70000;
    assert_int_equal(hy_udp_socket_send_batch(&self->socket, outgoing, MANY), 100);
    assert_int_equal(hy_udp_socket_send_batch(&self->socket, outgoing + 100, MANY - 100),
                     -HY_EMSGSIZE);
    assert_int_equal(hy_udp_socket_send_batch(&self->socket, outgoing + 101, MANY - 101), 99);
    /* The system takes a part each time, then none. */
    prepare_many(&to);
    take_first = 7;
    assert_int_equal(hy_udp_socket_send_batch(&self->socket, outgoing, 50), 50);
    take_first = 0;
    fail_next = 1;
    fail_with = EAGAIN;
    assert_int_equal(hy_udp_socket_send_batch(&self->socket, outgoing, 50), -HY_EAGAIN);
    WAIT_UNTIL(self->writable == 1 && self->count == 249);
    hy_object_destroy(&self->hy);
}

/* --- from other threads
 * ------------------------------------------------------------------------------ */

struct foreign {
    struct hy_udp_socket *udp;
    struct hy_address to;
    int rc, batch_rc, big_rc;
};

static void *send_from_afar(void *context)
{
    struct foreign *job = context;
    char *data = malloc(1000);
    for (uint32_t i = 0; i < 500 && job->rc >= 0; i++) {
        memcpy(data, &i, sizeof i);
        job->rc = hy_udp_socket_send(job->udp, &job->to, data, 4 + i % 900);
        memset(data, 0xff, 1000); /* it has been copied */
    }
    free(data);
    job->big_rc = hy_udp_socket_send(job->udp, &job->to, "", 70000);
    job->batch_rc = hy_udp_socket_send_batch(job->udp, NULL, 0);
    return NULL;
}

static void sends_from_another_thread_arrive_in_order(void **state)
{
    (void)state;
    struct listener *self = listener_bound("127.0.0.1:0", 0);
    struct listener *sender = listener_create();
    struct foreign job = {.udp = &sender->socket, .to = local_address(&self->socket)};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, send_from_afar, &job), 0);
    WAIT_UNTIL(self->count == 500);
    pthread_join(thread, NULL);
    assert_int_equal(job.rc, 0);
    assert_int_equal(job.big_rc, -HY_EMSGSIZE);
    assert_int_equal(job.batch_rc, -HY_EWRONGTHREAD);
    assert_numbers(self, 0, 500);
    for (uint32_t i = 0; i < 500; i++)
        assert_int_equal(self->sizes[i], 4 + i % 900);
    assert_int_equal(sender->errors, 0);
    hy_object_destroy(&self->hy);
    hy_object_destroy(&sender->hy);
}

static void *use_from_afar(void *context)
{
    struct foreign *job = context;
    int rc = 0;
    /* A whole life, ordered from outside; what is wrong in itself is refused at once. */
    rc |= hy_udp_socket_bind(job->udp, "nonsense", 0) == -HY_EINVAL ? 0 : -1;
    rc |= hy_udp_socket_join(job->udp, "10.0.0.1", NULL) == -HY_EINVAL ? 0 : -1;
    rc |= hy_udp_socket_set_receive_buffer(job->udp, 100000);
    rc |= hy_udp_socket_bind(job->udp, "127.0.0.1:0", 0);
    rc |= hy_udp_socket_bind(job->udp, "127.0.0.1:0", 0); /* fails later: it is open */
    rc |= hy_udp_socket_send(job->udp, &job->to, "one", 3);
    rc |= hy_udp_socket_connect(job->udp, &job->to);
    rc |= hy_udp_socket_send(job->udp, NULL, "two", 3);
    (void)hy_udp_socket_get_counters(job->udp);
    (void)hy_udp_socket_receive_buffer(job->udp);
    (void)hy_udp_socket_is_open(job->udp);
    rc |= hy_udp_socket_close(job->udp);
    rc |= hy_udp_socket_send(job->udp, NULL, "three", 5); /* fails later: no peer any more */
    job->rc = rc;
    return NULL;
}

static void a_life_ordered_from_another_thread(void **state)
{
    (void)state;
    struct listener *self = listener_bound("127.0.0.1:0", 0);
    struct listener *sender = listener_create();
    struct foreign job = {.udp = &sender->socket, .to = local_address(&self->socket)};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, use_from_afar, &job), 0);
    WAIT_UNTIL(sender->errors == 2 && self->count == 2);
    pthread_join(thread, NULL);
    assert_int_equal(job.rc, 0);
    assert_int_equal(sender->error.code, HY_ENOTCONN);
    assert_false(hy_udp_socket_is_open(&sender->socket));
    assert_int_equal(hy_udp_socket_get_counters(&sender->socket).sent, 2);
    assert_int_equal(hy_udp_socket_get_counters(&sender->socket).send_errors, 1);
    hy_object_destroy(&self->hy);
    hy_object_destroy(&sender->hy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UDP_TEST(a_send_returns_the_size),
        UDP_TEST(wrong_sends_are_refused),
        UDP_TEST(sending_opens_the_socket_and_answers_come),
        UDP_TEST(a_closed_port_is_no_error_unless_connected),
        UDP_TEST(a_connected_socket_hears_its_peer_only),
        UDP_TEST(broadcast_is_asked_for),
        UDP_TEST(a_full_buffer_is_told_and_writable_follows_once),
        UDP_TEST(an_interrupted_send_is_repeated),
        UDP_TEST(many_go_with_few_calls),
        UDP_TEST(a_batch_stops_at_what_cannot_be_sent),
        UDP_TEST(sends_from_another_thread_arrive_in_order),
        UDP_TEST(a_life_ordered_from_another_thread),
    };
    return cmocka_run_group_tests_name("udp send", tests, warm_up, NULL);
}
