/* SPDX-License-Identifier: MIT */
/*
 * CPU rate of the AIS decoder alone: a recording is read into memory, then fed line by line, as the
 * receiver thread does with datagrams. Prints one JSON object, with the minimum of several rounds
 * as the time.
 *
 *     bench_ais FILE [ROUNDS]
 */
#include "ais/decoder.h"
#include "input.h"

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

int main(int argc, char **argv)
{
    static struct ais_decoder decoder;
    struct lines lines;
    uint64_t best = UINT64_MAX;
    uint64_t sum = 0;
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
    for (long round = 0; round < rounds; round++) {
        ais_decoder_init(&decoder, NULL);
        uint64_t start = cpu_ns();
        for (size_t i = 0; i < lines.count; i++) {
            ais_decoder_feed(&decoder, lines.text + lines.starts[i],
                             lines.starts[i + 1] - lines.starts[i], 0, (int64_t)i * 2000000,
                             count_message, &sum);
        }
        uint64_t time = cpu_ns() - start;
        best = time < best ? time : best;
    }
    if (!ais_counters_add_up(&decoder.counters)) {
        (void)fputs("bench_ais: the counters do not add up\n", stderr);
        lines_free(&lines);
        return 1;
    }
    (void)printf("{\"bench\": \"ais_decode_rate\", \"peer\": \"halyard\", \"value\": %.0f, "
                 "\"unit\": \"sentences/s\"}\n",
                 (double)decoder.counters.sentences * 1e9 / (double)best);
    (void)fprintf(
        stderr, "%" PRIu64 " sentences, %" PRIu64 " messages, %" PRIu64 " ns (check %" PRIu64 ")\n",
        decoder.counters.sentences, decoder.counters.messages, best, sum);
    lines_free(&lines);
    return 0;
}
