/* SPDX-License-Identifier: MIT */
/*
 * `halyard serve`: three threads. "udp" receives and decodes, the main thread tracks, "web" serves
 * page and WebSocket. Everything that crosses is a signal, or a call that any thread may make.
 */
#include "command_line.h"
#include "commands.h"
#include "gateway.h"
#include "receiver.h"

#include <stdio.h>
#include <stdlib.h>
#include <web_assets.h>

/* Clients get so long to answer Close 1001 before they are cut. */
#define CLOSE_TIMEOUT_NS (400 * HY_MILLISECOND)

static const char page_policy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'";

struct serve_options {
    char **udp; /* ends with NULL; owned, as http */
    size_t udp_count;
    char *http;
    double stale_s, remove_s, interval_ms;
};

/* The web server and what belongs to it; lives in the thread "web". */
struct web {
    HY_INHERITS(hy_object);
    struct hy_ws_server server;
    const char *address;
};
static const struct hy_class web_class = HY_CLASS(struct web, .fini = NULL);

/* --- options --------------------------------------------------------------------------------- */

static char every_ipv4[] = "0.0.0.0:10110", every_ipv6[] = "[::]:10110";
static char *default_udp[] = {every_ipv4, every_ipv6, NULL};
static char default_http[] = "127.0.0.1:8100";

struct serve_texts {
    char *stale, *remove, *interval;
};

/* Port 0 is allowed here: the system chooses. */
static int check_address(const char *option, const char *text)
{
    struct hy_address address;
    if (hy_address_parse(text, &address) == 0)
        return 0;
    return command_line_wrong("serve", "%s: %s", option, hy_last_error()->message);
}

static int check_options(struct serve_options *options, const struct serve_texts *texts)
{
    int rc = check_address("--http", options->http);
    while (rc == 0 && options->udp[options->udp_count] != NULL)
        rc = check_address("--udp", options->udp[options->udp_count++]);
    if (rc == 0 && options->udp_count > RECEIVER_SOCKETS_MAX)
        rc = command_line_wrong("serve", "--udp: given more than %d times", RECEIVER_SOCKETS_MAX);
    if (rc == 0 && texts->stale != NULL)
        rc = command_line_number("serve", "--stale", texts->stale, 0, 86400, &options->stale_s);
    if (rc == 0 && texts->remove != NULL)
        rc = command_line_number("serve", "--remove", texts->remove, 0, 86400, &options->remove_s);
    if (rc == 0 && texts->interval != NULL)
        rc = command_line_number("serve", "--interval", texts->interval, 10, 60000,
                                 &options->interval_ms);
    if (rc == 0 && options->remove_s < options->stale_s)
        rc = command_line_wrong("serve", "--remove must not be below --stale");
    return rc;
}

static void free_texts(struct serve_texts *texts)
{
    free(texts->stale);
    free(texts->remove);
    free(texts->interval);
}

/* 0 or an exit code. */
static int read_options(int argc, const char **argv, struct serve_options *options)
{
    struct serve_texts texts = {NULL, NULL, NULL};
    int verbose = 0;
    const struct poptOption table[] = {
        {"udp", 'u', POPT_ARG_ARGV, &options->udp, 0,
         "listen for AIS sentences here; repeatable (default: 0.0.0.0:10110 and [::]:10110)",
         "ADDRESS:PORT"},
        {"http", 'w', POPT_ARG_STRING, &options->http, 0,
         "serve page, JSON and WebSocket here (default: 127.0.0.1:8100)", "ADDRESS:PORT"},
        {"stale", 0, POPT_ARG_STRING, &texts.stale, 0,
         "show a vessel grey when unheard for so long (default: 480)", "SECONDS"},
        {"remove", 0, POPT_ARG_STRING, &texts.remove, 0,
         "remove a vessel unheard for so long (default: 1800)", "SECONDS"},
        {"interval", 0, POPT_ARG_STRING, &texts.interval, 0,
         "time between updates to the browsers (default: 500)", "MILLISECONDS"},
        {"verbose", 'v', POPT_ARG_NONE, &verbose, 0, "log more", NULL},
        POPT_AUTOHELP POPT_TABLEEND};
    poptContext context;
    int rc = command_line_read("serve", argc, argv, table,
                               "[OPTION...]\n\nReceives AIS over UDP and shows the ships live in a "
                               "browser. Stops on Ctrl-C.\n",
                               &context);
    if (rc != 0)
        return rc;
    if (poptPeekArg(context) != NULL)
        rc = command_line_wrong("serve", "\"%s\" is no option", poptPeekArg(context));
    poptFreeContext(context);
    if (options->udp == NULL)
        options->udp = default_udp;
    if (options->http == NULL)
        options->http = default_http;
    if (rc == 0)
        rc = check_options(options, &texts);
    free_texts(&texts);
    if (verbose != 0)
        hy_log_set_level(HY_LOG_DEBUG);
    return rc;
}

static void free_options(struct serve_options *options)
{
    if (options->udp != default_udp) {
        for (char **address = options->udp; address != NULL && *address != NULL; address++)
            free(*address);
        free(options->udp);
    }
    if (options->http != default_http)
        free(options->http);
}

/* --- the web thread --- */

static int add_pages(struct hy_ws_server *server)
{
    int rc = 0;
    for (size_t i = 0; i < web_assets_count && rc == 0; i++) {
        const struct web_asset *asset = &web_assets[i];
        const struct hy_ws_page page = {
            .path = asset->path,
            .content_type = asset->content_type,
            .cache_control = asset->cache_control,
            .content_security_policy = page_policy,
            .data = asset->data,
            .size = asset->size,
            .gzip_data = asset->gzip_data,
            .gzip_size = asset->gzip_size,
        };
        rc = hy_ws_server_add_page(server, &page);
    }
    return rc;
}

static int web_init(struct web *web, const char *address)
{
    struct hy_ws_server_options options = hy_ws_server_options_default();
    /* A browser that does not keep up is sent away, and comes again for a fresh snapshot. */
    options.policy = HY_WS_DISCONNECT;
    options.queue_limit = 8u << 20;
    options.message_limit = 4096;
    options.close_timeout_ns = CLOSE_TIMEOUT_NS;
    int rc = hy_object_init(&web->hy, &web_class, NULL);
    web->address = address;
    (void)hy_object_set_name(&web->hy, "web");
    if (rc == 0)
        rc = hy_ws_server_init(&web->server, &web->hy);
    if (rc == 0)
        rc = hy_ws_server_set_options(&web->server, &options);
    if (rc == 0)
        rc = add_pages(&web->server);
    return rc;
}

static void web_start(struct web *web)
{
    int rc = hy_ws_server_listen(&web->server, web->address, 0);
    if (rc < 0) {
        hy_app_fail(hy_error_set(rc, "--http: %s", hy_last_error()->message));
        return;
    }
    hy_log(HY_LOG_INFO, "web", "the page is at http://%s/", hy_ws_server_address(&web->server));
}

/* --- the whole --- */

struct serve {
    HY_INHERITS(hy_object);
    struct hy_app app;
    struct hy_thread udp_thread, web_thread;
    struct receiver receiver;
    struct web web;
    struct gateway gateway;
    struct hy_loop closing; /* runs while clients say goodbye */
};
static const struct hy_class serve_class = HY_CLASS(struct serve, .fini = NULL);

static void closing_ends(struct serve *serve)
{
    hy_loop_quit(&serve->closing, 0);
}

/*
 * All threads still run: the clients get Close 1001 and a moment to answer. The delayed call is for
 * a server that cannot say `closed`: the end must come all the same.
 */
static void app_about_to_quit(struct serve *serve)
{
    struct hy_ws_server *server = &serve->web.server;
    if (hy_ws_server_port(server) == 0 || hy_loop_init(&serve->closing) < 0)
        return;
    if (hy_connect(&server->events.closed, serve, closing_ends, HY_QUEUED) == 0 &&
        hy_after(2 * CLOSE_TIMEOUT_NS, serve, closing_ends) == 0 && hy_ws_server_close(server) == 0)
        (void)hy_loop_exec(&serve->closing, 0);
}

static int make_parts(struct serve *serve, const struct serve_options *options)
{
    const struct gateway_options gateway_options = {
        .stale_ns = (int64_t)(options->stale_s * (double)HY_SECOND),
        .remove_ns = (int64_t)(options->remove_s * (double)HY_SECOND),
        .interval_ns = (int64_t)(options->interval_ms * (double)HY_MILLISECOND),
    };
    int rc = hy_object_init(&serve->hy, &serve_class, NULL);
    if (rc == 0)
        rc = hy_thread_init(&serve->udp_thread, "udp", &serve->hy);
    if (rc == 0)
        rc = hy_thread_init(&serve->web_thread, "web", &serve->hy);
    if (rc == 0)
        rc = receiver_init(&serve->receiver, (const char *const *)options->udp, options->udp_count);
    serve->receiver.may_lack_family = options->udp == default_udp;
    if (rc == 0)
        rc = web_init(&serve->web, options->http);
    if (rc == 0)
        rc = gateway_init(&serve->gateway, &serve->receiver, &serve->web.server, &gateway_options);
    return rc;
}

static int start_parts(struct serve *serve)
{
    struct receiver *receiver = &serve->receiver;
    struct web *web = &serve->web;
    int rc = hy_connect(&serve->udp_thread.events.started, receiver, receiver_start, HY_AUTO);
    if (rc == 0)
        rc = hy_connect(&serve->udp_thread.events.finished, receiver, receiver_finish, HY_AUTO);
    if (rc == 0)
        rc = hy_connect(&serve->web_thread.events.started, web, web_start, HY_AUTO);
    if (rc == 0)
        rc = hy_connect(&serve->app.events.about_to_quit, serve, app_about_to_quit, HY_DIRECT);
    if (rc == 0)
        rc = hy_object_move_to_thread(&receiver->hy, &serve->udp_thread);
    if (rc == 0)
        rc = hy_object_move_to_thread(&web->hy, &serve->web_thread);
    if (rc == 0)
        rc = hy_thread_start(&serve->web_thread);
    if (rc == 0)
        rc = hy_thread_start(&serve->udp_thread);
    return rc;
}

static int run(const struct serve_options *options)
{
    static struct serve serve; /* large, and one a program */
    int rc = hy_app_init(&serve.app);
    if (rc == 0)
        rc = make_parts(&serve, options);
    if (rc == 0)
        rc = start_parts(&serve);
    if (rc < 0) {
        (void)fprintf(stderr, "halyard serve: %s\n", hy_last_error()->message);
        return EXIT_RUNTIME;
    }
    rc = hy_app_exec(&serve.app);
    /* The threads have ended; receiver and web with them. */
    if (rc == 0)
        gateway_print_summary(&serve.gateway);
    gateway_fini(&serve.gateway);
    hy_object_fini(&serve.hy);
    hy_app_fini(&serve.app);
    return rc == 0 ? EXIT_SUCCESS : EXIT_RUNTIME;
}

int command_serve(int argc, const char **argv)
{
    struct serve_options options = {.stale_s = 480, .remove_s = 1800, .interval_ms = 500};
    int rc = read_options(argc, argv, &options);
    if (rc == 0)
        rc = run(&options);
    free_options(&options);
    return rc;
}
