/* SPDX-License-Identifier: MIT */
/*
 * Four threads broadcast at once to 200 clients, of which some come and go all the time. The
 * senders pause at high_water and at a refusal, and go on at low_water. Nothing may be dropped, and
 * every client that stays must get every message of each sender in its order.
 *
 *     test_ws_pressure [--seconds N]     3 by default
 */
#include "ws_fixture.h"
#include <poll.h>

enum {
    SENDERS = 4,
    CLIENTS = 200,
    LEAVERS = 40, /* of them, those that come and go */
    BATCH = 32,   /* messages of a sender before it looks at its signals */
    BUFFER = 16384,
};

struct note { /* at the head of each message */
    uint32_t sender, size;
    uint64_t sequence;
};

struct sender {
    HY_INHERITS(hy_object);
    struct hy_ws_server *server;
    struct hy_timer timer;
    struct hy_thread thread;
    uint32_t number;
    bool is_paused;
    uint64_t sent; /* atomic: the test looks at the end */
    uint64_t refused, pauses;
    int failure;
    int64_t until_ns;
    bool is_done; /* atomic */
};

struct client {
    int fd;
    size_t filled;
    uint64_t next[SENDERS];
    uint64_t received;
    unsigned char buffer[BUFFER];
};

static const struct hy_class sender_class = HY_CLASS(struct sender, .base = NULL);
static struct fixture fixture;
static struct sender senders[SENDERS];
static struct client clients[CLIENTS];
static double seconds = 3;

/* --- senders --------------------------------------------------------------------------------- */

static void sender_go(struct sender *sender)
{
    unsigned char message[1200];
    /* On a busy machine the others may have kept it from its first one until now. */
    if (hy_now_ns() >= sender->until_ns && (sender->sent > 0 || sender->failure != 0)) {
        hy_timer_stop(&sender->timer);
        __atomic_store_n(&sender->is_done, true, __ATOMIC_RELEASE);
        return;
    }
    for (int i = 0; i < BATCH && !sender->is_paused; i++) {
        struct note note = {.sender = sender->number,
                            .size = (uint32_t)(sizeof note + sender->sent * 7 % 1100),
                            .sequence = sender->sent};
        memset(message, (int)note.sequence, sizeof message);
        memcpy(message, &note, sizeof note);
        int rc = hy_ws_server_broadcast_binary(sender->server, message, note.size);
        if (rc == -HY_EAGAIN) {
            sender->refused++;
            sender->is_paused = true;
        } else if (rc < 0) {
            sender->failure = rc;
            sender->until_ns = 0;
            return;
        } else {
            __atomic_store_n(&sender->sent, sender->sent + 1, __ATOMIC_RELEASE);
        }
    }
    if (sender->is_paused)
        hy_timer_start_once(&sender->timer, 50 * HY_MILLISECOND); /* only to see the end */
}

static void sender_timeout(struct sender *sender)
{
    if (!sender->is_paused || hy_now_ns() >= sender->until_ns)
        sender_go(sender);
    else
        hy_timer_start_once(&sender->timer, 50 * HY_MILLISECOND);
}

static void sender_high(struct sender *sender, const struct hy_ws_pressure *pressure)
{
    if (pressure->client != 0)
        return;
    sender->is_paused = true;
    sender->pauses++;
}

static void sender_low(struct sender *sender, const struct hy_ws_pressure *pressure)
{
    if (pressure->client != 0)
        return;
    sender->is_paused = false;
    hy_timer_start(&sender->timer, 0);
}

static void sender_started(struct sender *sender)
{
    hy_timer_start(&sender->timer, 0);
}

static void senders_start(void)
{
    for (uint32_t i = 0; i < SENDERS; i++) {
        struct sender *sender = &senders[i];
        *sender = (struct sender){.server = &fixture.server,
                                  .number = i,
                                  .until_ns = hy_now_ns() + (int64_t)(seconds * 1e9)};
        assert_int_equal(hy_object_init(&sender->hy, &sender_class, NULL), 0);
        assert_int_equal(hy_timer_init(&sender->timer, &sender->hy), 0);
        assert_true(hy_connect(&sender->timer.events.timeout, sender, sender_timeout, HY_AUTO) >=
                    0);
        assert_true(hy_connect(&fixture.server.events.high_water, sender, sender_high, HY_AUTO) >=
                    0);
        assert_true(hy_connect(&fixture.server.events.low_water, sender, sender_low, HY_AUTO) >= 0);
        assert_int_equal(hy_thread_init(&sender->thread, "sender", NULL), 0);
        assert_true(hy_connect(&sender->thread.events.started, sender, sender_started, HY_AUTO) >=
                    0);
        assert_int_equal(hy_object_move_to_thread(&sender->hy, &sender->thread), 0);
        assert_int_equal(hy_thread_start(&sender->thread), 0);
    }
}

/* --- clients --------------------------------------------------------------------------------- */

static void client_open(struct client *client)
{
    client->fd = raw_open(&fixture);
    client->filled = 0;
    for (int i = 0; i < SENDERS; i++)
        client->next[i] = UINT64_MAX; /* not known: whatever comes first */
}

static void client_message(struct client *client, const unsigned char *payload, size_t size)
{
    struct note note;
    assert_true(size >= sizeof note);
    memcpy(&note, payload, sizeof note);
    assert_true(note.sender < SENDERS);
    assert_int_equal(note.size, size);
    for (size_t i = sizeof note; i < size; i++)
        assert_int_equal(payload[i], (unsigned char)note.sequence);
    if (client->next[note.sender] != UINT64_MAX)
        assert_int_equal(note.sequence, client->next[note.sender]);
    client->next[note.sender] = note.sequence + 1;
    client->received++;
}

/* Takes all whole frames off the buffer. */
static void client_frames(struct client *client)
{
    unsigned char *at = client->buffer, *end = client->buffer + client->filled;
    while (end - at >= 2) {
        size_t head = (at[1] & 0x7F) == 126 ? 4 : 2;
        if (end - at < (ptrdiff_t)head)
            break;
        size_t size = head == 4 ? (size_t)(at[2] << 8 | at[3]) : at[1];
        if (end - at < (ptrdiff_t)(head + size))
            break;
        if (at[0] == 0x89) {
            raw_frame(client->fd, 0x8A, at + head, size);
        } else {
            assert_int_equal(at[0], 0x82);
            client_message(client, at + head, size);
        }
        at += head + size;
    }
    client->filled = (size_t)(end - at);
    memmove(client->buffer, at, client->filled);
}

static void client_read(struct client *client)
{
    ssize_t got =
        recv(client->fd, client->buffer + client->filled, BUFFER - client->filled, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    assert_true(got > 0);
    client->filled += (size_t)got;
    client_frames(client);
}

static void clients_read(int timeout_ms)
{
    static struct pollfd polled[CLIENTS];
    for (int i = 0; i < CLIENTS; i++)
        polled[i] = (struct pollfd){.fd = clients[i].fd, .events = POLLIN};
    poll(polled, CLIENTS, timeout_ms);
    for (int i = 0; i < CLIENTS; i++)
        if (polled[i].revents != 0)
            client_read(&clients[i]);
}

/* One of the leavers goes, politely or not, and comes again. */
static void client_replace(unsigned round)
{
    struct client *client = &clients[round % LEAVERS];
    if (round % 3 == 0)
        raw_frame(client->fd, 0x88, "\x03\xe8", 2);
    close(client->fd);
    client_open(client);
}

static bool senders_are_done(void)
{
    for (int i = 0; i < SENDERS; i++)
        if (!__atomic_load_n(&senders[i].is_done, __ATOMIC_ACQUIRE))
            return false;
    return true;
}

static bool stayers_have_all(void)
{
    for (int c = LEAVERS; c < CLIENTS; c++)
        for (int s = 0; s < SENDERS; s++)
            if (clients[c].next[s] != senders[s].sent)
                return false;
    return true;
}

static void report(unsigned replaced)
{
    struct hy_ws_server_counters counters = fixture_counters(&fixture);
    uint64_t sent = 0, refused = 0, pauses = 0;
    for (int i = 0; i < SENDERS; i++) {
        sent += senders[i].sent;
        refused += senders[i].refused;
        pauses += senders[i].pauses;
    }
    print_message("# %.1f s: %llu broadcasts, %llu deliveries, %llu refused sends, %llu pauses, "
                  "%u clients replaced\n",
                  seconds, (unsigned long long)sent, (unsigned long long)counters.messages_sent,
                  (unsigned long long)refused, (unsigned long long)pauses, replaced);
}

static void test_no_drop_under_pressure(void **state)
{
    struct hy_ws_server_options options;
    unsigned replaced = 0;
    (void)state;
    options = hy_ws_server_options_default();
    options.queue_limit = 256 << 10;
    options.high_water = 128 << 10;
    options.low_water = 32 << 10;
    options.slow_after_ns = 0; /* a loaded machine is not a slow client */
    options.write_timeout_ns = 0;
    fixture_start(&fixture, &options);
    for (int i = 0; i < CLIENTS; i++) {
        client_open(&clients[i]);
        for (int s = 0; s < SENDERS; s++)
            clients[i].next[s] = 0; /* connected before the first message */
    }
    fixture_await(&fixture.recorder.opened, CLIENTS);
    senders_start();
    int64_t next_ns = hy_now_ns();
    while (!senders_are_done()) {
        clients_read(10);
        if (hy_now_ns() >= next_ns) {
            client_replace(replaced++);
            next_ns = hy_now_ns() + 3 * HY_MILLISECOND;
        }
        hy_process(0, 0); /* the recorder's signals */
    }
    int64_t deadline_ns = hy_now_ns() + 3 * FIXTURE_WAIT_NS;
    while (!stayers_have_all()) {
        assert_true(hy_now_ns() < deadline_ns);
        clients_read(100);
    }
    for (int i = 0; i < SENDERS; i++)
        hy_thread_fini(&senders[i].thread); /* it goes on to hear of high water */
    report(replaced);
    struct hy_ws_server_counters counters = fixture_counters(&fixture);
    assert_int_equal(counters.dropped_newest, 0);
    assert_int_equal(counters.dropped_oldest, 0);
    assert_int_equal(counters.disconnected, 0);
    assert_true(fixture.recorder.high > 0);
    assert_true(fixture.recorder.low > 0);
    for (int i = 0; i < SENDERS; i++) {
        assert_int_equal(senders[i].failure, 0);
        assert_true(senders[i].sent > 0);
        hy_object_fini(&senders[i].hy);
    }
    for (int i = 0; i < CLIENTS; i++)
        close(clients[i].fd);
    fixture_stop(&fixture);
    assert_int_equal(fixture.recorder.closed_there, CLIENTS + replaced);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_no_drop_under_pressure)};
    if (argc == 3 && strcmp(argv[1], "--seconds") == 0)
        seconds = atof(argv[2]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
