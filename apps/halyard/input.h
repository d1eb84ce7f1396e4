/* SPDX-License-Identifier: MIT */
/*
 * Lines from a plain or gzip file, or from standard input. Bounded memory: a line longer than the
 * limit is handed out in pieces.
 */
#ifndef HALYARD_INPUT_H
#define HALYARD_INPUT_H

#include <stddef.h>

enum {
    INPUT_LINE_MAX = 64 * 1024, /* longest piece of a line, its line end included */
};

struct input; /* opaque */

/*
 * Opens `path`, or standard input if it is "-". Whether the contents are compressed is told by
 * their first bytes. Returns 0 and sets `ret_input`, which the caller closes; or a negative errno
 * code.
 */
int input_open(const char *path, struct input **ret_input);

/*
 * Reads the next line. `ret_line` is valid until the next call and includes the line end, if there
 * is one; it is not terminated. Returns its size (above 0), 0 at the end, or a negative errno code:
 * -EILSEQ for damaged gzip data, -EPIPE for gzip data that breaks off.
 */
ptrdiff_t input_line(struct input *input, const char **ret_line);

/* What such an error code means, for a person. */
const char *input_error_text(int error);

/* Closes the file. NULL is fine. */
void input_close(struct input *input);

#endif
