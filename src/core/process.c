/* SPDX-License-Identifier: MIT */
/*
 * Single iterations: hy_process() for callers that have a loop of their own, and the passes of a
 * dispatcher that is a guest in a foreign loop. Each counts as one loop more while it runs, for it
 * takes the stack one further.
 */
#include "core/internal.h"

int hy_loop_depth(void)
{
    struct hy_thread_record *record = hy__record_if_any();
    return record != NULL ? record->depth : 0;
}

int hy_loop_set_depth_limit(int limit)
{
    if (limit < 0)
        return hy_error_set(-HY_EINVAL,
                            "%d loops cannot be nested; give 0 for no limit, or at least 1", limit);
    struct hy_thread_record *record = hy__record();
    if (record == NULL)
        return -HY_ENOMEM;
    record->depth_limit = limit;
    return 0;
}

int hy__depth_check(const struct hy_thread_record *record)
{
    if (record->depth_limit == 0 || record->depth < record->depth_limit)
        return 0;
    return hy_error_set(-HY_EBUSY,
                        "thread \"%s\" runs %d loops inside each other already; a handler that "
                        "waits in a loop is likely called again from there",
                        record->name, record->depth);
}

static int process(struct hy_thread_record *record, unsigned flags, int64_t deadline_ns)
{
    int rc = hy__depth_check(record);
    if (rc < 0)
        return rc;
    bool block = (flags & HY_PROCESS_WAIT) != 0 && !hy__quit_requested(record);
    unsigned exclusions = record->exclusions;
    hy__exclude(record, flags & HY__EXCLUSIONS);
    record->depth++;
    hy__walks_park(record);
    rc = hy__iterate(record, block ? HY__BLOCK_IDLE : HY__BLOCK_NEVER, deadline_ns);
    record->depth--;
    hy__exclude(record, exclusions);
    return rc;
}

static int process_begin(struct hy_thread_record *record, unsigned flags)
{
    const unsigned known = HY__EXCLUSIONS | (unsigned)HY_PROCESS_WAIT;
    if ((flags & ~known) != 0)
        return hy_error_set(-HY_EINVAL, "there is no flag %#x; see enum hy_process_flag",
                            flags & ~known);
    return record != NULL ? hy__record_need_dispatcher(record) : -HY_ENOMEM;
}

int hy_process(unsigned flags, int64_t deadline_ns)
{
    struct hy_thread_record *record = hy__record();
    int rc = process_begin(record, flags);
    return rc < 0 ? rc : process(record, flags, deadline_ns);
}

int hy_process_all(unsigned flags, int64_t deadline_ns)
{
    struct hy_thread_record *record = hy__record();
    int rc = process_begin(record, flags);
    if (rc < 0)
        return rc;
    int callbacks = 0;
    do {
        rc = process(record, flags & ~(unsigned)HY_PROCESS_WAIT, HY_FOREVER);
        if (rc < 0)
            return rc;
        callbacks = rc > INT32_MAX - callbacks ? INT32_MAX : callbacks + rc;
    } while (rc > 0 && !hy__loop_should_stop(record) &&
             (deadline_ns == HY_FOREVER || hy__record_now(record) < deadline_ns));
    return callbacks;
}

/* --- guests -------------------------------------------------------------------------------------
 */

/* Whether a foreign loop runs, as the outermost or inside a handler; else the call comes out of a
 * wait of the library's own, or of a loop in parts. */
static bool is_foreign(const struct hy_thread_record *record, unsigned flags)
{
    return (flags & HY_GUEST_NESTED) != 0 ||
           (!record->waiting && (record->loop == NULL || record->inside));
}

/* `own` stands for the foreign loop. */
static bool foreign_enter(struct hy_thread_record *record, struct hy_loop *own, unsigned flags)
{
    if (!is_foreign(record, flags))
        return false;
    *own = (struct hy_loop){.outer = record->loop,
                            .record = record,
                            .state = (uint32_t)HY__LOOP_EXECUTING | (uint32_t)HY__LOOP_FOREIGN};
    record->loop = own;
    return true;
}

static void foreign_leave(struct hy_thread_record *record, const struct hy_loop *own, bool entered)
{
    if (entered)
        record->loop = own->outer;
}

int hy_guest_prepare(unsigned flags, int64_t *ret_deadline_ns, unsigned *ret_wait_flags)
{
    struct hy_thread_record *record = hy__record();
    struct hy_loop own;
    bool precise;
    if (record == NULL)
        return -HY_ENOMEM;
    bool foreign = foreign_enter(record, &own, flags);
    /* A loop of the library that waits has announced it. */
    bool pending = hy__iteration_prepare(record, foreign, ret_deadline_ns, &precise);
    foreign_leave(record, &own, foreign);
    if (ret_wait_flags != NULL)
        *ret_wait_flags = hy__iteration_wait_flags(record);
    return pending ? 1 : 0;
}

int hy_guest_dispatch(unsigned flags)
{
    struct hy_thread_record *record = hy__record();
    int rc = record != NULL ? hy__record_need_dispatcher(record) : -HY_ENOMEM;
    if (rc < 0)
        return rc;
    struct hy_loop own;
    int deeper = is_foreign(record, flags) ? 1 : 0;
    if (deeper != 0 && (rc = hy__depth_check(record)) < 0)
        return rc;
    bool foreign = foreign_enter(record, &own, flags);
    record->depth += deeper;
    hy__walks_park(record);
    rc = hy__loop_should_stop(record) ? 0 : hy__iterate(record, HY__BLOCK_FOREIGN, HY_FOREVER);
    if (foreign)
        hy__iteration_settle(record);
    record->depth -= deeper;
    foreign_leave(record, &own, foreign);
    if (!foreign && rc > 0)
        record->guest_callbacks += rc; /* the iteration that waits counts them, too */
    return rc;
}
