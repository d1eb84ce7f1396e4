/* SPDX-License-Identifier: MIT */
/*
 * Log lines with a level, a category and the name of the thread. By default they go to standard
 * error, from HY_LOG_INFO up.
 *
 * The core itself speaks under these categories: "thread" (debug: start and end), "move" (debug:
 * objects that move), "message" (debug: what is dropped), "loop", "notifier", "pool" (debug:
 * threads that come and go) and "log".
 */
#ifndef HALYARD_LOG_H
#define HALYARD_LOG_H

#include <halyard/base.h>

HY_BEGIN_DECLS

/* In rising order. */
enum hy_log_level {
    HY_LOG_DEBUG,
    HY_LOG_INFO,
    HY_LOG_WARNING,
    HY_LOG_ERROR
};

/* Gets every line at or above the level set; called in the thread that logs, from several at once,
 * with strings that are valid during the call. */
typedef void (*hy_log_handler)(enum hy_log_level level, const char *category, const char *message);

/*
 * Writes one line. category names the part that speaks ("udp", "ws"). Longer than 1,000 bytes is
 * cut. Thread: any.
 */
HY_API void hy_log(enum hy_log_level level, const char *category, const char *format, ...)
    HY_PRINTF(3, 4);

/* Replaces the handler; NULL restores standard error. Thread: any. */
HY_API void hy_log_set_handler(hy_log_handler handler);

/* Lines below this level are dropped before they are formatted; HY_LOG_INFO at first. Takes the
 * place of an earlier filter. Thread: any. */
HY_API void hy_log_set_level(enum hy_log_level level);

/*
 * Levels by category: "udp=debug,ws=off,*=warning"; debug, info, warning, error or off. The first
 * that fits counts, "*" fits all, a word without a category means all, and what nothing fits is at
 * info. At first the environment variable HALYARD_LOG is read in the same way. NULL: that variable
 * again. Errors: -HY_EINVAL (not understood; nothing is changed), -HY_ENOMEM. Thread: any.
 */
HY_API int hy_log_set_filter(const char *filter);

/* Whether a line of this level and category would be written: for what is costly to say. Thread:
 * any. */
HY_API bool hy_log_is_enabled(enum hy_log_level level, const char *category);

HY_END_DECLS

#endif
