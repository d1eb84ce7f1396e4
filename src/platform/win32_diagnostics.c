/* SPDX-License-Identifier: MIT */
/* Windows: the file of a trace, and names of functions. */
#include "platform/platform.h"

#include <windows.h>

#include <errno.h>
#include <fcntl.h>
#include <io.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

int hy__file_create(const char *path, int *ret_file)
{
    int file = _open(path, _O_WRONLY | _O_CREAT | _O_TRUNC | _O_BINARY | _O_NOINHERIT,
                     _S_IREAD | _S_IWRITE);
    if (file < 0)
        return errno;
    *ret_file = file;
    return 0;
}

int hy__file_write(int file, const void *data, size_t size)
{
    const char *bytes = data;
    while (size > 0) {
        int written = _write(file, bytes, size < INT_MAX ? (unsigned)size : (unsigned)INT_MAX);
        if (written < 0)
            return errno;
        bytes += written;
        size -= (size_t)written;
    }
    return 0;
}

int hy__file_close(int file)
{
    return _close(file) == 0 ? 0 : errno;
}

/* The system knows exported names only, and has no quick way to them: file and place always. */
void hy__function_name(uintptr_t function, char *buffer, size_t size)
{
    HMODULE module = NULL;
    char path[MAX_PATH];
    if (!GetModuleHandleExA(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS |
                                GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT,
                            (LPCSTR)function, &module) ||
        GetModuleFileNameA(module, path, sizeof path) == 0) {
        snprintf(buffer, size, "%#llx", (unsigned long long)function);
        return;
    }
    path[sizeof path - 1] = '\0';
    const char *slash = strrchr(path, '\\');
    snprintf(buffer, size, "%s+%#llx", slash != NULL ? slash + 1 : path,
             (unsigned long long)(function - (uintptr_t)module));
}

uint32_t hy__os_process_number(void)
{
    return (uint32_t)GetCurrentProcessId();
}

void hy__os_thread_block_signals(void)
{
    /* Windows tells of console events in a thread of its own. */
}
