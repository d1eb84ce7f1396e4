/* SPDX-License-Identifier: MIT */
/*
 * The WebSocket client against our own server in another thread.
 */
#include "ws_fixture.h"

struct user {
    HY_INHERITS(hy_object);
    struct hy_ws_client client;
    unsigned opened, closed, messages, errors, pongs;
    struct hy_ws_client_closed last_closed;
    struct hy_error last_error;
    size_t size;
    bool is_text, ends_at_message;
    char text[64];
};

static const struct hy_class user_class = HY_CLASS(struct user, .base = NULL);
static struct fixture fixture;
static struct user user;

static void client_opened(struct user *self)
{
    self->opened++;
}

static void client_closed(struct user *self, const struct hy_ws_client_closed *closed)
{
    self->closed++;
    self->last_closed = *closed;
}

static void client_message(struct user *self, const struct hy_ws_message *message)
{
    self->messages++;
    if (self->ends_at_message)
        hy_ws_client_fini(&self->client);
    self->size = message->size;
    self->is_text = message->is_text;
    snprintf(self->text, sizeof self->text, "%.*s", (int)message->size,
             (const char *)message->data);
}

static void client_error(struct user *self, const struct hy_error *error)
{
    self->errors++;
    self->last_error = *error;
}

static void client_pong(struct user *self)
{
    self->pongs++;
}

static int start(void **state)
{
    (void)state;
    fixture_start(&fixture, NULL);
    memset(&user, 0, sizeof user);
    assert_int_equal(hy_object_init(&user.hy, &user_class, NULL), 0);
    assert_int_equal(hy_ws_client_init(&user.client, &user.hy), 0);
    hy_connect(&user.client.events.opened, &user, client_opened, HY_DIRECT);
    hy_connect(&user.client.events.closed, &user, client_closed, HY_DIRECT);
    hy_connect(&user.client.events.message, &user, client_message, HY_DIRECT);
    hy_connect(&user.client.events.error, &user, client_error, HY_DIRECT);
    hy_connect(&user.client.events.pong, &user, client_pong, HY_DIRECT);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    hy_object_fini(&user.hy);
    fixture_stop(&fixture);
    return 0;
}

static int connect_to(const char *path)
{
    char url[100];
    snprintf(url, sizeof url, "ws://127.0.0.1:%u%s", hy_ws_server_port(&fixture.server), path);
    return hy_ws_client_connect(&user.client, url, NULL);
}

static void test_talk_and_close(void **state)
{
    (void)state;
    assert_int_equal(hy_ws_client_send_text(&user.client, "x", 1), -HY_ENOTCONN);
    assert_int_equal(connect_to("/ws"), 0);
    assert_int_equal(connect_to("/ws"), -HY_EBUSY);
    assert_int_equal(hy_ws_client_send_text(&user.client, "early", 5), 0); /* before it is open */
    fixture_await(&user.opened, 1);
    assert_int_equal(hy_ws_client_get_state(&user.client), HY_WS_CLIENT_OPEN);
    fixture_await(&fixture.recorder.messages, 1);
    assert_string_equal(fixture.recorder.message, "early");
    hy_ws_server_broadcast_text(&fixture.server, "to all", 6);
    fixture_await(&user.messages, 1);
    assert_string_equal(user.text, "to all");
    assert_true(user.is_text);
    hy_ws_client_ping(&user.client);
    fixture_await(&user.pongs, 1);
    hy_ws_client_send_binary(&user.client, NULL, 0);
    assert_int_equal(hy_ws_client_close(&user.client, 4001, "enough"), 0);
    assert_int_equal(hy_ws_client_send_text(&user.client, "x", 1), -HY_ENOTCONN);
    fixture_await(&user.closed, 1);
    assert_true(user.last_closed.is_clean && user.last_closed.is_local);
    assert_int_equal(user.last_closed.code, 4001);
    fixture_await(&fixture.recorder.closed, 1);
    assert_int_equal(fixture.recorder.closed_list[0].code, 4001);
    assert_string_equal(fixture.recorder.closed_list[0].reason, "enough");
    assert_int_equal(fixture.recorder.messages, 2);
    assert_int_equal(connect_to("/ws"), 0); /* again */
    fixture_await(&user.opened, 2);
}

static void test_server_closes(void **state)
{
    (void)state;
    assert_int_equal(connect_to("/ws"), 0);
    fixture_await(&user.opened, 1);
    fixture_await(&fixture.recorder.opened, 1);
    hy_ws_server_close(&fixture.server);
    fixture_await(&user.closed, 1);
    assert_int_equal(user.last_closed.code, 1001);
    assert_true(user.last_closed.is_clean && !user.last_closed.is_local);
    fixture_await(&fixture.recorder.server_closed, 1);
    assert_int_equal(fixture.recorder.last_server_closed.clean, 1);
}

static void test_big_messages_both_ways(void **state)
{
    static char big[300000];
    (void)state;
    memset(big, 'b', sizeof big);
    assert_int_equal(connect_to("/ws"), 0);
    fixture_await(&user.opened, 1);
    hy_ws_client_send_text(&user.client, big, sizeof big);
    fixture_await(&fixture.recorder.messages, 1);
    assert_int_equal(fixture.recorder.message_size, sizeof big);
    hy_ws_server_broadcast_binary(&fixture.server, big, sizeof big);
    fixture_await(&user.messages, 1);
    assert_int_equal(user.size, sizeof big);
    assert_false(user.is_text);
}

/* A message that came in parts is there until its handler returns, whatever that does. */
static void test_a_handler_ends_the_client(void **state)
{
    static char big[300000];
    (void)state;
    memset(big, 'b', sizeof big);
    user.ends_at_message = true;
    assert_int_equal(connect_to("/ws"), 0);
    fixture_await(&fixture.recorder.opened, 1);
    hy_ws_server_broadcast_binary(&fixture.server, big, sizeof big);
    fixture_await(&user.closed, 1);
    assert_int_equal(user.messages, 1);
    assert_int_equal(user.size, sizeof big);
    assert_int_equal(strspn(user.text, "b"), sizeof user.text - 1);
}

static void test_refusals(void **state)
{
    char url[64];
    (void)state;
    assert_int_equal(hy_ws_client_connect(&user.client, "http://127.0.0.1/", NULL), -HY_EINVAL);
    assert_int_equal(hy_ws_client_connect(&user.client, "wss://127.0.0.1/", NULL), -HY_ENOTSUP);
    assert_int_equal(hy_ws_client_connect(&user.client, "ws://ships.example/", NULL), -HY_ENOTSUP);
    assert_int_equal(connect_to("/elsewhere"), 0);
    fixture_await(&user.errors, 1);
    assert_int_equal(user.last_error.code, HY_ECONNREFUSED);
    assert_non_null(strstr(user.last_error.message, "404"));
    snprintf(url, sizeof url, "ws://localhost:%u/ws", hy_ws_server_port(&fixture.server));
    assert_int_equal(hy_ws_client_connect(&user.client, url, "http://elsewhere.example"), 0);
    fixture_await(&user.errors, 2);
    assert_non_null(strstr(user.last_error.message, "403"));
    assert_int_equal(hy_ws_client_connect(&user.client, "ws://127.0.0.1:1/", NULL), 0);
    fixture_await(&user.errors, 3);
    assert_int_equal(user.last_error.code, HY_ECONNREFUSED);
    assert_int_equal(user.opened + user.closed, 0);
}

static void test_end_without_close(void **state)
{
    (void)state;
    assert_int_equal(connect_to("/ws"), 0);
    fixture_await(&user.opened, 1);
    hy_ws_client_fini(&user.client);
    assert_int_equal(user.closed, 1);
    assert_int_equal(user.last_closed.code, 1001);
    fixture_await(&fixture.recorder.closed, 1);
    assert_int_equal(fixture.recorder.closed_list[0].code, 1001);
    assert_int_equal(hy_ws_client_close(&user.client, 1000, NULL), -HY_ESHUTDOWN);
}

int main(void)
{
#define CASE(name_) cmocka_unit_test_setup_teardown(name_, start, stop)
    const struct CMUnitTest tests[] = {
        CASE(test_talk_and_close),         CASE(test_server_closes),
        CASE(test_big_messages_both_ways), CASE(test_refusals),
        CASE(test_end_without_close),      CASE(test_a_handler_ends_the_client),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
