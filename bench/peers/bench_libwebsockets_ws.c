/* SPDX-License-Identifier: MIT */
/*
 * libwebsockets: its documented pattern, one lws_write() in each writable callback, which asks for
 * the next one while it is behind. Broadcasts are all the same text, so a client's queue is the
 * number it still has to be sent; echoes wait in a ring. Default event loop (poll), no extensions.
 */
#include "ws_protocol.h"

#include <libwebsockets.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum {
    ECHO_RING = 64
};

struct echo_message {
    size_t size, capacity;
    unsigned char *bytes; /* LWS_PRE of them are in front of the message; used again */
};

struct session {
    size_t sent; /* broadcasts written to this client */
    size_t echo_head;
    size_t echo_tail;
    bool is_receiving;           /* the newest echo's end has not come */
    struct echo_message *echoes; /* a ring of ECHO_RING, from the first one on */
};

static bool echo_mode;
static bool ended;
static size_t ordered; /* broadcasts that every client is to be sent */
static struct bench_ws_run run;
static unsigned char broadcast_frame[LWS_PRE + BENCH_WS_SIZE_MAX];

static int on_control(struct lws *wsi, const char *text, size_t size)
{
    int count = bench_ws_control(&run, text, size);

    if (count == BENCH_WS_END) {
        ended = true;
        lws_cancel_service(lws_get_context(wsi));
        return 0;
    }
    if (!echo_mode && count > 0) {
        memcpy(broadcast_frame + LWS_PRE, run.text, run.size);
        ordered += (size_t)count;
        lws_callback_on_writable_all_protocol(lws_get_context(wsi), lws_get_protocol(wsi));
    }
    return 0;
}

static bool append(struct echo_message *echo, const void *bytes, size_t size)
{
    size_t needed = LWS_PRE + echo->size + size;

    if (needed > echo->capacity) {
        unsigned char *larger = realloc(echo->bytes, needed);

        if (larger == NULL) {
            return false;
        }
        echo->bytes = larger;
        echo->capacity = needed;
    }
    memcpy(echo->bytes + LWS_PRE + echo->size, bytes, size);
    echo->size += size;
    return true;
}

/* A message may come in parts. */
static int on_receive(struct lws *wsi, struct session *session, const void *bytes, size_t size)
{
    bool has_more = lws_remaining_packet_payload(wsi) > 0;

    if (!echo_mode || (!session->is_receiving && !has_more && size < BENCH_WS_ECHO_MIN)) {
        return on_control(wsi, bytes, size);
    }
    if (session->echoes == NULL) {
        session->echoes = calloc(ECHO_RING, sizeof *session->echoes);
    }
    if (session->echoes == NULL || session->echo_head - session->echo_tail == ECHO_RING) {
        lwsl_err("no memory, or too many echoes are outstanding\n");
        return -1;
    }

    struct echo_message *echo = &session->echoes[session->echo_head % ECHO_RING];

    if (!session->is_receiving) {
        echo->size = 0;
    }
    if (!append(echo, bytes, size)) {
        return -1;
    }
    session->is_receiving = has_more;
    if (!has_more) {
        session->echo_head++;
        lws_callback_on_writable(wsi);
    }
    return 0;
}

static int on_writable(struct lws *wsi, struct session *session)
{
    bool is_behind = false;

    if (echo_mode && session->echo_tail != session->echo_head) {
        struct echo_message *echo = &session->echoes[session->echo_tail++ % ECHO_RING];

        if (lws_write(wsi, echo->bytes + LWS_PRE, echo->size, LWS_WRITE_TEXT) < 0) {
            return -1;
        }
        is_behind = session->echo_tail != session->echo_head;
    } else if (session->sent < ordered) {
        session->sent++;
        if (lws_write(wsi, broadcast_frame + LWS_PRE, run.size, LWS_WRITE_TEXT) < 0) {
            return -1;
        }
        is_behind = session->sent < ordered;
    }
    if (is_behind) {
        lws_callback_on_writable(wsi);
    }
    return 0;
}

static int callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                    size_t size)
{
    struct session *session = user;

    switch (reason) {
    case LWS_CALLBACK_RECEIVE:
        return on_receive(wsi, session, in, size);
    case LWS_CALLBACK_SERVER_WRITEABLE:
        return on_writable(wsi, session);
    case LWS_CALLBACK_CLOSED:
        for (size_t i = 0; session->echoes != NULL && i < ECHO_RING; i++) {
            free(session->echoes[i].bytes);
        }
        free(session->echoes);
        return 0;
    default:
        return lws_callback_http_dummy(wsi, reason, user, in, size);
    }
}

int main(int argc, char **argv)
{
    static const struct lws_protocols protocols[] = {
        {.name = "bench",
         .callback = callback,
         .per_session_data_size = sizeof(struct session),
         .rx_buffer_size = BENCH_WS_SIZE_MAX},
        {.name = NULL},
    };
    struct lws_context_creation_info info = {.iface = "127.0.0.1",
                                             .port = 0,
                                             .protocols = protocols,
                                             .gid = -1,
                                             .uid = -1,
                                             .pt_serv_buf_size = 2 * BENCH_WS_SIZE_MAX};

    echo_mode = bench_ws_is_echo(argc, argv);
    lws_set_log_level(LLL_ERR, NULL);

    struct lws_context *context = lws_create_context(&info);

    if (context == NULL) {
        fprintf(stderr, "%s: cannot listen on 127.0.0.1\n", argv[0]);
        return 1;
    }
    bench_ws_announce(
        (unsigned)lws_get_vhost_listen_port(lws_get_vhost_by_name(context, "default")));
    while (!ended && lws_service(context, 0) >= 0) {
    }
    lws_context_destroy(context);
    return 0;
}
