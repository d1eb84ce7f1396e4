/* SPDX-License-Identifier: MIT */
/* The environment, as POSIX changes it. See unistd.h. */
#ifndef TESTS_WINDOWS_STDLIB_H
#define TESTS_WINDOWS_STDLIB_H

#include_next <stdlib.h>

static inline int setenv(const char *name, const char *value, int overwrite)
{
    return overwrite == 0 && getenv(name) != NULL ? 0 : _putenv_s(name, value);
}

static inline int unsetenv(const char *name)
{
    return _putenv_s(name, "");
}

#endif
