/* SPDX-License-Identifier: MIT */
/*
 * Log lines: level and thread name first, one write each, so that lines of several threads do not
 * mix.
 *
 * What is dropped costs one look at `hy__log_floor`, the lowest level that any category lets
 * through. The rules by category are one block, changed and read under a lock; the filter of the
 * environment is read at the first look.
 */
#include "core/internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    LINE_MAX_BYTES = 1000,
    LEVEL_UNREAD = -1, /* the environment has not been looked at: everything takes the slow way */
    LEVEL_OFF = HY_LOG_ERROR + 1
};

struct rule {
    const char *category;
    size_t length;
    int level;
};

/* One block: the rules, and behind them the text that they point into. */
struct rules {
    size_t count;
    struct rule rule[];
};

int hy__log_floor = LEVEL_UNREAD; /* atomic */
static uint32_t lock;
static struct rules *rules;            /* lock; NULL: the level is the same for all */
static bool has_rules;                 /* atomic: the same for a look without the lock */
static hy_log_handler current_handler; /* atomic */

/* --- filters ------------------------------------------------------------------------------------
 */

static const char *const level_names[] = {"debug", "info", "warning", "error", "off"};

static int level_of(const char *text, size_t length)
{
    for (int level = 0; level <= LEVEL_OFF; level++)
        if (strlen(level_names[level]) == length && memcmp(level_names[level], text, length) == 0)
            return level;
    return hy_error_set(-HY_EINVAL,
                        "\"%.*s\" is no level of a log filter; there are debug, info, warning, "
                        "error and off, as in \"udp=debug,*=warning\"",
                        (int)(length < 60 ? length : 60), text);
}

static void trim(const char **text, size_t *length)
{
    while (*length > 0 && **text == ' ')
        ++*text, --*length;
    while (*length > 0 && (*text)[*length - 1] == ' ')
        --*length;
}

/* "category=level" or "level". */
static int parse_item(const char *item, size_t length, struct rule *ret_rule)
{
    const char *equals = memchr(item, '=', length);
    const char *level = equals != NULL ? equals + 1 : item;
    size_t level_length = length - (size_t)(level - item);
    struct rule rule = {"*", 1, 0};
    if (equals != NULL) {
        rule.category = item;
        rule.length = (size_t)(equals - item);
        trim(&rule.category, &rule.length);
        if (rule.length == 0)
            return hy_error_set(-HY_EINVAL, "an item of the log filter has no category before '='");
    }
    trim(&level, &level_length);
    rule.level = level_of(level, level_length);
    if (rule.level < 0)
        return rule.level;
    *ret_rule = rule;
    return 0;
}

static int parse(const char *filter, struct rules **ret_rules)
{
    size_t size = strlen(filter) + 1, items = 1;
    for (const char *c = filter; *c != '\0'; c++)
        items += *c == ',';
    struct rules *made = hy_memory_allocate(sizeof *made + items * sizeof(struct rule) + size);
    if (made == NULL)
        return -HY_ENOMEM;
    char *text = (char *)&made->rule[items];
    memcpy(text, filter, size);
    made->count = 0;
    for (const char *item = text, *end; item != NULL; item = *end != '\0' ? end + 1 : NULL) {
        end = item + strcspn(item, ",");
        const char *trimmed = item;
        size_t length = (size_t)(end - item);
        trim(&trimmed, &length);
        if (length == 0)
            continue;
        int rc = parse_item(trimmed, length, &made->rule[made->count]);
        if (rc < 0) {
            hy_memory_release(made);
            return rc;
        }
        made->count++;
    }
    *ret_rules = made;
    return 0;
}

static bool is_for_all(const struct rule *rule)
{
    return rule->length == 1 && rule->category[0] == '*';
}

static bool fits(const struct rule *rule, const char *category)
{
    return is_for_all(rule) ||
           (strncmp(rule->category, category, rule->length) == 0 && category[rule->length] == '\0');
}

static int floor_of(const struct rules *some)
{
    int least = LEVEL_OFF;
    for (size_t i = 0; i < some->count; i++) {
        if (some->rule[i].level < least)
            least = some->rule[i].level;
        if (is_for_all(&some->rule[i]))
            return least; /* nothing behind it counts */
    }
    return least < HY_LOG_INFO ? least : HY_LOG_INFO;
}

/* Takes the new rules over; only_first: unless somebody else has set some before. */
static void install(struct rules *some, int least, bool only_first)
{
    if (some != NULL && (some->count == 0 || is_for_all(&some->rule[0]))) {
        hy_memory_release(some);
        some = NULL;
    }
    hy__lock(&lock);
    struct rules *gone = some;
    if (!only_first || __atomic_load_n(&hy__log_floor, __ATOMIC_RELAXED) == LEVEL_UNREAD) {
        gone = rules;
        rules = some;
        /* Relaxed: a line more or less around the change does not matter. */
        __atomic_store_n(&has_rules, some != NULL, __ATOMIC_RELAXED);
        __atomic_store_n(&hy__log_floor, least, __ATOMIC_RELAXED);
    }
    hy__unlock(&lock);
    hy_memory_release(gone);
}

static int set_from_environment(bool only_first)
{
    const char *filter = getenv("HALYARD_LOG");
    struct rules *made = NULL;
    int rc = filter != NULL ? parse(filter, &made) : 0;
    install(made, made != NULL ? floor_of(made) : HY_LOG_INFO, only_first);
    return rc;
}

static void read_environment(void)
{
    const struct hy_error before = *hy_last_error(); /* what is logged may quote it */
    if (set_from_environment(true) >= 0)
        return;
    hy_log(HY_LOG_WARNING, "log", "HALYARD_LOG is left out: %s", hy_last_error()->message);
    hy_error_set(before.code, "%s", before.message);
}

void hy_log_set_level(enum hy_log_level level)
{
    install(NULL, (int)level < 0 ? 0 : (int)level, false);
}

int hy_log_set_filter(const char *filter)
{
    struct rules *made;
    if (filter == NULL && (filter = getenv("HALYARD_LOG")) == NULL)
        filter = "";
    int rc = parse(filter, &made);
    if (rc == 0)
        install(made, floor_of(made), false);
    return rc;
}

bool hy_log_is_enabled(enum hy_log_level level, const char *category)
{
    int least = __atomic_load_n(&hy__log_floor, __ATOMIC_RELAXED);
    if (HY_UNLIKELY(least == LEVEL_UNREAD)) {
        read_environment();
        least = __atomic_load_n(&hy__log_floor, __ATOMIC_RELAXED);
    }
    if ((int)level < least)
        return false;
    if (!__atomic_load_n(&has_rules, __ATOMIC_RELAXED))
        return true;
    if (category == NULL)
        category = "";
    hy__lock(&lock);
    least = HY_LOG_INFO; /* of a category that is not named */
    for (size_t i = 0; rules != NULL && i < rules->count; i++)
        if (fits(&rules->rule[i], category)) {
            least = rules->rule[i].level;
            break;
        }
    hy__unlock(&lock);
    return (int)level >= least;
}

/* --- lines --------------------------------------------------------------------------------------
 */

void hy_log_set_handler(hy_log_handler handler)
{
    /* Release and acquire: the handler's data was written before. */
    __atomic_store_n(&current_handler, handler, __ATOMIC_RELEASE);
}

static void write_to_stderr(enum hy_log_level level, const char *category, const char *message)
{
    struct hy_thread_record *record = hy__record_if_any();
    unsigned last = HY_LOG_ERROR;
    fprintf(stderr, "%-7s [%s] %s: %s\n",
            level_names[(unsigned)level < last ? (unsigned)level : last],
            record != NULL ? record->name : "-", category, message);
}

void hy_log(enum hy_log_level level, const char *category, const char *format, ...)
{
    if (!hy_log_is_enabled(level, category))
        return;
    char message[LINE_MAX_BYTES + 1];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    hy_log_handler handler = __atomic_load_n(&current_handler, __ATOMIC_ACQUIRE);
    (handler != NULL ? handler : write_to_stderr)(level, category != NULL ? category : "", message);
}
