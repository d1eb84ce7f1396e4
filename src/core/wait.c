/* SPDX-License-Identifier: MIT */
/*
 * Who waits for whom: the calls and joins that block a thread, and the circles they would close.
 *
 * A thread that is about to block writes down in its record what it waits for, with a number that
 * grows over the whole process. Then it follows the chain from there, from record to record, each
 * looked at under its own lock and held by a reference: no lock covers two of them. If the chain
 * leads back, nobody on it would ever go on.
 *
 * No circle is missed: whoever writes down last finds all others written. No circle is imagined: a
 * walk passes over what was written after it began, so everything on its way has been waiting since
 * then, at one and the same time. Of threads that close a circle at the same moment at least one
 * sees it. A walk may enter a circle of others, who are about to break it up: it notices that it
 * sees the same number again. A call that waits for an object whose thread changes is poked by the
 * move, and looks again. tests/model/model_wait.py explores this.
 */
#include "core/internal.h"

static uint64_t last_number; /* atomic */

void hy__waiting_begin(struct hy_thread_record *here, struct hy__wait *wait,
                       struct hy_thread_record *joined)
{
    /* Acquire and release, here and in leads_back(): a walk that counts a number among its own
     * finds what was written down with it. */
    uint64_t number = __atomic_add_fetch(&last_number, 1, __ATOMIC_ACQ_REL);
    hy__lock(&here->wait_lock);
    here->wait = wait;
    here->joined = joined;
    here->wait_number = number;
    hy__unlock(&here->wait_lock);
}

void hy__waiting_end(struct hy_thread_record *here)
{
    hy__lock(&here->wait_lock);
    here->wait = NULL;
    here->joined = NULL;
    here->wait_number = 0;
    hy__unlock(&here->wait_lock);
}

/*
 * Whom the thread waits for, with a reference, or NULL; *ret_wait, with a reference too, is the
 * call it waits in, if that is what it does. *ret_number: 0 when it does not wait.
 */
static struct hy_thread_record *next_of(struct hy_thread_record *record, uint64_t newest,
                                        struct hy__wait **ret_wait, uint64_t *ret_number)
{
    struct hy_thread_record *next = NULL;
    *ret_wait = NULL;
    *ret_number = 0;
    hy__lock(&record->wait_lock);
    if (record->wait_number != 0 && record->wait_number <= newest) {
        *ret_number = record->wait_number;
        *ret_wait = record->wait;
        next = record->joined;
    }
    if (*ret_wait != NULL)
        hy__wait_ref(*ret_wait);
    if (next != NULL)
        hy__record_ref(next);
    hy__unlock(&record->wait_lock);
    return *ret_wait != NULL ? hy__wait_target(*ret_wait) : next;
}

/*
 * Whether the thread waits for the calling one, directly or by way of others. Takes the reference
 * to `record` over. *ret_last: the call that waits for the calling thread, with a reference; NULL:
 * that one is a join.
 */
static bool leads_back(struct hy_thread_record *record, const struct hy_thread_record *here,
                       struct hy__wait **ret_last)
{
    uint64_t newest = __atomic_add_fetch(&last_number, 0, __ATOMIC_ACQ_REL);
    uint64_t seen = 0;
    uint32_t steps = 0, until = 1;
    struct hy__wait *wait = NULL;
    while (record != NULL && record != here) {
        uint64_t number;
        if (wait != NULL)
            hy__wait_unref(wait);
        struct hy_thread_record *next = next_of(record, newest, &wait, &number);
        hy__record_unref(record);
        record = next;
        if (record != NULL && number == seen) { /* a circle of others */
            hy__record_unref(record);
            record = NULL;
        }
        if (++steps == until) { /* what is looked for moves on, ever more rarely: any circle ends */
            seen = number;
            steps = 0;
            until *= 2;
        }
    }
    bool back = record != NULL;
    hy__record_unref(record);
    if (!back && wait != NULL) {
        hy__wait_unref(wait);
        wait = NULL;
    }
    *ret_last = wait;
    return back;
}

bool hy__waiting_leads_back(struct hy_thread_record *record, const struct hy_thread_record *here)
{
    struct hy__wait *last;
    hy__record_ref(record);
    bool back = leads_back(record, here, &last);
    if (last != NULL)
        hy__wait_unref(last);
    return back;
}

int hy__join_begin(struct hy_thread_record *joined)
{
    struct hy_thread_record *here = hy__record_if_any();
    if (here == NULL) /* nobody can wait for a thread that has used nothing of this library */
        return 0;
    hy__waiting_begin(here, NULL, joined);
    if (!hy__waiting_leads_back(joined, here))
        return 0;
    hy__waiting_end(here);
    return hy_error_set(-HY_EDEADLK,
                        "thread \"%s\" waits for this one, \"%s\", in a call or a join: waiting "
                        "for its end would last for ever",
                        joined->name, here->name);
}

int hy__join_begin_surely(struct hy_thread_record *joined)
{
    struct hy_thread_record *here = hy__record_if_any();
    if (here == NULL)
        return 0;
    struct hy__wait *last;
    hy__waiting_begin(here, NULL, joined);
    for (;;) {
        hy__record_ref(joined);
        if (!leads_back(joined, here, &last))
            return 0;
        bool freed = last != NULL && hy__wait_refuse(last);
        if (last != NULL)
            hy__wait_unref(last);
        if (!freed)
            break;
    }
    hy_log(
        HY_LOG_ERROR, "thread",
        "thread \"%s\" ends the handle of thread \"%s\", which waits for it: this lasts for ever",
        here->name, joined->name);
    return 0;
}

void hy__join_end(void)
{
    struct hy_thread_record *here = hy__record_if_any();
    if (here != NULL)
        hy__waiting_end(here);
}

/* --- moves ---------------------------------------------------------------------------------------
 */

/*
 * A call may be in the list of one mover while the next one finds it: `poked` says that a poke is
 * still to come, and that one will do, for it comes after the second move has locked the receiver,
 * where the caller will look.
 */
struct hy__wait *hy__calls_of(struct hy__message *cargo)
{
    struct hy__wait *list = NULL;
    for (; cargo != NULL; cargo = cargo->next) {
        if (cargo->kind != HY__MESSAGE_CALL)
            continue;
        struct hy__wait *wait = hy__wait_of(cargo);
        /* Acquire: the mover before has read poke_next; release: see hy__calls_poke(). */
        if (__atomic_exchange_n(&wait->poked, 1u, __ATOMIC_ACQ_REL) != 0)
            continue;
        hy__wait_ref(wait);
        wait->poke_next = list;
        list = wait;
    }
    return list;
}

void hy__calls_poke(struct hy__wait *list)
{
    for (struct hy__wait *wait = list, *next; wait != NULL; wait = next) {
        next = wait->poke_next;
        __atomic_exchange_n(&wait->poked, 0u, __ATOMIC_ACQ_REL);
        /* Release: the caller that sees the poke sees the move. */
        __atomic_add_fetch(&wait->word, HY__CALL_POKE, __ATOMIC_ACQ_REL);
        hy__unpark(&wait->word);
        hy__wait_unref(wait);
    }
}
