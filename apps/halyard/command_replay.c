/* SPDX-License-Identifier: MIT */
/* `halyard replay FILE`: the lines of a recording go out over UDP at their moments. One thread. */
#include "command_line.h"
#include "commands.h"
#include "input.h"
#include "recording.h"
#include "sender.h"

#include <halyard/halyard.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The shortest wait: what is due within it goes out together. */
#define TICK_NS (2 * HY_MILLISECOND)
/* After so many lines the loop gets its turn. */
#define TURN_LINES 20000

struct replay_options {
    const char *path;
    struct hy_address to;
    double speed; /* 0: as fast as the socket takes it */
    double rate;
    bool loop;
};

struct replay {
    HY_INHERITS(hy_object);
    struct hy_timer timer;
    struct sender sender;
    struct replay_options options;
    struct recording *recording;
    struct recording_line line; /* read and not sent yet */
    bool has_line;
    bool is_at_end;
    bool is_waiting;  /* for the socket */
    int64_t start_ns; /* of this round */
    int64_t begin_ns; /* of the first */
    uint64_t lines, sentences, skipped, rounds;
};

static const struct hy_class replay_class = HY_CLASS(struct replay, .fini = NULL);

static int open_recording(struct replay *replay)
{
    int rc = recording_open(replay->options.path, replay->options.rate, &replay->recording);

    return rc < 0 ? hy_error_set(-HY_EIO, "cannot open %s: %s", replay->options.path,
                                 input_error_text(rc))
                  : 0;
}

/* After the last line: another round, or the end. */
static int end_round(struct replay *replay)
{
    replay->rounds++;
    if (!replay->options.loop || replay->lines == 0) {
        replay->is_at_end = true;
        return 0;
    }
    recording_close(replay->recording);
    replay->recording = NULL;
    replay->start_ns = hy_now_ns();
    return open_recording(replay);
}

/* Makes sure that there is a line, unless all is sent. */
static int provide_line(struct replay *replay)
{
    while (!replay->has_line && !replay->is_at_end) {
        int rc = recording_next(replay->recording, &replay->line);

        if (rc < 0) {
            return hy_error_set(-HY_EIO, "cannot read %s: %s", replay->options.path,
                                input_error_text(rc));
        }
        if (rc == 0) {
            rc = end_round(replay);
            if (rc < 0) {
                return rc;
            }
            continue;
        }
        replay->has_line = replay->line.size <= SENDER_TEXT_MAX;
        replay->skipped += !replay->has_line;
    }
    return 0;
}

static int64_t wait_ns(const struct replay *replay, int64_t now_ns)
{
    if (replay->options.speed == 0) {
        return 0;
    }
    return (int64_t)((double)replay->line.due_ns / replay->options.speed) -
           (now_ns - replay->start_ns);
}

static void count_line(struct replay *replay)
{
    replay->lines++;
    replay->sentences += replay->line.sentences;
    replay->has_line = false;
}

/*
 * Collects what is due and sends it. Returns nanoseconds until there is more to do, or an error;
 * -HY_EAGAIN: the socket takes no more for now.
 */
static int64_t send_due(struct replay *replay)
{
    int64_t now_ns = hy_now_ns();

    for (int i = 0; i < TURN_LINES; i++) {
        int rc = provide_line(replay);

        if (rc == 0 && (replay->is_at_end || wait_ns(replay, now_ns) > 0)) {
            break;
        }
        if (rc == 0 && !sender_add(&replay->sender, replay->line.text, replay->line.size, true)) {
            rc = sender_flush(&replay->sender);
        } else if (rc == 0) {
            count_line(replay);
        }
        if (rc < 0) {
            return rc;
        }
    }
    int rc = sender_flush(&replay->sender);
    if (rc < 0 || replay->is_at_end || !replay->has_line) {
        return rc;
    }
    int64_t left_ns = wait_ns(replay, now_ns);
    return left_ns <= 0 ? 0 : left_ns < TICK_NS ? TICK_NS : left_ns;
}

static void run_turn(struct replay *replay)
{
    int64_t rc = send_due(replay);

    replay->is_waiting = rc == -HY_EAGAIN;
    if (replay->is_waiting) {
        return;
    }
    if (rc >= 0 && replay->is_at_end) {
        hy_app_quit(0);
        return;
    }
    if (rc >= 0) {
        rc = hy_timer_start_once(&replay->timer, rc);
    }
    if (rc < 0) {
        hy_app_fail((int)rc);
    }
}

static void socket_writable(struct replay *replay)
{
    if (replay->is_waiting) {
        run_turn(replay);
    }
}

static int start(struct replay *replay, const struct replay_options *options)
{
    int rc = hy_object_init(&replay->hy, &replay_class, NULL);

    replay->options = *options;
    if (rc == 0) {
        rc = hy_timer_init(&replay->timer, &replay->hy);
    }
    if (rc == 0) {
        rc = sender_init(&replay->sender, &replay->hy, &options->to);
    }
    if (rc == 0) {
        rc = hy_connect(&replay->timer.events.timeout, replay, run_turn, HY_DIRECT);
    }
    if (rc == 0) {
        rc = hy_connect(&replay->sender.socket.events.writable, replay, socket_writable, HY_DIRECT);
    }
    if (rc == 0) {
        rc = open_recording(replay);
    }
    hy_timer_set_accuracy(&replay->timer, HY_TIMER_PRECISE);
    replay->begin_ns = replay->start_ns = hy_now_ns();
    return rc == 0 ? hy_timer_start_once(&replay->timer, 0) : rc;
}

static void print_summary(const struct replay *replay)
{
    (void)printf("halyard replay: %" PRIu64 " lines with %" PRIu64 " sentences sent in %" PRIu64
                 " datagrams in %.3f seconds",
                 replay->lines, replay->sentences, replay->sender.datagrams,
                 (double)(hy_now_ns() - replay->begin_ns) / (double)HY_SECOND);
    if (replay->options.loop) {
        (void)printf(", %" PRIu64 " times to the end", replay->rounds);
    }
    if (replay->skipped > 0) {
        (void)printf("; %" PRIu64 " lines too long for a datagram left out", replay->skipped);
    }
    (void)printf("\n");
}

static int run(const struct replay_options *options)
{
    static struct replay replay;
    struct hy_app app;
    int rc = hy_app_init(&app);

    if (rc < 0) {
        (void)fprintf(stderr, "halyard replay: %s\n", hy_last_error()->message);
        return EXIT_RUNTIME;
    }
    rc = start(&replay, options);
    if (rc < 0) {
        (void)fprintf(stderr, "halyard replay: %s\n", hy_last_error()->message);
        rc = EXIT_RUNTIME;
    } else {
        rc = hy_app_exec(&app) == 0 ? EXIT_SUCCESS : EXIT_RUNTIME;
        print_summary(&replay);
    }
    recording_close(replay.recording);
    (void)hy_object_fini(&replay.hy);
    hy_app_fini(&app);
    return rc;
}

static const char intro[] =
    "FILE --to ADDRESS:PORT\n"
    "\n"
    "Sends the lines of a recording over UDP, plain or gzip, unchanged: at the pace of the times\n"
    "in it (tag blocks, $PGHP lines and so on), or, where it has none, at --rate lines a second.\n"
    "Lines that share a second are spread over it. FILE may be \"-\" for standard input.\n"
    "\n"
    "  halyard replay recording.nmea.gz --to 127.0.0.1:10110 --speed 20\n"
    "\n"
    "Options:";

static int check(poptContext context, const char *to, const char *speed, const char *rate,
                 struct replay_options *options)
{
    options->path = poptGetArg(context);
    if (options->path == NULL) {
        return command_line_wrong("replay", "which FILE?");
    }
    if (poptPeekArg(context) != NULL) {
        return command_line_wrong("replay", "one FILE at a time: \"%s\" is too many",
                                  poptPeekArg(context));
    }
    if (options->loop && strcmp(options->path, "-") == 0) {
        return command_line_wrong("replay", "--loop: standard input comes only once");
    }
    options->speed = 1;
    options->rate = RECORDING_RATE;
    int result = command_line_address("replay", "--to", to, &options->to);
    if (result == 0 && speed != NULL && strcmp(speed, "max") == 0) {
        options->speed = 0;
    } else if (result == 0 && speed != NULL) {
        result = command_line_number("replay", "--speed", speed, 0, 1e6, &options->speed);
    }
    if (result == 0) {
        result = command_line_number("replay", "--rate", rate, 0, 1e6, &options->rate);
    }
    return result;
}

int command_replay(int argc, const char **argv)
{
    char *to = NULL;
    char *speed = NULL;
    char *rate = NULL;
    int loop = 0;
    const struct poptOption table[] = {
        {"to", 't', POPT_ARG_STRING, &to, 0, "where to send", "ADDRESS:PORT"},
        {"speed", 's', POPT_ARG_STRING, &speed, 0,
         "so many times as fast; \"max\": as fast as the socket takes it (default 1)", "N|max"},
        {"loop", 'l', POPT_ARG_NONE, &loop, 0, "begin again at the end, until Ctrl-C", NULL},
        {"rate", 'r', POPT_ARG_STRING, &rate, 0,
         "lines a second where nothing tells the time, at speed 1 (default 400)", "R"},
        POPT_AUTOHELP POPT_TABLEEND};
    struct replay_options options = {0};
    poptContext context;
    int result = command_line_read("replay", argc, argv, table, intro, &context);

    if (result == 0) {
        options.loop = loop != 0;
        result = check(context, to, speed, rate, &options);
        if (result == 0) {
            result = run(&options);
        }
        poptFreeContext(context);
    }
    free(to);
    free(speed);
    free(rate);
    return result;
}
