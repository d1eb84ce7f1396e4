/* SPDX-License-Identifier: MIT */
/*
 * CPU rate of the AIS decoder alone, of decoder and tracker together, and of both with a delta of
 * the page's protocol for each second of a busy feed: a recording is read into memory, then fed
 * line by line, as the receiver thread does with datagrams. Prints one JSON object each, with the
 * minimum of several rounds as the time.
 *
 *     bench_ais FILE [ROUNDS]
 */
#include "ais/decoder.h"
#include "input.h"
#include "protocol.h"
#include "tracker.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct lines {
    char *text;
    size_t size;
    size_t *starts; /* count + 1 of them */
    size_t count;
    size_t text_room;
    size_t start_room;
};

/* Room for one more line; false when memory is short. */
static bool reserve(struct lines *lines, size_t size)
{
    if (lines->size + size > lines->text_room) {
        size_t room = (lines->size + size) * 2;
        char *text = realloc(lines->text, room);

        if (text == NULL) {
            return false;
        }
        lines->text = text;
        lines->text_room = room;
    }
    if (lines->count + 2 > lines->start_room) {
        size_t room = (lines->count + 2) * 2;
        size_t *starts = realloc(lines->starts, room * sizeof(*starts));

        if (starts == NULL) {
            return false;
        }
        lines->starts = starts;
        lines->start_room = room;
    }
    return true;
}

static void lines_free(struct lines *lines)
{
    free(lines->text);
    free(lines->starts);
}

static int load(const char *path, struct lines *lines)
{
    struct input *input;
    const char *line;
    ptrdiff_t size = input_open(path, &input);

    memset(lines, 0, sizeof(*lines));
    if (size < 0) {
        (void)fprintf(stderr, "bench_ais: cannot open %s: %s\n", path, strerror((int)-size));
        return -1;
    }
    while ((size = input_line(input, &line)) > 0) {
        if (!reserve(lines, (size_t)size)) {
            break;
        }
        memcpy(lines->text + lines->size, line, (size_t)size);
        lines->starts[lines->count++] = lines->size;
        lines->size += (size_t)size;
        lines->starts[lines->count] = lines->size;
    }
    input_close(input);
    return size == 0 && lines->count > 0 ? 0 : -1;
}

static uint64_t cpu_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void count_message(void *context, const struct ais_report *report)
{
    uint64_t *sum = context;

    *sum += report->message.mmsi;
}

static void track_message(void *context, const struct ais_report *report)
{
    struct tracker *tracker = context;

    if (tracker_update(tracker, &report->message, report->received_ns,
                       report->received_ns / 1000000000) < 0) {
        (void)fputs("bench_ais: out of memory\n", stderr);
        exit(1);
    }
}

enum work {
    WORK_DECODE,
    WORK_TRACK,
    WORK_DELTA,
    WORK_COUNT
};

/* A line each 2 ms; a delta each 500 lines. */
#define LINE_NS     INT64_C(2000000)
#define DELTA_LINES 500

static struct ais_decoder decoder;

static void write_delta(struct tracker *tracker, uint64_t seq)
{
    struct protocol_text text;

    if (protocol_delta(tracker, seq, 0, &text) < 0) {
        (void)fputs("bench_ais: out of memory\n", stderr);
        exit(1);
    }
    protocol_text_free(&text);
    tracker_clear_changes(tracker);
}

/* One round from an empty decoder and tracker on. Returns nanoseconds. */
static uint64_t run_round(const struct lines *lines, enum work work, size_t *ret_vessels)
{
    struct tracker tracker;
    uint64_t sum = 0;

    ais_decoder_init(&decoder, NULL);
    tracker_init(&tracker, NULL);
    uint64_t start = cpu_ns();
    for (size_t i = 0; i < lines->count; i++) {
        const char *line = lines->text + lines->starts[i];
        size_t size = lines->starts[i + 1] - lines->starts[i];
        int64_t now_ns = (int64_t)i * LINE_NS;

        if (work == WORK_DECODE) {
            ais_decoder_feed(&decoder, line, size, 0, now_ns, count_message, &sum);
        } else {
            ais_decoder_feed(&decoder, line, size, 0, now_ns, track_message, &tracker);
        }
        if (work == WORK_DELTA && i % DELTA_LINES == 0) {
            write_delta(&tracker, i);
        }
    }
    uint64_t time = cpu_ns() - start;
    *ret_vessels = tracker_count(&tracker);
    tracker_fini(&tracker);
    return time;
}

static void run(const struct lines *lines, enum work work, long rounds)
{
    static const char *const names[WORK_COUNT] = {
        [WORK_DECODE] = "ais_decode_rate",
        [WORK_TRACK] = "ais_decode_track",
        [WORK_DELTA] = "ais_decode_track_delta",
    };
    uint64_t best = UINT64_MAX;
    size_t vessels = 0;

    for (long round = 0; round < rounds; round++) {
        uint64_t time = run_round(lines, work, &vessels);

        best = time < best ? time : best;
    }
    if (!ais_counters_add_up(&decoder.counters)) {
        (void)fputs("bench_ais: the counters do not add up\n", stderr);
        exit(1);
    }
    (void)printf("{\"bench\": \"%s\", \"peer\": \"halyard\", \"value\": %.0f, "
                 "\"unit\": \"sentences/s\"}\n",
                 names[work], (double)decoder.counters.sentences * 1e9 / (double)best);
    (void)fprintf(
        stderr, "%s: %" PRIu64 " sentences, %" PRIu64 " messages, %zu vessels, %" PRIu64 " ns\n",
        names[work], decoder.counters.sentences, decoder.counters.messages, vessels, best);
}

int main(int argc, char **argv)
{
    struct lines lines;
    long rounds = argc > 2 ? strtol(argv[2], NULL, 10) : 10;

    if (argc < 2 || rounds < 1) {
        (void)fputs("Usage: bench_ais FILE [ROUNDS]\n", stderr);
        return 2;
    }
    if (load(argv[1], &lines) < 0) {
        (void)fprintf(stderr, "bench_ais: %s: nothing read\n", argv[1]);
        lines_free(&lines);
        return 1;
    }
    for (int work = 0; work < WORK_COUNT; work++) {
        run(&lines, (enum work)work, rounds);
    }
    lines_free(&lines);
    return 0;
}
