/* SPDX-License-Identifier: MIT */
/* Log lines: level and thread name first, one write each, so that lines of several threads do not
 * mix. */
#include "core/internal.h"

#include <stdio.h>

enum {
    LINE_MAX_BYTES = 1000
};

static int threshold = HY_LOG_INFO;
static hy_log_handler current_handler;

void hy_log_set_level(enum hy_log_level level)
{
    /* Relaxed: a line more or less around the change does not matter. */
    __atomic_store_n(&threshold, (int)level, __ATOMIC_RELAXED);
}

void hy_log_set_handler(hy_log_handler handler)
{
    /* Release and acquire: the handler's data was written before. */
    __atomic_store_n(&current_handler, handler, __ATOMIC_RELEASE);
}

static void write_to_stderr(enum hy_log_level level, const char *category, const char *message)
{
    static const char *const levels[] = {"debug", "info", "warning", "error"};
    struct hy_thread_record *record = hy__record_if_any();
    unsigned last = sizeof levels / sizeof levels[0] - 1;
    fprintf(stderr, "%-7s [%s] %s: %s\n", levels[(unsigned)level < last ? (unsigned)level : last],
            record != NULL ? record->name : "-", category, message);
}

void hy_log(enum hy_log_level level, const char *category, const char *format, ...)
{
    if ((int)level < __atomic_load_n(&threshold, __ATOMIC_RELAXED))
        return;
    char message[LINE_MAX_BYTES + 1];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    hy_log_handler handler = __atomic_load_n(&current_handler, __ATOMIC_ACQUIRE);
    (handler != NULL ? handler : write_to_stderr)(level, category, message);
}
