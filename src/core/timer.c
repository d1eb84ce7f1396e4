/* SPDX-License-Identifier: MIT */
/*
 * Timers: a pairing heap inside the timers themselves, so that starting needs no memory and costs
 * one comparison.
 *
 * States: IDLE; HEAP; DUE (taken out of the heap by a pass, waiting in the due list for its turn);
 * ZERO (in the ring of zero timers); FIRING (a periodic timer inside its own callback: in no list,
 * put back when the callback returns); AWAY_... (its object is on its way to another thread).
 */
#include "core/internal.h"

enum timer_state {
    IDLE,
    HEAP,
    DUE,
    ZERO,
    FIRING,
    AWAY,     /* enters the heap with its old deadline on arrival */
    AWAY_ZERO /* enters the ring on arrival */
};

#define COARSE_LEAST_NS (20 * HY_MILLISECOND)

/* --- pairing heap: child_ is the first child, next_ a sibling, previous_ the left sibling or the
 * parent --- */

static bool before(const struct hy_timer *a, const struct hy_timer *b)
{
    return a->key_ns_ < b->key_ns_ || (a->key_ns_ == b->key_ns_ && a->order_ < b->order_);
}

static struct hy_timer *meld(struct hy_timer *a, struct hy_timer *b)
{
    if (a == NULL || b == NULL)
        return a != NULL ? a : b;
    if (before(b, a)) {
        struct hy_timer *swap = a;
        a = b;
        b = swap;
    }
    b->next_ = a->child_;
    if (a->child_ != NULL)
        a->child_->previous_ = b;
    b->previous_ = a;
    a->child_ = b;
    return a;
}

/* Melds siblings in pairs, then the pairs from the right. Iterative: the list may be long. */
static struct hy_timer *meld_siblings(struct hy_timer *first)
{
    struct hy_timer *pairs = NULL;
    while (first != NULL) {
        struct hy_timer *a = first, *b = first->next_;
        first = b != NULL ? b->next_ : NULL;
        a->next_ = a->previous_ = NULL;
        if (b != NULL)
            b->next_ = b->previous_ = NULL;
        struct hy_timer *pair = meld(a, b);
        pair->next_ = pairs;
        pairs = pair;
    }
    struct hy_timer *all = NULL;
    while (pairs != NULL) {
        struct hy_timer *next = pairs->next_;
        pairs->next_ = NULL;
        all = meld(all, pairs);
        pairs = next;
    }
    return all;
}

static void heap_insert(struct hy_thread_record *record, struct hy_timer *timer)
{
    timer->child_ = timer->next_ = timer->previous_ = NULL;
    timer->state_ = HEAP;
    record->timer_heap = meld(record->timer_heap, timer);
}

static void heap_remove(struct hy_thread_record *record, struct hy_timer *timer)
{
    if (timer == record->timer_heap) {
        record->timer_heap = meld_siblings(timer->child_);
    } else {
        if (timer->previous_->child_ == timer)
            timer->previous_->child_ = timer->next_;
        else
            timer->previous_->next_ = timer->next_;
        if (timer->next_ != NULL)
            timer->next_->previous_ = timer->previous_;
        record->timer_heap = meld(record->timer_heap, meld_siblings(timer->child_));
    }
    timer->child_ = timer->next_ = timer->previous_ = NULL;
}

/* --- the due list and the ring of zero timers ------------------------------------------------- */

static void list_append(struct hy_timer **first, struct hy_timer **last, struct hy_timer *timer)
{
    timer->next_ = NULL;
    timer->previous_ = *last;
    if (*last != NULL)
        (*last)->next_ = timer;
    else
        *first = timer;
    *last = timer;
}

static void list_remove(struct hy_timer **first, struct hy_timer **last, struct hy_timer *timer)
{
    if (timer->previous_ != NULL)
        timer->previous_->next_ = timer->next_;
    else
        *first = timer->next_;
    if (timer->next_ != NULL)
        timer->next_->previous_ = timer->previous_;
    else
        *last = timer->previous_;
    timer->next_ = timer->previous_ = NULL;
}

static void zero_insert(struct hy_thread_record *record, struct hy_timer *timer)
{
    timer->state_ = ZERO;
    timer->order_ = record->zero_pass; /* not in the pass that may be going on */
    list_append(&record->first_zero, &record->last_zero, timer);
    record->zero_idle++;
}

static void take_out(struct hy_thread_record *record, struct hy_timer *timer)
{
    if (timer->state_ == HEAP) {
        heap_remove(record, timer);
    } else if (timer->state_ == DUE) {
        list_remove(&record->first_due, &record->last_due, timer);
    } else if (timer->state_ == ZERO) {
        list_remove(&record->first_zero, &record->last_zero, timer);
        record->zero_idle--;
    }
    timer->state_ = IDLE;
}

/* --- life
 * ----------------------------------------------------------------------------------------- */

static struct hy_thread_record *record_of(const struct hy_timer *timer)
{
    return hy__anchor_home(timer->hy.anchor);
}

static void timer_fini(struct hy_object *object)
{
    struct hy_timer *timer = (struct hy_timer *)(void *)object;
    take_out(record_of(timer), timer);
}

static void timer_leave_thread(struct hy_object *object)
{
    struct hy_timer *timer = (struct hy_timer *)(void *)object;
    bool zero = timer->state_ == ZERO || (timer->state_ == FIRING && timer->interval_ns_ == 0);
    bool running = timer->state_ != IDLE;
    take_out(record_of(timer), timer);
    timer->state_ = !running ? IDLE : zero ? AWAY_ZERO : AWAY;
}

static void timer_enter_thread(struct hy_object *object)
{
    struct hy_timer *timer = (struct hy_timer *)(void *)object;
    struct hy_thread_record *record = record_of(timer);
    if (timer->state_ == AWAY) {
        timer->order_ = record->timer_order++;
        heap_insert(record, timer);
    } else if (timer->state_ == AWAY_ZERO) {
        zero_insert(record, timer);
    }
}

static const struct hy_signal_spec timer_signals[] = {
    HY_NO_PAYLOAD(struct hy_timer, events.timeout)};

const struct hy_class hy_timer_class =
    HY_CLASS(struct hy_timer, .fini = timer_fini, .leave_thread = timer_leave_thread,
             .enter_thread = timer_enter_thread, .signals = timer_signals, .signal_count = 1);

int hy_timer_init(struct hy_timer *timer, struct hy_object *parent)
{
    int rc = hy_object_init(&timer->hy, &hy_timer_class, parent);
    if (rc < 0)
        return rc;
    timer->deadline_ns_ = timer->key_ns_ = timer->interval_ns_ = 0;
    timer->previous_ = timer->next_ = timer->child_ = NULL;
    timer->order_ = 0;
    timer->state_ = IDLE;
    timer->accuracy_ = HY_TIMER_COARSE;
    timer->single_shot_ = false;
    return 0;
}

void hy_timer_fini(struct hy_timer *timer)
{
    hy_object_fini(&timer->hy);
}

/* --- starting
 * -------------------------------------------------------------------------------------- */

/* Coarse: the next instant that is a multiple of the largest power of two within 5 % of the
 * interval; late, never early. */
static int64_t key_of(const struct hy_timer *timer)
{
    if (timer->accuracy_ == HY_TIMER_PRECISE || timer->interval_ns_ <= COARSE_LEAST_NS)
        return timer->deadline_ns_;
    int64_t grain = 1;
    while (grain <= timer->interval_ns_ / 40)
        grain *= 2;
    if (timer->deadline_ns_ > HY_FOREVER - grain)
        return timer->deadline_ns_;
    return (timer->deadline_ns_ + grain - 1) & ~(grain - 1);
}

static void arm(struct hy_thread_record *record, struct hy_timer *timer, int64_t deadline_ns)
{
    timer->deadline_ns_ = deadline_ns;
    timer->key_ns_ = key_of(timer);
    timer->order_ = record->timer_order++;
    heap_insert(record, timer);
}

static int64_t sum(int64_t now_ns, int64_t delay_ns)
{
    return delay_ns > HY_FOREVER - now_ns ? HY_FOREVER : now_ns + delay_ns;
}

static int start(struct hy_timer *timer, int64_t delay_ns, bool single_shot)
{
    int rc = hy__object_check_alive(&timer->hy, "start");
    if (rc < 0)
        return rc;
    if (delay_ns < 0)
        return hy_error_set(-HY_EINVAL, "a timer cannot run for %lld ns; give 0 or more",
                            (long long)delay_ns);
    struct hy_thread_record *record = record_of(timer);
    take_out(record, timer);
    timer->single_shot_ = single_shot;
    timer->interval_ns_ = delay_ns;
    if (delay_ns == 0)
        zero_insert(record, timer);
    else
        arm(record, timer, sum(hy__record_now(record), delay_ns));
    return 0;
}

int hy_timer_start(struct hy_timer *timer, int64_t interval_ns)
{
    return start(timer, interval_ns, false);
}

int hy_timer_start_once(struct hy_timer *timer, int64_t delay_ns)
{
    return start(timer, delay_ns, true);
}

int hy_timer_start_at(struct hy_timer *timer, int64_t deadline_ns)
{
    int rc = hy__object_check_alive(&timer->hy, "start");
    if (rc < 0)
        return rc;
    struct hy_thread_record *record = record_of(timer);
    int64_t now_ns = hy__record_now(record);
    take_out(record, timer);
    timer->single_shot_ = true;
    timer->interval_ns_ = deadline_ns > now_ns ? deadline_ns - now_ns : 0;
    arm(record, timer, deadline_ns);
    return 0;
}

int hy_timer_stop(struct hy_timer *timer)
{
    int rc = hy_object_check_thread(&timer->hy, "stop");
    if (rc == 0)
        take_out(record_of(timer), timer);
    return rc;
}

void hy_timer_set_accuracy(struct hy_timer *timer, enum hy_timer_accuracy accuracy)
{
    timer->accuracy_ = (uint8_t)accuracy;
}

bool hy_timer_is_running(const struct hy_timer *timer)
{
    return timer->state_ != IDLE;
}

int64_t hy_timer_remaining_ns(const struct hy_timer *timer)
{
    if (timer->state_ == IDLE)
        return -1;
    if (timer->interval_ns_ == 0)
        return 0;
    int64_t remaining = timer->deadline_ns_ - hy_now_ns();
    return remaining > 0 ? remaining : 0;
}

/* --- firing
 * ------------------------------------------------------------------------------------------- */

int64_t hy__timers_deadline(const struct hy_thread_record *record, bool *ret_precise)
{
    const struct hy_timer *timer = record->timer_heap;
    if (timer == NULL)
        return HY_FOREVER;
    *ret_precise = timer->accuracy_ == HY_TIMER_PRECISE;
    return timer->key_ns_;
}

/* Emits; true: the timer is still here and has not been started or stopped by its own callback. */
static bool emit_timeout(struct hy_thread_record *record, struct hy_timer *timer)
{
    struct hy__frame frame;
    hy__frame_push(record, &frame, timer->hy.anchor, true);
    hy_emit0(&timer->events.timeout);
    return hy__frame_pop(record, &frame) && timer->state_ == FIRING;
}

static void fire(struct hy_thread_record *record, struct hy_timer *timer, int64_t now_ns)
{
    if (timer->single_shot_) {
        timer->state_ = IDLE;
        emit_timeout(record, timer);
        return;
    }
    timer->state_ = FIRING;
    int64_t next = sum(timer->deadline_ns_, timer->interval_ns_);
    timer->deadline_ns_ = next > now_ns ? next : sum(now_ns, timer->interval_ns_);
    if (emit_timeout(record, timer))
        arm(record, timer, timer->deadline_ns_);
}

void hy__timers_fire(struct hy_thread_record *record, int *callbacks)
{
    if (record->timer_heap == NULL && record->first_due == NULL)
        return;
    int64_t now_ns = hy__record_now(record);
    /* First all that are due now, so that what is started meanwhile waits for the next pass. */
    struct hy_timer *timer;
    while ((timer = record->timer_heap) != NULL && timer->key_ns_ <= now_ns) {
        heap_remove(record, timer);
        timer->state_ = DUE;
        list_append(&record->first_due, &record->last_due, timer);
    }
    while ((timer = record->first_due) != NULL && !hy__loop_should_stop(record)) {
        list_remove(&record->first_due, &record->last_due, timer);
        fire(record, timer, now_ns);
        ++*callbacks;
    }
}

static void fire_zero(struct hy_thread_record *record, struct hy_timer *timer)
{
    list_remove(&record->first_zero, &record->last_zero, timer);
    record->zero_idle--;
    if (timer->single_shot_) {
        timer->state_ = IDLE;
        emit_timeout(record, timer);
        return;
    }
    timer->state_ = FIRING;
    if (emit_timeout(record, timer))
        zero_insert(record, timer);
}

void hy__timers_fire_zero(struct hy_thread_record *record)
{
    uint64_t pass = ++record->zero_pass;
    struct hy_timer *timer;
    while ((timer = record->first_zero) != NULL && timer->order_ < pass &&
           !hy__loop_should_stop(record))
        fire_zero(record, timer);
}
