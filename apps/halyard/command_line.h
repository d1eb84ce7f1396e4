/* SPDX-License-Identifier: MIT */
/* What the commands with options share: popt with errors that name the option. */
#ifndef HALYARD_COMMAND_LINE_H
#define HALYARD_COMMAND_LINE_H

#include <halyard/address.h>
#include <popt.h>

/*
 * Reads all options of `argv` into the variables of `options`; `intro` is the text above them in
 * --help. Returns 0 and the context, which the caller frees, or an exit code: then it was told.
 */
int command_line_read(const char *command, int argc, const char **argv,
                      const struct poptOption *options, const char *intro,
                      poptContext *ret_context);

/* Tells on standard error what is wrong with the command line. Returns EXIT_USAGE. */
int command_line_wrong(const char *command, const char *format, ...) HY_PRINTF(2, 3);

/* Reads an address given to an option; NULL is an option not given. Returns 0 or an exit code. */
int command_line_address(const char *command, const char *option, const char *text,
                         struct hy_address *ret_address);

/* A number above `low` and up to `high`. Returns 0 or an exit code. */
int command_line_number(const char *command, const char *option, const char *text, double low,
                        double high, double *ret_number);

#endif
