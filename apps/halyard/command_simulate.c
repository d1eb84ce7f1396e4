/* SPDX-License-Identifier: MIT */
/* `halyard simulate`: a fleet whose messages go out over UDP when they are due. One thread. */
#include "command_line.h"
#include "commands.h"
#include "fleet.h"
#include "sender.h"

#include <halyard/halyard.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* What is due within one of these goes out together, also in one datagram. */
#define TICK_NS (20 * HY_MILLISECOND)
/* After so many messages the loop gets its turn, also where the fleet cannot keep up. */
#define TURN_MESSAGES 5000

struct simulate_options {
    struct hy_address to;
    struct fleet_options fleet;
    uint64_t count; /* messages; 0: no end */
    bool tag;
};

struct simulate {
    HY_INHERITS(hy_object);
    struct hy_timer timer;
    struct sender sender;
    struct fleet *fleet;
    int64_t start_ns;
    uint64_t count_max;
    uint64_t messages, sentences;
    int64_t start_s;
    bool tag;
    bool is_waiting; /* for the socket */
    /* A message that the sender had no room for. */
    char text[AIS_ENCODED_MAX * 2];
    size_t text_size;
};

static const struct hy_class simulate_class = HY_CLASS(struct simulate, .fini = NULL);

/* A tag block before each sentence, or only the sentences. */
static size_t put_sentences(struct simulate *simulate, const char *sentences, int64_t time_s)
{
    char body[48];
    unsigned sum = 0;
    size_t used = 0;

    (void)snprintf(body, sizeof(body), "s:SIMULATOR,c:%" PRId64, time_s);
    for (const char *c = body; *c != '\0'; c++) {
        sum ^= (unsigned char)*c;
    }
    for (const char *c = sentences; *c != '\0'; c++) {
        if (*c == '!') {
            simulate->sentences++;
            if (simulate->tag) {
                used += (size_t)snprintf(simulate->text + used, sizeof(simulate->text) - used,
                                         "\\%s*%02X\\", body, sum);
            }
        }
        simulate->text[used++] = *c;
    }
    return used;
}

static int encode(struct simulate *simulate, const struct fleet_report *report)
{
    char sentences[AIS_ENCODED_MAX];
    int size = ais_encode(&report->message, &report->encoding, sentences, sizeof(sentences));

    if (size < 0) {
        return hy_error_set(-HY_EINVAL, "a message of type %d cannot be encoded",
                            (int)report->message.type);
    }
    simulate->messages++;
    simulate->text_size =
        put_sentences(simulate, sentences, simulate->start_s + report->due_ns / HY_SECOND);
    return 0;
}

static bool is_done(const struct simulate *simulate)
{
    return simulate->count_max > 0 && simulate->messages >= simulate->count_max;
}

/*
 * Collects what is due. Returns 1 when more is due already, 0 when not, or an error; -HY_EAGAIN:
 * the socket takes no more for now.
 */
static int collect(struct simulate *simulate, int64_t now_ns)
{
    for (int turn = 0; turn < TURN_MESSAGES; turn++) {
        struct fleet_report report;
        int rc = 0;

        if (simulate->text_size == 0) {
            if (is_done(simulate) || !fleet_next(simulate->fleet, now_ns, &report)) {
                return 0;
            }
            rc = encode(simulate, &report);
        }
        if (rc == 0 && !sender_add(&simulate->sender, simulate->text, simulate->text_size, true)) {
            rc = sender_flush(&simulate->sender);
            if (rc == 0) {
                continue;
            }
        }
        if (rc < 0) {
            return rc;
        }
        simulate->text_size = 0;
    }
    return 1;
}

static int plan_next(struct simulate *simulate, bool more, int64_t now_ns)
{
    int64_t wait_ns = fleet_next_ns(simulate->fleet) - now_ns;

    if (more) {
        return hy_timer_start_once(&simulate->timer, 0);
    }
    return hy_timer_start_once(&simulate->timer, wait_ns > TICK_NS ? wait_ns : TICK_NS);
}

static void run_turn(struct simulate *simulate)
{
    int64_t now_ns = hy_now_ns() - simulate->start_ns;
    int more = collect(simulate, now_ns);
    int rc = more >= 0 ? sender_flush(&simulate->sender) : more;

    simulate->is_waiting = rc == -HY_EAGAIN;
    if (simulate->is_waiting) {
        return;
    }
    if (rc == 0 && is_done(simulate) && simulate->text_size == 0) {
        hy_app_quit(0);
        return;
    }
    if (rc == 0) {
        rc = plan_next(simulate, more > 0, now_ns);
    }
    if (rc < 0) {
        hy_app_fail(rc);
    }
}

static void socket_writable(struct simulate *simulate)
{
    if (simulate->is_waiting) {
        run_turn(simulate);
    }
}

static int start(struct simulate *simulate, const struct simulate_options *options)
{
    int rc = hy_object_init(&simulate->hy, &simulate_class, NULL);

    if (rc == 0) {
        rc = hy_timer_init(&simulate->timer, &simulate->hy);
    }
    if (rc == 0) {
        rc = sender_init(&simulate->sender, &simulate->hy, &options->to);
    }
    if (rc == 0) {
        rc = fleet_create(&options->fleet, &simulate->fleet);
    }
    if (rc == 0) {
        rc = hy_connect(&simulate->timer.events.timeout, simulate, run_turn, HY_DIRECT);
    }
    if (rc == 0) {
        rc = hy_connect(&simulate->sender.socket.events.writable, simulate, socket_writable,
                        HY_DIRECT);
    }
    simulate->start_ns = hy_now_ns();
    simulate->start_s = options->fleet.start_s;
    simulate->count_max = options->count;
    simulate->tag = options->tag;
    return rc == 0 ? hy_timer_start_once(&simulate->timer, 0) : rc;
}

static int run(const struct simulate_options *options)
{
    static struct simulate simulate;
    struct hy_app app;
    int rc = hy_app_init(&app);

    if (rc < 0) {
        (void)fprintf(stderr, "halyard simulate: %s\n", hy_last_error()->message);
        return EXIT_RUNTIME;
    }
    rc = start(&simulate, options);
    if (rc < 0) {
        (void)fprintf(stderr, "halyard simulate: %s\n", hy_last_error()->message);
        rc = EXIT_RUNTIME;
    } else {
        rc = hy_app_exec(&app) == 0 ? EXIT_SUCCESS : EXIT_RUNTIME;
        (void)printf("halyard simulate: %" PRIu64 " sentences of %" PRIu64 " messages in %" PRIu64
                     " datagrams sent by %zu stations, %zu of them ships\n",
                     simulate.sentences, simulate.messages, simulate.sender.datagrams,
                     fleet_station_count(simulate.fleet), options->fleet.ships);
    }
    fleet_destroy(simulate.fleet);
    (void)hy_object_fini(&simulate.hy);
    hy_app_fini(&app);
    return rc;
}

static const char intro[] =
    "--ships N --to ADDRESS:PORT\n"
    "\n"
    "Sails a fleet of N invented ships from the Elbe to the Channel, Norway and the Baltic, and\n"
    "sends what their AIS transponders would say, as AIVDM sentences over UDP, until Ctrl-C. "
    "Every\n"
    "station reports as often as the standard asks: 250 ships make about 20 sentences a second.\n"
    "Buoys, base stations and SAR aircraft come on top of N.\n"
    "\n"
    "  halyard simulate --ships 250 --to 127.0.0.1:10110\n"
    "\n"
    "Options:";

static int check(int ships, int count, const char *rate, const char *to,
                 struct simulate_options *options)
{
    if (ships < 1 || ships > FLEET_SHIPS_MAX) {
        return command_line_wrong("simulate", "--ships: give a number from 1 to %d",
                                  FLEET_SHIPS_MAX);
    }
    if (count < 0) {
        return command_line_wrong("simulate", "--count: give a number above 0");
    }
    options->fleet.ships = (size_t)ships;
    options->count = (uint64_t)count;
    options->fleet.rate = 1;
    int result = command_line_address("simulate", "--to", to, &options->to);
    if (result == 0 && rate != NULL) {
        result =
            command_line_number("simulate", "--rate", rate, 0.001, 100000, &options->fleet.rate);
    }
    return result;
}

int command_simulate(int argc, const char **argv)
{
    int ships = 250;
    int count = 0;
    int tag = 0;
    long seed = 1;
    char *to = NULL;
    char *rate = NULL;
    const struct poptOption table[] = {
        {"ships", 'n', POPT_ARG_INT, &ships, 0, "ships, Class A and B together (default 250)", "N"},
        {"to", 't', POPT_ARG_STRING, &to, 0, "where to send", "ADDRESS:PORT"},
        {"rate", 'r', POPT_ARG_STRING, &rate, 0,
         "report R times as often; the ships move no faster (default 1)", "R"},
        {"seed", 's', POPT_ARG_LONG, &seed, 0, "another number, another fleet (default 1)", "S"},
        {"count", 'c', POPT_ARG_INT, &count, 0, "end after M messages", "M"},
        {"tag", 0, POPT_ARG_NONE, &tag, 0, "put a tag block with the time before each sentence",
         NULL},
        POPT_AUTOHELP POPT_TABLEEND};
    struct simulate_options options = {.fleet.start_s = (int64_t)time(NULL)};
    poptContext context;
    int result = command_line_read("simulate", argc, argv, table, intro, &context);

    if (result == 0) {
        const char *extra = poptGetArg(context);

        result = extra != NULL ? command_line_wrong("simulate",
                                                    "what is \"%s\"? There are only options", extra)
                               : check(ships, count, rate, to, &options);
        poptFreeContext(context);
    }
    if (result == 0) {
        options.fleet.seed = (uint64_t)seed;
        options.tag = tag != 0;
        result = run(&options);
    }
    free(to);
    free(rate);
    return result;
}
