/* SPDX-License-Identifier: MIT */
/*
 * The server's side of the load client's protocol, without sockets: see ws_protocol.h.
 */
#include "ws_protocol.h"

#include "harness.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static size_t bytes_before;

bool bench_ws_is_echo(int argc, char **argv)
{
    if (argc != 2 || (strcmp(argv[1], "broadcast") != 0 && strcmp(argv[1], "echo") != 0)) {
        fprintf(stderr, "usage: %s broadcast|echo\n", argv[0]);
        _exit(2);
    }
    bench_raise_descriptor_limit();
    return strcmp(argv[1], "echo") == 0;
}

void bench_ws_announce(unsigned port)
{
    bytes_before = bench_memory_bytes();
    bench_announce(port);
}

void bench_ws_text(char *text, size_t size)
{
    static const char sample[] =
        "{\"t\":\"delta\",\"ships\":[{\"mmsi\":211234560,\"lat\":54.32187,\"lon\":10.13872,"
        "\"sog\":11.4,\"cog\":283.1,\"hdg\":281}]}";

    for (size_t i = 0; i < size; i++) {
        text[i] = sample[i % (sizeof sample - 1)];
    }
}

static int start_run(struct bench_ws_run *run, const char *text, size_t size)
{
    char line[64];
    size_t window = 0;

    if (size >= sizeof line) {
        return -1;
    }
    memcpy(line, text, size);
    line[size] = '\0';
    if (sscanf(line, "go %zu %zu %zu", &run->messages, &window, &run->size) != 3 ||
        run->size > BENCH_WS_SIZE_MAX || window > 1024) {
        return -1;
    }
    bench_ws_text(run->text, run->size);
    run->sent = window < run->messages ? window : run->messages;
    run->start_cpu_ns = bench_cpu_ns();
    return (int)run->sent;
}

int bench_ws_control(struct bench_ws_run *run, const char *text, size_t size)
{
    if (size == 1 && text[0] == 'a') {
        if (run->sent == run->messages) {
            return 0;
        }
        run->sent++;
        return 1;
    }
    if (size == 3 && memcmp(text, "end", 3) == 0) {
        printf("{\"cpu_ns\": %llu, \"bytes\": %lld}\n",
               (unsigned long long)(bench_cpu_ns() - run->start_cpu_ns),
               (long long)bench_memory_bytes() - (long long)bytes_before);
        fflush(stdout);
        return BENCH_WS_END;
    }

    int count = start_run(run, text, size);

    if (count < 0) {
        fprintf(stderr, "unexpected control message of %zu bytes: %.*s\n", size, (int)size, text);
        _exit(1);
    }
    return count;
}
