/* SPDX-License-Identifier: MIT */
/* system.h where arguments are UTF-8 and streams are bytes anyway. */
#include "system.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int system_start(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    return 0;
}

int system_open(const char *path)
{
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);

    if (descriptor < 0) {
        return -errno;
    }
    return descriptor;
}

int system_open_standard_input(void)
{
    int descriptor = dup(STDIN_FILENO);

    return descriptor < 0 ? -errno : descriptor;
}

void system_close(int descriptor)
{
    (void)close(descriptor);
}
