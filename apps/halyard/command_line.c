/* SPDX-License-Identifier: MIT */
/* The command line: popt finds the options, what they say is read here. */
#include "command_line.h"

#include "commands.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

int command_line_read(const char *command, int argc, const char **argv,
                      const struct poptOption *options, const char *intro, poptContext *ret_context)
{
    static char name[64]; /* outlives the context */

    (void)snprintf(name, sizeof(name), "halyard %s", command);
    argv[0] = name; /* what --help calls the program */
    poptContext context = poptGetContext(name, argc, argv, options, 0);
    if (context == NULL) {
        (void)fprintf(stderr, "halyard %s: out of memory\n", command);
        return EXIT_RUNTIME;
    }
    poptSetOtherOptionHelp(context, intro);
    int code = poptGetNextOpt(context);
    if (code < -1) {
        int result = command_line_wrong(
            command, "%s: %s", poptBadOption(context, POPT_BADOPTION_NOALIAS), poptStrerror(code));

        poptFreeContext(context);
        return result;
    }
    *ret_context = context;
    return 0;
}

int command_line_wrong(const char *command, const char *format, ...)
{
    va_list arguments;

    (void)fprintf(stderr, "halyard %s: ", command);
    va_start(arguments, format);
    (void)vfprintf(stderr, format, arguments);
    va_end(arguments);
    (void)fprintf(stderr, "\nTry `halyard %s --help`.\n", command);
    return EXIT_USAGE;
}

int command_line_address(const char *command, const char *option, const char *text,
                         struct hy_address *ret_address)
{
    if (text == NULL) {
        return command_line_wrong(command, "%s is missing: where to send, such as 127.0.0.1:10110",
                                  option);
    }
    if (hy_address_parse(text, ret_address) < 0) {
        return command_line_wrong(command, "%s: %s", option, hy_last_error()->message);
    }
    if (hy_address_port(ret_address) == 0) {
        return command_line_wrong(command, "%s: port 0 cannot be sent to", option);
    }
    return 0;
}

int command_line_number(const char *command, const char *option, const char *text, double low,
                        double high, double *ret_number)
{
    char *end;

    if (text == NULL) {
        return 0;
    }
    double number = strtod(text, &end);
    /* Also false for what is no number. */
    bool is_within = number > low && number <= high;
    if (end == text || *end != '\0' || !is_within) {
        return command_line_wrong(command, "%s: \"%s\" is not a number above %g and up to %g",
                                  option, text, low, high);
    }
    *ret_number = number;
    return 0;
}

int command_line_integer(const char *command, const char *option, const char *text, int64_t low,
                         int64_t high, int64_t *ret_number)
{
    char *end;

    if (text == NULL) {
        return 0;
    }
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0 || number < low || number > high) {
        return command_line_wrong(command,
                                  "%s: \"%s\" is not a whole number from %" PRId64 " to %" PRId64,
                                  option, text, low, high);
    }
    *ret_number = number;
    return 0;
}
