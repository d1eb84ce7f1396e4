/* SPDX-License-Identifier: MIT */
/* `halyard COMMAND [OPTIONS]`: finds the command in the table and hands over. */
#include "commands.h"
#include "system.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef HALYARD_VERSION
#define HALYARD_VERSION "unknown"
#endif

struct command {
    const char *name;
    int (*run)(int argc, const char **argv);
    const char *summary;
};

static const struct command commands[] = {
    {"serve", command_serve, "receive AIS over UDP and show the ships live in a browser"},
    {"decode", command_decode, "turn AIS sentences from files into JSON lines"},
    {"listen", command_listen, "print what a WebSocket server sends"},
    {"replay", command_replay, "send a recording over UDP, at its own pace or faster"},
    {"simulate", command_simulate, "sail a fleet and send its sentences over UDP"},
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static void print_help(FILE *out)
{
    (void)fputs("Usage: halyard COMMAND [OPTION...]\n"
                "\n"
                "An AIS gateway: ship positions in over UDP, out to browsers over WebSocket.\n"
                "\n"
                "Commands:\n",
                out);
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        (void)fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].summary);
    }
    (void)fputs("\n"
                "`halyard COMMAND --help` explains a command and its options.\n"
                "\n"
                "  --help     this text\n"
                "  --version  version of the program\n"
                "\n"
                "Exit codes: 0 done, 1 something failed while at work, 2 wrong usage.\n",
                out);
}

int main(int argc, char **argv)
{
    if (system_start(&argc, &argv) < 0) {
        (void)fputs("halyard: out of memory\n", stderr);
        return EXIT_RUNTIME;
    }
    if (argc < 2) {
        print_help(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0) {
        print_help(stdout);
        return EXIT_SUCCESS;
    }
    if (strcmp(argv[1], "--version") == 0) {
        (void)printf("halyard %s\n", HALYARD_VERSION);
        return EXIT_SUCCESS;
    }
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(argv[1], commands[i].name) == 0) {
            return commands[i].run(argc - 1, (const char **)(void *)(argv + 1));
        }
    }
    (void)fprintf(stderr, "halyard: no command \"%s\"; `halyard --help` lists them\n", argv[1]);
    return EXIT_USAGE;
}
