/* SPDX-License-Identifier: MIT */
/*
 * Calls that wait: hy_call(), and the emissions of blocking connections.
 *
 * Caller and message share a counted record. Its one word says how far the call is, and the caller
 * parks on it:
 *
 *     WAITING --> RUNNING --> DONE
 *        |           |
 *        +-----------+------> DROPPED    the message has ended and nothing has run
 *        +-----------+------> ABANDONED  the caller does not wait any longer
 *
 * Each arrow is one compare-and-exchange, so exactly one side takes it. Whoever ends a message,
 * for whatever reason, destroys its payload, which is the message's reference to the record: so no
 * way of dropping a message can forget the caller. What the function works on is the caller's own
 * as long as the caller is sure to wait, else a copy that stands behind the record.
 *
 * Above the state the word counts pokes: whoever moves the receiver, with the call in its mail, to
 * another thread makes the caller look again whom it waits for (wait.c).
 */
#include "core/internal.h"

#include <string.h>

#define STATE HY__CALL_STATE

static void *copy_of(struct hy__wait *wait)
{
    return (char *)wait + ((sizeof *wait + 15) & ~(size_t)15);
}

static int wait_create(struct hy_anchor *anchor, size_t size, struct hy__wait **ret_wait)
{
    if (size > SIZE_MAX / 2)
        return hy_error_set(-HY_EINVAL, "a call cannot carry %zu bytes", size);
    struct hy__wait *wait = hy_memory_allocate(((sizeof *wait + 15) & ~(size_t)15) + size);
    if (wait == NULL)
        return -HY_ENOMEM;
    *wait = (struct hy__wait){.word = HY__CALL_WAITING, .refs = 1, .anchor = anchor};
    hy__anchor_ref(anchor);
    *ret_wait = wait;
    return 0;
}

void hy__wait_ref(struct hy__wait *wait)
{
    /* Relaxed: the caller knows it to be alive. */
    __atomic_add_fetch(&wait->refs, 1, __ATOMIC_RELAXED);
}

void hy__wait_unref(struct hy__wait *wait)
{
    /* Release and acquire: the end is after everybody's use. */
    if (__atomic_sub_fetch(&wait->refs, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    if (wait->extension != NULL)
        hy__extension_unref(wait->extension);
    hy__record_unref(wait->runner);
    hy__anchor_unref(wait->anchor);
    hy_memory_release(wait);
}

/* From one state to another; false, with *ret_state, when it is in none of `from` (a set of bits).
 */
static bool advance(struct hy__wait *wait, uint32_t from, uint32_t to, uint32_t *ret_state)
{
    /* Acquire: a caller that comes too late to give up reads what the call wrote. */
    uint32_t word = __atomic_load_n(&wait->word, __ATOMIC_ACQUIRE);
    do {
        *ret_state = word & STATE;
        if ((from & 1u << *ret_state) == 0)
            return false;
        /* Release: what this side wrote is seen by the other; acquire: the other way round. */
    } while (!__atomic_compare_exchange_n(&wait->word, &word, (word & ~(uint32_t)STATE) | to, true,
                                          __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE));
    return true;
}

/* --- the receiver's side -------------------------------------------------------------------------
 */

static int wait_into_message(void *to, const void *from)
{
    struct hy__wait *wait = *(struct hy__wait *const *)from;
    *(struct hy__wait **)to = wait;
    hy__wait_ref(wait);
    return 0;
}

/* The end of the message, whatever it came to. */
static void wait_ends(void *payload)
{
    struct hy__wait *wait = *(struct hy__wait **)payload;
    uint32_t state;
    /* The copy goes before the caller does: it is destroyed when the emission returns. */
    if (wait->copied != NULL && wait->copied->destroy != NULL)
        wait->copied->destroy(wait->argument);
    if (advance(wait, 1u << HY__CALL_WAITING | 1u << HY__CALL_RUNNING,
                wait->ran ? HY__CALL_DONE : HY__CALL_DROPPED, &state))
        hy__unpark(&wait->word);
    hy__wait_unref(wait);
}

static const struct hy_payload wait_payload =
    HY_DESCRIBED_PAYLOAD(struct hy__wait *, wait_into_message, wait_ends);

static bool begin(struct hy_thread_record *record, struct hy__wait *wait)
{
    uint32_t state;
    hy__record_ref(record);
    wait->runner = record; /* nobody looks at it before RUNNING */
    if (advance(wait, 1u << HY__CALL_WAITING, HY__CALL_RUNNING, &state))
        return true;
    hy__record_unref(record);
    wait->runner = NULL;
    return false;
}

bool hy__call_deliver(struct hy_thread_record *record, struct hy__message *message)
{
    struct hy__wait *wait = hy__wait_of(message);
    struct hy_anchor *anchor = message->anchor;
    if (!begin(record, wait))
        return false;
    if (wait->extension != NULL)
        return hy__extension_run(record, wait->extension, anchor, wait->argument, wait);
    struct hy__frame frame;
    hy__anchor_count(anchor, 1); /* before the call, as everywhere */
    hy__frame_push(record, &frame, anchor, true);
    wait->ran = true;
    wait->result = wait->function(anchor->object, wait->argument);
    hy__frame_pop(record, &frame);
    return true;
}

bool hy__call_is_wanted(const struct hy__message *message)
{
    const struct hy__wait *wait = hy__wait_of(message);
    /* Relaxed: an answer of the moment; delivery looks again. */
    return (__atomic_load_n(&wait->word, __ATOMIC_RELAXED) & STATE) == HY__CALL_WAITING &&
           (wait->extension == NULL || hy__extension_is_wanted(wait->extension));
}

struct hy_thread_record *hy__wait_target(struct hy__wait *wait)
{
    for (;;) {
        /* Acquire: the runner is seen. */
        uint32_t word = __atomic_load_n(&wait->word, __ATOMIC_ACQUIRE);
        if ((word & STATE) == HY__CALL_RUNNING) {
            hy__record_ref(wait->runner);
            return wait->runner;
        }
        if ((word & STATE) != HY__CALL_WAITING)
            return NULL;
        struct hy_thread_record *home = hy__anchor_home_ref(wait->anchor);
        /* It waited for that thread all the while; else look again. */
        if (__atomic_load_n(&wait->word, __ATOMIC_ACQUIRE) == word)
            return home;
        hy__record_unref(home);
    }
}

bool hy__wait_refuse(struct hy__wait *wait)
{
    uint32_t state;
    if (!advance(wait, 1u << HY__CALL_WAITING, HY__CALL_DROPPED, &state))
        return state != HY__CALL_RUNNING; /* over already */
    hy__unpark(&wait->word);
    return true;
}

/* --- the caller's side ---------------------------------------------------------------------------
 */

static int refuse_own_thread(const struct hy_thread_record *here, const struct hy_anchor *anchor)
{
    if (anchor->object == NULL) /* its home is here, so this may be looked at */
        return hy_error_set(-HY_ESHUTDOWN, "the receiver is dead");
    return hy_error_set(-HY_EDEADLK,
                        "the receiver lives in the calling thread \"%s\", which would wait for "
                        "itself: call the function",
                        here->name);
}

/* Whether the receiver's thread can be expected to get there. */
static int check_target(struct hy_thread_record *here, struct hy_anchor *anchor,
                        int64_t deadline_ns, bool chain)
{
    struct hy_thread_record *home = hy__anchor_home_ref(anchor);
    int rc = 0;
    if (home == here)
        rc = refuse_own_thread(here, anchor);
    else if (deadline_ns == HY_FOREVER && !hy__record_takes_calls(home))
        rc =
            hy_error_set(-HY_ESHUTDOWN,
                         "the receiver's thread \"%s\" does not run, and the call has no deadline: "
                         "start the thread, or say how long to wait",
                         home->name);
    else if (chain && hy__waiting_leads_back(home, here))
        rc = hy_error_set(-HY_EDEADLK,
                          "the receiver's thread \"%s\" waits for this one, \"%s\", directly or by "
                          "way of others: neither would ever go on",
                          home->name, here->name);
    hy__record_unref(home);
    return rc;
}

/* What the call came to; 0: it has run. */
static int outcome(uint32_t state)
{
    if (state == HY__CALL_DONE)
        return 0;
    return hy_error_set(-HY_ESHUTDOWN, "the call was dropped: its receiver or the connection has "
                                       "ended, or its thread");
}

/* The caller goes; false, with *ret_state, when it is too late for that. */
static bool give_up(struct hy__wait *wait, bool also_running, uint32_t *ret_state)
{
    uint32_t from = 1u << HY__CALL_WAITING | (also_running ? 1u << HY__CALL_RUNNING : 0u);
    return advance(wait, from, HY__CALL_ABANDONED, ret_state);
}

static int wait_until_over(struct hy_thread_record *here, struct hy__wait *wait,
                           int64_t deadline_ns)
{
    for (;;) {
        uint32_t word = __atomic_load_n(&wait->word, __ATOMIC_ACQUIRE);
        uint32_t state = word & STATE;
        if (state == HY__CALL_DONE || state == HY__CALL_DROPPED)
            return outcome(state);
        /* Looked at after each wake-up, which may be a poke. One that comes after this look has
         * changed the word, and the thread does not park. */
        int rc =
            state == HY__CALL_WAITING ? check_target(here, wait->anchor, deadline_ns, true) : 0;
        if (rc < 0 && give_up(wait, false, &state))
            return rc;
        if (rc == 0 && !hy__park(&wait->word, word, deadline_ns)) {
            if (!give_up(wait, true, &state))
                return outcome(state);
            return hy_error_set(-HY_ETIMEDOUT, "the call has not ended in time%s",
                                state == HY__CALL_RUNNING ? "; it goes on without this caller"
                                                          : "");
        }
    }
}

/* Posts and waits. */
static int perform(struct hy__wait *wait, struct hy__message *message, int64_t deadline_ns)
{
    struct hy_thread_record *here = hy__record();
    message->kind = HY__MESSAGE_CALL;
    hy__waiting_begin(here, wait, NULL);
    int rc = hy__post(wait->anchor, message);
    if (rc < 0)
        hy__message_discard(message);
    else
        rc = wait_until_over(here, wait, deadline_ns);
    hy__waiting_end(here);
    return rc;
}

static int check_before(struct hy_anchor *anchor, int64_t deadline_ns)
{
    struct hy_thread_record *here = hy__record();
    if (here == NULL)
        return -HY_ENOMEM;
    int rc = check_target(here, anchor, deadline_ns, false);
    if (rc == 0 && deadline_ns != HY_FOREVER && deadline_ns <= hy__record_now(here))
        rc =
            hy_error_set(-HY_ETIMEDOUT, "the deadline of the call has passed before it began; a "
                                        "deadline is a point in time: hy_now_ns() + 2 * HY_SECOND");
    return rc;
}

/* The record, with room for a copy, and the message. */
static int make(struct hy_anchor *anchor, size_t size, struct hy__wait **ret_wait,
                struct hy__message **ret_message)
{
    int rc = wait_create(anchor, size, ret_wait);
    if (rc < 0)
        return rc;
    rc = hy__message_make(&wait_payload, ret_wait, ret_message);
    if (rc < 0)
        hy__wait_unref(*ret_wait);
    return rc;
}

int hy_ref_call(struct hy_ref receiver, hy_call_function function, void *argument, size_t size,
                int64_t deadline_ns, int *ret_result)
{
    if (receiver.anchor == NULL)
        return hy_error_set(-HY_ESHUTDOWN, "the receiver was never made, or has been finished");
    if (function == NULL)
        return hy_error_set(-HY_EINVAL, "a call needs a function");
    if (argument == NULL && size != 0)
        return hy_error_set(-HY_EINVAL, "a call cannot carry %zu bytes of nothing", size);
    struct hy__wait *wait = NULL;
    struct hy__message *message = NULL;
    int rc = check_before(receiver.anchor, deadline_ns);
    if (rc == 0)
        rc = make(receiver.anchor, size, &wait, &message);
    if (rc != 0)
        return rc;
    wait->function = function;
    wait->argument = size != 0 ? memcpy(copy_of(wait), argument, size) : argument;
    rc = perform(wait, message, deadline_ns);
    if (rc == 0) {
        if (size != 0)
            memcpy(argument, wait->argument, size);
        if (ret_result != NULL)
            *ret_result = wait->result;
    }
    hy__wait_unref(wait);
    return rc;
}

int hy_call(struct hy_object *receiver, hy_call_function function, void *argument, size_t size,
            int64_t deadline_ns, int *ret_result)
{
    struct hy_ref ref = {receiver != NULL ? receiver->anchor : NULL};
    return hy_ref_call(ref, function, argument, size, deadline_ns, ret_result);
}

/* --- blocking emission ---------------------------------------------------------------------------
 */

static int copy_payload(struct hy__wait *wait, const struct hy_payload *description,
                        const void *payload)
{
    void *copy = copy_of(wait);
    if (description->kind == HY_PAYLOAD_DESCRIBED) {
        /* User code: no lock is held. */
        int rc = description->copy(copy, payload);
        if (rc < 0)
            return rc;
        wait->copied = description;
    } else {
        memcpy(copy, payload, description->size);
    }
    wait->argument = copy;
    return 0;
}

static int64_t deadline_of(int64_t timeout_ns)
{
    return timeout_ns == 0 ? HY_FOREVER : hy__time_sum(hy_now_ns(), timeout_ns);
}

int hy__call_slot(struct hy__extension *extension, struct hy_anchor *receiver, const void *payload,
                  int *ret_result)
{
    const struct hy_payload *description = &extension->spec->payload;
    bool has_payload = (extension->flags & HY_IGNORES_PAYLOAD_) == 0 && payload != NULL &&
                       description->kind != HY_PAYLOAD_NONE;
    bool copied = has_payload && extension->timeout_ns != 0;
    int64_t deadline_ns = deadline_of(extension->timeout_ns);
    struct hy__wait *wait = NULL;
    struct hy__message *message = NULL;
    int rc = check_before(receiver, deadline_ns);
    if (rc == 0)
        rc = make(receiver, copied ? description->size : 0, &wait, &message);
    if (rc != 0)
        return rc;
    hy__extension_ref(extension);
    wait->extension = extension;
    if (ret_result != NULL) /* it stays what it is, unset too, if the slot returns nothing */
        wait->result = *ret_result;
    if (copied)
        rc = copy_payload(wait, description, payload);
    else if (has_payload)
        memcpy(&wait->argument, &payload, sizeof payload); /* the slot takes it as const again */
    if (rc == 0)
        rc = perform(wait, message, deadline_ns);
    else
        hy__message_discard(message);
    if (rc == 0 && ret_result != NULL)
        *ret_result = wait->result;
    if (rc == 0 && wait->status < 0)
        rc = hy_error_set(wait->status, "an emission that passes %s on has failed in its thread",
                          extension->spec->name);
    hy__wait_unref(wait);
    return rc < 0 ? rc : 1;
}
