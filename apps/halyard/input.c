/* SPDX-License-Identifier: MIT */
/*
 * One buffer of twice the line limit: it is filled by zlib, which passes plain data through, and
 * lines are slices of it. What is left of a line moves to the front when the buffer is filled
 * again.
 */
#include "input.h"

#include "system.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum {
    BUFFER_SIZE = 2 * INPUT_LINE_MAX,
};

struct input {
    gzFile file;
    size_t start; /* of what was not handed out yet */
    size_t end;
    int at_end;
    char buffer[BUFFER_SIZE];
};

int input_open(const char *path, struct input **ret_input)
{
    struct input *input = malloc(sizeof(*input));

    if (input == NULL) {
        return -ENOMEM;
    }
    int descriptor = strcmp(path, "-") == 0 ? system_open_standard_input() : system_open(path);
    if (descriptor < 0) {
        free(input);
        return descriptor;
    }
    input->file = gzdopen(descriptor, "rb");
    if (input->file == NULL) {
        system_close(descriptor);
        free(input);
        return -ENOMEM;
    }
    input->start = 0;
    input->end = 0;
    input->at_end = 0;
    *ret_input = input;
    return 0;
}

static int read_error(struct input *input)
{
    int code = Z_OK;

    (void)gzerror(input->file, &code);
    switch (code) {
    case Z_ERRNO:
        return errno != 0 ? -errno : -EIO;
    case Z_MEM_ERROR:
        return -ENOMEM;
    case Z_BUF_ERROR:
        return -EPIPE;
    default:
        return -EILSEQ;
    }
}

/* Returns 1 with more in the buffer, 0 at the end, or an error. */
static int fill(struct input *input)
{
    memmove(input->buffer, input->buffer + input->start, input->end - input->start);
    input->end -= input->start;
    input->start = 0;
    errno = 0;
    int size =
        gzread(input->file, input->buffer + input->end, (unsigned)(BUFFER_SIZE - input->end));
    if (size < 0) {
        return read_error(input);
    }
    if (size == 0) {
        int code = Z_OK;

        input->at_end = 1;
        (void)gzerror(input->file, &code);
        return code == Z_BUF_ERROR ? -EPIPE : 0;
    }
    input->end += (size_t)size;
    return 1;
}

ptrdiff_t input_line(struct input *input, const char **ret_line)
{
    size_t searched = 0;

    for (;;) {
        const char *first = input->buffer + input->start;
        size_t size = input->end - input->start;
        const char *end = size > searched ? memchr(first + searched, '\n', size - searched) : NULL;

        if (end != NULL) {
            size = (size_t)(end - first) + 1;
        }
        if (size > INPUT_LINE_MAX) {
            size = INPUT_LINE_MAX;
            end = first;
        }
        if (end != NULL || (input->at_end && size > 0)) {
            *ret_line = first;
            input->start += size;
            return (ptrdiff_t)size;
        }
        if (input->at_end) {
            return 0;
        }
        searched = size;
        int more = fill(input);
        if (more < 0) {
            return more;
        }
    }
}

const char *input_error_text(int error)
{
    return error == -EILSEQ  ? "damaged gzip data"
           : error == -EPIPE ? "the gzip data breaks off before its end"
                             : strerror(-error);
}

void input_close(struct input *input)
{
    if (input != NULL) {
        (void)gzclose(input->file);
        free(input);
    }
}
