/* SPDX-License-Identifier: MIT */
/*
 * The class of timers. When an entry is due is the business of schedule.c.
 *
 * A timer that is on its way to another thread, or parked, is in no heap: what is started then only
 * takes down its deadline, and runs from its arrival on.
 */
#include "core/internal.h"

static struct hy_thread_record *record_of(const struct hy_timer *timer)
{
    return hy__anchor_home(timer->hy.anchor);
}

static bool is_away(const struct hy_timer *timer)
{
    return timer->entry_.state >= HY__ENTRY_AWAY;
}

/* --- life ------------------------------------------------------------------------------------- */

static void timer_fini(struct hy_object *object)
{
    struct hy_timer *timer = (struct hy_timer *)(void *)object;
    hy__entry_take_out(record_of(timer), &timer->entry_);
}

static void timer_leave_thread(struct hy_object *object)
{
    struct hy_timer *timer = (struct hy_timer *)(void *)object;
    bool running = hy_timer_is_running(timer);
    bool zero = timer->entry_.state == HY__ENTRY_ZERO ||
                (timer->entry_.state == HY__ENTRY_FIRING && timer->interval_ns_ == 0);
    hy__entry_take_out(record_of(timer), &timer->entry_);
    timer->entry_.state = !running ? HY__ENTRY_AWAY_IDLE
                          : zero   ? HY__ENTRY_AWAY_ZERO
                                   : HY__ENTRY_AWAY;
}

static void timer_enter_thread(struct hy_object *object)
{
    struct hy_timer *timer = (struct hy_timer *)(void *)object;
    uint8_t state = timer->entry_.state;
    hy__entry_take_out(record_of(timer), &timer->entry_);
    if (state == HY__ENTRY_AWAY)
        hy__entry_insert(record_of(timer), &timer->entry_);
    else if (state == HY__ENTRY_AWAY_ZERO)
        hy__entry_insert_zero(record_of(timer), &timer->entry_);
}

static const struct hy_signal_spec timer_signals[] = {
    HY_NO_PAYLOAD(struct hy_timer, events.timeout)};

const struct hy_class hy_timer_class =
    HY_CLASS(struct hy_timer, .fini = timer_fini, .leave_thread = timer_leave_thread,
             .enter_thread = timer_enter_thread, .signals = timer_signals, .signal_count = 1);

int hy_timer_init(struct hy_timer *timer, struct hy_object *parent)
{
    /* First, for the parent's class may look at its new child. */
    timer->entry_ = (struct hy_timer_entry_){0};
    timer->interval_ns_ = 0;
    timer->accuracy_ = HY_TIMER_COARSE;
    timer->single_shot_ = false;
    return hy_object_init(&timer->hy, &hy_timer_class, parent);
}

int hy_timer_fini(struct hy_timer *timer)
{
    return hy_object_fini(&timer->hy);
}

/* --- starting -----------------------------------------------------------------------------------
 */

/* In no heap meanwhile. */
static void set_deadline(struct hy_timer *timer, int64_t deadline_ns)
{
    hy__entry_set_deadline(&timer->entry_, deadline_ns, timer->interval_ns_, timer->accuracy_);
}

static void start_now(struct hy_timer *timer, int64_t now_ns, int64_t delay_ns, bool single_shot)
{
    struct hy_timer_entry_ *entry = &timer->entry_;
    bool away = is_away(timer), zero = delay_ns == 0;
    hy__entry_take_out(record_of(timer), entry);
    timer->single_shot_ = single_shot;
    timer->interval_ns_ = delay_ns;
    set_deadline(timer, hy__time_sum(now_ns, delay_ns));
    if (away)
        entry->state = zero ? HY__ENTRY_AWAY_ZERO : HY__ENTRY_AWAY;
    else if (zero)
        hy__entry_insert_zero(record_of(timer), entry);
    else
        hy__entry_insert(record_of(timer), entry);
}

static int check_delay(int64_t delay_ns)
{
    return delay_ns >= 0
               ? 0
               : hy_error_set(-HY_EINVAL, "a timer cannot run for %lld ns; give 0 or more",
                              (long long)delay_ns);
}

static int start(struct hy_timer *timer, int64_t delay_ns, bool single_shot)
{
    int rc = hy__object_check_alive(&timer->hy, "start");
    if (rc == 0)
        rc = check_delay(delay_ns);
    if (rc == 0)
        start_now(timer, hy__record_now(record_of(timer)), delay_ns, single_shot);
    return rc;
}

int hy_timer_start(struct hy_timer *timer, int64_t interval_ns)
{
    return start(timer, interval_ns, false);
}

int hy_timer_start_once(struct hy_timer *timer, int64_t delay_ns)
{
    return start(timer, delay_ns, true);
}

/* How far away a moment is matters to the accuracy only, and to look at the clock costs twice as
 * much as all the rest. */
#define INTERVAL_UNKNOWN (-1)

static int64_t interval_until(int64_t deadline_ns)
{
    return hy__time_until(deadline_ns, hy_now_ns());
}

int hy_timer_start_at(struct hy_timer *timer, int64_t deadline_ns)
{
    int rc = hy__object_check_alive(&timer->hy, "start");
    if (rc < 0)
        return rc;
    struct hy_timer_entry_ *entry = &timer->entry_;
    bool away = is_away(timer);
    hy__entry_take_out(record_of(timer), entry);
    timer->single_shot_ = true;
    timer->interval_ns_ =
        timer->accuracy_ == HY_TIMER_PRECISE ? INTERVAL_UNKNOWN : interval_until(deadline_ns);
    set_deadline(timer, deadline_ns);
    if (away)
        entry->state = HY__ENTRY_AWAY;
    else
        hy__entry_insert(record_of(timer), entry);
    return 0;
}

int hy_timer_stop(struct hy_timer *timer)
{
    int rc = hy__object_check_own(&timer->hy, "stop");
    if (rc < 0)
        return rc;
    bool away = is_away(timer);
    hy__entry_take_out(record_of(timer), &timer->entry_);
    if (away)
        timer->entry_.state = HY__ENTRY_AWAY_IDLE;
    return 0;
}

/* --- requests from other threads ----------------------------------------------------------------
 */

struct request {
    int64_t interval_ns; /* -1: stop */
    int64_t asked_ns;
};

static const struct hy_payload request_payload = HY_PLAIN_PAYLOAD(struct request);

static void request_arrives(struct hy_object *object, const void *payload)
{
    struct hy_timer *timer = (struct hy_timer *)(void *)object;
    const struct request *request = payload;
    if (request->interval_ns < 0)
        hy_timer_stop(timer);
    else
        start_now(timer, request->asked_ns, request->interval_ns, false);
}

int hy_timer_request_start(struct hy_timer *timer, int64_t interval_ns)
{
    int rc = check_delay(interval_ns);
    if (rc < 0)
        return rc;
    struct request request = {interval_ns, hy_now_ns()};
    return hy_invoke(timer != NULL ? &timer->hy : NULL, request_arrives, &request_payload,
                     &request);
}

int hy_timer_request_stop(struct hy_timer *timer)
{
    struct request request = {-1, 0};
    return hy_invoke(timer != NULL ? &timer->hy : NULL, request_arrives, &request_payload,
                     &request);
}

/* --- questions ----------------------------------------------------------------------------------
 */

int hy_timer_set_accuracy(struct hy_timer *timer, enum hy_timer_accuracy accuracy)
{
    int rc = hy_object_check_thread(&timer->hy, "set the accuracy of");
    if (rc < 0)
        return rc;
    if ((unsigned)accuracy > HY_TIMER_SECONDS)
        return hy_error_set(-HY_EINVAL, "there is no accuracy %d; see enum hy_timer_accuracy",
                            (int)accuracy);
    timer->accuracy_ = (uint8_t)accuracy;
    struct hy_timer_entry_ *entry = &timer->entry_;
    bool waits = entry->state == HY__ENTRY_HEAP;
    if (waits)
        hy__entry_take_out(record_of(timer), entry);
    if (timer->interval_ns_ == INTERVAL_UNKNOWN)
        timer->interval_ns_ = interval_until(entry->deadline_ns);
    set_deadline(timer, entry->deadline_ns); /* on its way or in its slot: for the heap to come */
    if (waits)
        hy__entry_insert(record_of(timer), entry);
    return 0;
}

bool hy_timer_is_running(const struct hy_timer *timer)
{
    return timer->entry_.state != HY__ENTRY_IDLE && timer->entry_.state != HY__ENTRY_AWAY_IDLE;
}

int64_t hy_timer_remaining_ns(const struct hy_timer *timer)
{
    if (!hy_timer_is_running(timer))
        return -1;
    if (timer->interval_ns_ == 0)
        return 0;
    return hy__time_until(timer->entry_.deadline_ns, hy_now_ns());
}

/* --- firing -------------------------------------------------------------------------------------
 */

/* Emits; true: the timer is still here and has not been started or stopped by its own callback. */
static bool emit_timeout(struct hy_thread_record *record, struct hy_timer *timer)
{
    struct hy__frame frame;
    hy__frame_push(record, &frame, timer->hy.anchor, true);
    hy_emit0(&timer->events.timeout);
    return hy__frame_pop(record, &frame) && timer->entry_.state == HY__ENTRY_FIRING;
}

void hy__timer_fire(struct hy_thread_record *record, struct hy_timer_entry_ *entry, int64_t now_ns)
{
    struct hy_timer *timer = hy__timer_of(entry);
    if (timer->single_shot_) {
        emit_timeout(record, timer);
        return;
    }
    entry->state = HY__ENTRY_FIRING;
    if (timer->interval_ns_ == 0) {
        if (emit_timeout(record, timer))
            hy__entry_insert_zero(record, entry);
        return;
    }
    int64_t next = hy__time_sum(entry->deadline_ns, timer->interval_ns_);
    /* Already now: its slot may move it, and then it enters another heap as it is. */
    set_deadline(timer, next > now_ns ? next : hy__time_sum(now_ns, timer->interval_ns_));
    if (emit_timeout(record, timer))
        hy__entry_insert(record, entry);
}
