/* SPDX-License-Identifier: MIT */
/*
 * The subcommands. Each gets its own arguments, the command's name first, and returns the exit code
 * of the program. A new one is a line here and one in the table in main.c.
 */
#ifndef HALYARD_COMMANDS_H
#define HALYARD_COMMANDS_H

enum {
    EXIT_RUNTIME = 1, /* something failed while at work: a file, a socket, memory */
    EXIT_USAGE = 2,   /* the command line makes no sense */
};

int command_decode(int argc, const char **argv);
int command_listen(int argc, const char **argv);
int command_replay(int argc, const char **argv);
int command_serve(int argc, const char **argv);
int command_simulate(int argc, const char **argv);

#endif
