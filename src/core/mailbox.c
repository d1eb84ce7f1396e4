/* SPDX-License-Identifier: MIT */
/*
 * The mailbox of a thread: many producers, one consumer, one word.
 *
 * The word is EMPTY (the consumer is awake), ASLEEP, CLOSED, or the newest message of a chain that
 * leads to the oldest.
 *
 * Order. Pushes are totally ordered by their compare-and-exchange on the one word; taking reverses
 * the chain, which restores that order. No lost wake-up. A sleeper has put ASLEEP in place of
 * EMPTY, so the first push after it sees ASLEEP and wakes; a push before it makes that exchange
 * fail, and the consumer does not sleep. A hosted loop leaves ASLEEP behind whenever it takes its
 * mail, for a foreign loop may run inside any handler and nobody else would wake it. Progress. A
 * message is whole before it is visible, so a pre-empted producer never holds up the consumer. No
 * ABA: the consumer takes everything at once; a producer's stale head can match only if it is that
 * same message again at the head, and then linking to it is right.
 */
#include "core/internal.h"

enum hy__push_result hy__mailbox_push(struct hy_thread_record *record, struct hy__message *message)
{
    uintptr_t head = __atomic_load_n(&record->mailbox, __ATOMIC_RELAXED);
    do {
        if (head == HY__MAILBOX_CLOSED)
            return HY__PUSH_CLOSED;
        message->next = head <= HY__MAILBOX_CLOSED ? NULL : (struct hy__message *)head;
        /*
         * Release: the consumer that takes the message sees it whole. Acquire: a push that finds
         * ASLEEP is after what the consumer did before it slept, the making of its dispatcher
         * included.
         */
    } while (!__atomic_compare_exchange_n(&record->mailbox, &head, (uintptr_t)message, true,
                                          __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
    return head == HY__MAILBOX_ASLEEP ? HY__PUSH_WAKE : HY__PUSH_DONE;
}

static void queue_append(struct hy__queue *queue, struct hy__message *message)
{
    message->next = NULL;
    *queue->end = message;
    queue->end = &message->next;
}

static inline void count_in(struct hy_thread_record *record, uint64_t count)
{
    hy__count(&record->queued, count);
    if (record->queued > record->high_water) /* relaxed, as all counts */
        __atomic_store_n(&record->high_water, record->queued, __ATOMIC_RELAXED);
}

static __attribute__((noinline)) void enqueued_specially(struct hy_thread_record *record,
                                                         struct hy__message *message)
{
    if ((message->flags & HY__MESSAGE_COUNTED) != 0) {
        message->flags &= (uint8_t)~HY__MESSAGE_COUNTED;
        hy__count(&record->pulled, 1);
    }
    if ((message->flags & HY__MESSAGE_COMPRESSIBLE) != 0)
        hy__compressible_enqueued(message);
}

void hy__record_enqueue(struct hy_thread_record *record, struct hy__message *message)
{
    message->pass = record->next_pass;
    queue_append(&record->queues[message->priority], message);
    count_in(record, 1);
    if (HY_UNLIKELY((message->flags & HY__MESSAGE_ENTERS_SPECIALLY) != 0))
        enqueued_specially(record, message);
}

/*
 * An object tree arrives: what was posted to it before takes its place in the queues now, so that
 * whoever moves the tree on at once finds plain messages; the objects are told by
 * hy__arrivals_enter().
 */
static void expand_adopt(struct hy_thread_record *record, struct hy__message *adopt)
{
    /*
     * The mover pushed this before it published the new home: pass once through the root's lock,
     * so that nothing here runs ahead of it. The mover waits for nothing after its push, so this
     * does not last.
     */
    hy__lock(&adopt->anchor->lock);
    hy__unlock(&adopt->anchor->lock);
    for (struct hy__message *message = adopt->to.cargo, *next; message != NULL; message = next) {
        next = message->next;
        hy__record_enqueue(record, message);
    }
    adopt->to.cargo = NULL;
    /* Unless it has been finished, or put under a parent here, in the meantime. */
    if (adopt->anchor->object != NULL && adopt->anchor->object->parent == NULL)
        hy__root_link(record, adopt->anchor->object);
    queue_append(&record->arrivals, adopt);
}

/* One by one, for each may want something of its own. */
static void sort_in_slowly(struct hy_thread_record *record, struct hy__message *oldest)
{
    while (oldest != NULL) {
        struct hy__message *next = oldest->next;
        if (oldest->kind == HY__MESSAGE_ADOPT)
            expand_adopt(record, oldest);
        else
            hy__record_enqueue(record, oldest);
        oldest = next;
    }
}

/*
 * Turns the chain round. Messages that wait are out of the cache: so those of one queue that want
 * nothing else get their stamp on the way, and the chain goes into the queue as it is.
 */
static void sort_in(struct hy_thread_record *record, struct hy__message *newest)
{
    struct hy__message *oldest = NULL, *last = newest;
    struct hy__queue *queue = &record->queues[newest->priority];
    uint64_t count = 0;
    bool plain = true;
    for (struct hy__message *older; newest != NULL; newest = older) {
        older = newest->next;
        newest->next = oldest;
        newest->pass = record->next_pass;
        plain &= newest->priority == last->priority && newest->kind != HY__MESSAGE_ADOPT &&
                 (newest->flags & HY__MESSAGE_ENTERS_SPECIALLY) == 0;
        oldest = newest;
        count++;
    }
    if (!plain) {
        sort_in_slowly(record, oldest);
        return;
    }
    *queue->end = oldest;
    queue->end = &last->next;
    count_in(record, count);
}

/* Takes everything that was posted so far into the private queues. Home. */
void hy__mailbox_take(struct hy_thread_record *record)
{
    /* Relaxed look: most of the time there is nothing; what is missed now makes the next sleep
     * fail. */
    uintptr_t head = __atomic_load_n(&record->mailbox, __ATOMIC_RELAXED);
    if (head <= HY__MAILBOX_CLOSED)
        return;
    /* Acquire: the messages are seen whole. */
    head = __atomic_exchange_n(&record->mailbox, (uintptr_t)record->rest, __ATOMIC_ACQUIRE);
    sort_in(record, (struct hy__message *)head);
}

/* Before a wait: true when nobody has posted, and the next push will wake. */
bool hy__mailbox_sleep(struct hy_thread_record *record)
{
    uintptr_t head = HY__MAILBOX_EMPTY;
    /* Release: pairs with the acquire of the push that finds ASLEEP. */
    return __atomic_compare_exchange_n(&record->mailbox, &head, (uintptr_t)HY__MAILBOX_ASLEEP,
                                       false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED) ||
           head == HY__MAILBOX_ASLEEP || head == HY__MAILBOX_CLOSED; /* nobody can post any more */
}

/* After hy__mailbox_sleep(). */
void hy__mailbox_wake_up(struct hy_thread_record *record)
{
    uintptr_t head = HY__MAILBOX_ASLEEP;
    __atomic_compare_exchange_n(&record->mailbox, &head, (uintptr_t)HY__MAILBOX_EMPTY, false,
                                __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

/* Pushes fail from now on; what was there comes into the queues. */
void hy__mailbox_close(struct hy_thread_record *record)
{
    record->closed = true;
    uintptr_t head =
        __atomic_exchange_n(&record->mailbox, (uintptr_t)HY__MAILBOX_CLOSED, __ATOMIC_ACQUIRE);
    if (head > HY__MAILBOX_CLOSED)
        sort_in(record, (struct hy__message *)head);
}

/* A finished thread starts again. */
void hy__mailbox_open(struct hy_thread_record *record)
{
    uintptr_t closed = HY__MAILBOX_CLOSED;
    record->closed = false;
    /* EMPTY also for a hosted loop, which falls asleep as it attaches. */
    __atomic_compare_exchange_n(&record->mailbox, &closed, (uintptr_t)HY__MAILBOX_EMPTY, false,
                                __ATOMIC_RELEASE, __ATOMIC_RELAXED);
}
