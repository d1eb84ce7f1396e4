/* SPDX-License-Identifier: MIT */
/* `halyard listen URL`: a WebSocket client that prints what it gets. One thread. */
#include "command_line.h"
#include "commands.h"

#include <errno.h>
#include <halyard/halyard.h>
#include <halyard/ws_client.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct listen {
    HY_INHERITS(hy_object);
    struct hy_ws_client client;
    const char *url;
    uint64_t messages;
    uint64_t count_max; /* 0: no end */
    bool is_opened;
};

static const struct hy_class listen_class = HY_CLASS(struct listen, .fini = NULL);

/* Standard output has gone: a closed pipe is an ordinary end. */
static void output_failed(void)
{
    if (errno == EPIPE) {
        hy_app_quit(0);
    } else {
        hy_app_fail(hy_error_set_system(errno, "cannot write to standard output"));
    }
}

static void client_message(struct listen *listen, const struct hy_ws_message *message)
{
    if (listen->count_max > 0 && listen->messages >= listen->count_max) {
        return;
    }
    listen->messages++;
    if (!message->is_text) {
        (void)printf("(%zu bytes of binary data)\n", message->size);
    } else {
        (void)fwrite(message->data, 1, message->size, stdout);
        (void)fputc('\n', stdout);
    }
    if (fflush(stdout) != 0) {
        output_failed();
    } else if (listen->messages == listen->count_max) {
        hy_app_quit(0);
    }
}

static void client_opened(struct listen *listen)
{
    listen->is_opened = true;
    hy_log(HY_LOG_INFO, "listen", "connected to %s", listen->url);
}

static void client_closed(struct listen *listen, const struct hy_ws_client_closed *closed)
{
    hy_log(HY_LOG_INFO, "listen", "%s closed the connection: code %u%s%s", listen->url,
           (unsigned)closed->code, closed->reason[0] != '\0' ? ", " : "", closed->reason);
    hy_app_quit(closed->is_clean ? 0 : EXIT_RUNTIME);
}

static void client_error(struct listen *listen, const struct hy_error *error)
{
    (void)listen; /* the message names the URL */
    hy_app_fail(hy_error_set(-error->code, "%s", error->message));
}

static int start(struct listen *listen)
{
    int rc = hy_object_init(&listen->hy, &listen_class, NULL);

    if (rc == 0) {
        rc = hy_ws_client_init(&listen->client, &listen->hy);
    }
    if (rc == 0) {
        rc = hy_connect(&listen->client.events.message, listen, client_message, HY_DIRECT);
    }
    if (rc == 0) {
        rc = hy_connect(&listen->client.events.opened, listen, client_opened, HY_DIRECT);
    }
    if (rc == 0) {
        rc = hy_connect(&listen->client.events.closed, listen, client_closed, HY_DIRECT);
    }
    if (rc == 0) {
        rc = hy_connect(&listen->client.events.error, listen, client_error, HY_DIRECT);
    }
    return rc == 0 ? hy_ws_client_connect(&listen->client, listen->url, NULL) : rc;
}

static int run(const char *url, uint64_t count_max)
{
    static struct listen listen;
    struct hy_app app;
    int rc = hy_app_init(&app);

    listen.url = url;
    listen.count_max = count_max;
    if (rc == 0) {
        rc = start(&listen);
        if (rc < 0) {
            (void)fprintf(stderr, "halyard listen: %s\n", hy_last_error()->message);
            rc = rc == -HY_EINVAL || rc == -HY_ENOTSUP ? EXIT_USAGE : EXIT_RUNTIME;
        } else {
            rc = hy_app_exec(&app) == 0 ? 0 : EXIT_RUNTIME;
        }
        (void)hy_object_fini(&listen.hy);
        hy_app_fini(&app);
        return rc;
    }
    (void)fprintf(stderr, "halyard listen: %s\n", hy_last_error()->message);
    return EXIT_RUNTIME;
}

static const char intro[] =
    "URL\n"
    "\n"
    "Connects to a WebSocket server and prints each text message on a line of its own, until the\n"
    "server closes or Ctrl-C.\n"
    "\n"
    "  halyard listen ws://127.0.0.1:8100/ws --count 1\n"
    "\n"
    "Options:";

int command_listen(int argc, const char **argv)
{
    char *count = NULL;
    int64_t count_max = 0;
    const struct poptOption table[] = {
        {"count", 'c', POPT_ARG_STRING, &count, 0, "end after N messages", "N"},
        POPT_AUTOHELP POPT_TABLEEND};
    poptContext context;
    int result = command_line_read("listen", argc, argv, table, intro, &context);

    if (result != 0) {
        free(count);
        return result;
    }
    const char *url = poptGetArg(context);
    if (url == NULL || poptPeekArg(context) != NULL) {
        result = command_line_wrong("listen", "one URL is needed, such as ws://127.0.0.1:8100/ws");
    } else {
        result = command_line_integer("listen", "--count", count, 1, INT64_MAX, &count_max);
        if (result == 0) {
            result = run(url, (uint64_t)count_max);
        }
    }
    free(count);
    poptFreeContext(context);
    return result;
}
