/* SPDX-License-Identifier: MIT */
/*
 * The page's protocol (docs/protocol.md), version 1: frames as JSON text. Pure functions of a
 * tracker and plain values; no I/O, no clock.
 *
 * Every function that writes a frame returns -HY_ENOMEM when memory is short, with the last error
 * set. The text it gives is UTF-8, is terminated by NUL (not counted in `size`), and belongs to the
 * caller, who frees it with protocol_text_free() or hands it to a buffer:
 *
 *     hy_buffer_create_from(text.data, text.size, protocol_text_release, NULL, &buffer);
 */
#ifndef HALYARD_PROTOCOL_H
#define HALYARD_PROTOCOL_H

#include "tracker.h"

enum {
    PROTOCOL_VERSION = 1,
    PROTOCOL_SNAPSHOT_ROWS = 500, /* at most, in a frame */
    PROTOCOL_REQUEST_MAX = 1024   /* longer messages of clients are none that we know */
};

struct protocol_text {
    char *data;
    size_t size;
};

struct protocol_hello {
    const char *version; /* of the program */
    int64_t time_s;      /* UNIX */
    uint64_t seq;        /* of the last delta or gone frame */
    size_t ships;
    int64_t stale_s;
    int64_t remove_s;
    int64_t interval_ms; /* between deltas */
};

struct protocol_stat {
    int64_t time_s;
    uint64_t sentences;
    uint64_t decoded;
    uint64_t rejected;
    double rate; /* sentences a second, written with one decimal */
    size_t ships;
    size_t clients;
    uint64_t sent;
    uint64_t dropped;
};

/* The first frame. */
int protocol_hello(const struct protocol_hello *hello, struct protocol_text *ret_text);

/*
 * One frame of a snapshot; `*cursor` starts at 0. Returns 1 when another frame follows, 0 after the
 * last (an empty tracker gives one frame without rows). The tracker must not change between the
 * frames of one snapshot: all of them carry the same `seq`.
 */
int protocol_snapshot(const struct tracker *tracker, uint64_t seq, size_t *cursor,
                      struct protocol_text *ret_text);

/* The changes of all vessels since tracker_clear_changes(), which is left to the caller. */
int protocol_delta(const struct tracker *tracker, uint64_t seq, int64_t time_s,
                   struct protocol_text *ret_text);

/* Vessels removed, as tracker_removed() gives them. */
int protocol_gone(const uint32_t *mmsis, size_t count, uint64_t seq,
                  struct protocol_text *ret_text);

int protocol_stat(const struct protocol_stat *stat, struct protocol_text *ret_text);

/* The body of /api/ships.json. */
int protocol_ships(const struct tracker *tracker, int64_t time_s, struct protocol_text *ret_text);

/* Whether a client's message asks for a snapshot. Bad JSON and all else is a no. */
bool protocol_is_snapshot_request(const void *data, size_t size);

/* Frees the text and clears it; a cleared one is fine. */
void protocol_text_free(struct protocol_text *text);

/* The same as a hy_buffer_release_function: hands `data` back to the allocator. */
void protocol_text_release(void *context, const void *data, size_t size);

#endif
