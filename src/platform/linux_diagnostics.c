/* SPDX-License-Identifier: MIT */
/* Linux: the file of a trace, and names of functions. */
#include "platform/platform.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int hy__file_create(const char *path, int *ret_file)
{
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (file < 0)
        return errno;
    *ret_file = file;
    return 0;
}

int hy__file_write(int file, const void *data, size_t size)
{
    const char *bytes = data;
    while (size > 0) {
        ssize_t written = write(file, bytes, size);
        if (written < 0 && errno != EINTR)
            return errno;
        if (written > 0) {
            bytes += written;
            size -= (size_t)written;
        }
    }
    return 0;
}

int hy__file_close(int file)
{
    return close(file) == 0 ? 0 : errno;
}

void hy__function_name(uintptr_t function, char *buffer, size_t size)
{
    Dl_info info;
    void *address;
    memcpy(&address, &function, sizeof address);
    if (dladdr(address, &info) == 0 || info.dli_fname == NULL) {
        snprintf(buffer, size, "%#lx", (unsigned long)function);
        return;
    }
    /* Else it is the one before, say of a static function. */
    if (info.dli_sname != NULL && info.dli_saddr == address) {
        snprintf(buffer, size, "%s", info.dli_sname);
        return;
    }
    const char *slash = strrchr(info.dli_fname, '/');
    snprintf(buffer, size, "%s+%#lx", slash != NULL ? slash + 1 : info.dli_fname,
             (unsigned long)(function - (uintptr_t)info.dli_fbase));
}

uint32_t hy__os_process_number(void)
{
    return (uint32_t)getpid();
}

void hy__os_thread_block_signals(void)
{
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
}
