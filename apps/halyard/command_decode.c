/* SPDX-License-Identifier: MIT */
/* `halyard decode [FILE...]`: sentences in, JSON lines out, and at the end an account of all
 * sentences. */
#include "ais/decoder.h"
#include "ais/json.h"
#include "command_line.h"
#include "commands.h"
#include "input.h"
#include "mmsi_set.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where the lines carry no time, each stands for this much: incomplete messages must end some time.
 */
#define LINE_NS INT64_C(2000000)

struct decode {
    struct ais_decoder decoder;
    struct mmsi_set mmsis;
    bool scaled;
    int error; /* first failure of output or memory, negative errno; 0 none */
};

static void write_message(void *context, const struct ais_report *report)
{
    struct decode *decode = context;
    char text[AIS_JSON_MAX];
    int length = ais_json(&report->message, decode->scaled, text, sizeof(text) - 1);

    if (decode->error != 0 || length < 0) {
        return;
    }
    text[length] = '\n';
    if (fwrite(text, 1, (size_t)length + 1, stdout) != (size_t)length + 1) {
        decode->error = errno != 0 ? -errno : -EIO;
        return;
    }
    decode->error = mmsi_set_add(&decode->mmsis, report->message.mmsi);
}

static const char *input_name(const char *path)
{
    return strcmp(path, "-") == 0 ? "standard input" : path;
}

/* Each file is a source of its own: fragments of one do not wait for those of another. */
static int decode_file(struct decode *decode, const char *path, uint32_t source)
{
    struct input *input;
    const char *line;
    ptrdiff_t size = input_open(path, &input);
    int64_t now_ns = 0;

    if (size < 0) {
        (void)fprintf(stderr, "halyard decode: cannot open %s: %s\n", input_name(path),
                      input_error_text((int)size));
        return EXIT_RUNTIME;
    }
    while (decode->error == 0 && (size = input_line(input, &line)) > 0) {
        now_ns += LINE_NS;
        ais_decoder_feed(&decode->decoder, line, (size_t)size, source, now_ns, write_message,
                         decode);
    }
    input_close(input);
    if (size < 0) {
        (void)fprintf(stderr, "halyard decode: cannot read %s: %s\n", input_name(path),
                      input_error_text((int)size));
        return EXIT_RUNTIME;
    }
    return EXIT_SUCCESS;
}

static void print_account(const struct decode *decode)
{
    const struct ais_counters *counters = &decode->decoder.counters;

    (void)fprintf(stderr,
                  "%" PRIu64 " sentences, %" PRIu64 " messages assembled, %" PRIu64
                  " decoded, %zu MMSIs\n",
                  counters->sentences, counters->assembled, counters->messages,
                  mmsi_set_count(&decode->mmsis));
    (void)fprintf(stderr,
                  "%" PRIu64 " earlier fragments joined, %" PRIu64 " left waiting; %" PRIu64
                  " other sentences passed over, %" PRIu64 " tag blocks with a wrong checksum\n",
                  counters->fragments_joined, counters->held, counters->other_sentences,
                  counters->tag_blocks_rejected);
    (void)fprintf(stderr, "%" PRIu64 " sentences rejected%s\n", ais_counters_rejected(counters),
                  ais_counters_rejected(counters) > 0 ? ":" : "");
    for (int reason = 0; reason < AIS_REJECT_COUNT; reason++) {
        if (counters->rejected[reason] > 0) {
            (void)fprintf(stderr, "  %s %" PRIu64 "\n", ais_reject_name((enum ais_reject)reason),
                          counters->rejected[reason]);
        }
    }
}

static int decode_all(struct decode *decode, const char **files)
{
    static const char *const standard_input[] = {"-", NULL};
    const char *const *paths = files != NULL ? (const char *const *)files : standard_input;
    int result = EXIT_SUCCESS;

    for (uint32_t i = 0; paths[i] != NULL && decode->error == 0; i++) {
        if (decode_file(decode, paths[i], i) != EXIT_SUCCESS) {
            result = EXIT_RUNTIME;
        }
    }
    if (fflush(stdout) != 0 && decode->error == 0) {
        decode->error = -errno;
    }
    if (decode->error == -ENOMEM) {
        (void)fprintf(stderr, "halyard decode: out of memory\n");
        result = EXIT_RUNTIME;
    } else if (decode->error != 0) {
        (void)fprintf(stderr, "halyard decode: cannot write to standard output: %s\n",
                      strerror(-decode->error));
        result = EXIT_RUNTIME;
    }
    print_account(decode);
    return result;
}

static int run(int unscaled, const char **files)
{
    static struct decode decode;

    ais_decoder_init(&decode.decoder, NULL);
    mmsi_set_init(&decode.mmsis);
    decode.scaled = unscaled == 0;
    decode.error = 0;
    int result = decode_all(&decode, files);
    mmsi_set_fini(&decode.mmsis);
    ais_decoder_fini(&decode.decoder);
    return result;
}

int command_decode(int argc, const char **argv)
{
    static const char intro[] =
        "[FILE...]\n"
        "\n"
        "Reads AIS sentences (AIVDM and AIVDO, with or without tag blocks) from each FILE, plain "
        "or\n"
        "gzip, or from standard input if there is none or it is \"-\". Writes one JSON object a "
        "line\n"
        "for each message of types 1-5, 9, 18, 19, 21, 24 and 27, with gpsdecode's keys and "
        "scaling;\n"
        "then, on standard error, how many sentences there were and why some gave no message.\n"
        "\n"
        "  halyard decode --unscaled recording.nmea.gz | jq 'select(.type == 5).shipname'\n"
        "\n"
        "Options:";
    int unscaled = 0;
    const struct poptOption options[] = {{"unscaled", 'u', POPT_ARG_NONE, &unscaled, 0,
                                          "print the integers as sent, not degrees and knots",
                                          NULL},
                                         POPT_AUTOHELP POPT_TABLEEND};
    poptContext context;
    int result = command_line_read("decode", argc, argv, options, intro, &context);

    if (result == 0) {
        result = run(unscaled, poptGetArgs(context));
        poptFreeContext(context);
    }
    return result;
}
