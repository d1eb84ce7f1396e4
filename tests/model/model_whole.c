/* SPDX-License-Identifier: MIT */
/*
 * The mailbox, the anchor lock, the move and the sleep/wake protocol in one model: two senders post
 * three messages to one receiver, which moves up to two times between two loops, that fall asleep
 * and are woken, while the receiver, or each of the loops, may end at any time.
 *
 * After src/core/anchor.c (push), mailbox.c, move.c (push_adopt), object.c (mark_dead and the end
 * of hy_object_fini), record.c (hy__record_finish) and iterate.c (fall_asleep). Left out: trees of
 * more than one object, and posts of the home thread, which are in model_move.py; hosted loops,
 * which are in model_mailbox.py.
 *
 * Checked: each message is delivered in its sender's order and at home, or dropped, or refused, and
 * exactly one of these, once; nobody is left blocked, and no loop sleeps while there is mail; a
 * record, an anchor and an object are not touched after they were freed, and are freed in the end.
 */
#include "explore.h"

#include <stdio.h>
#include <string.h>

enum {
    SENDERS = 2,
    LOOPS = 2,
    MESSAGES = 3, /* 0 and 1 are of the first sender, 2 of the second */
    MOVES = 2,    /* the arrivals are the messages 3 and 4 */
    MOST = MESSAGES + MOVES
};

static const uint8_t first_of[SENDERS + 1] = {0, 2, MESSAGES};

/* Values of a mailbox, and of a look at it, that are not the number of the newest message. */
enum {
    EMPTY = 0x80,
    ASLEEP,
    CLOSED
};

enum sender_label {
    S_LOCK,
    S_HOME,
    S_LOAD,
    S_EXCHANGE,
    S_COUNT,
    S_UNLOCK,
    S_LATE_COUNT,
    S_WAKE,
    S_LET_GO,
    S_RELEASE,
    S_DONE
};

enum loop_label {
    L_TAKE,     /* hy__mailbox_take(): the look */
    L_EXCHANGE, /* and the exchange; then message by message: */
    L_STORE,    /* (in a variant: the second half of a take that is no exchange) */
    L_SORT,
    L_PASS,   /* expand_adopt() has locked the root's anchor, and unlocks it */
    L_ARRIVE, /* hy__arrivals_enter() */
    L_RUN,    /* delivers; or moves the receiver, or ends it, or the thread */
    L_WAIT,
    L_WAKE_UP,
    M_LOCK,    /* push_adopt(), after a take */
    M_EXTRACT, /* after another take */
    M_PUSH,
    M_PUBLISH,
    M_UNLOCK,
    M_REFUSED,
    M_LEAVE,
    M_WAKE,
    M_LET_GO,
    F_LOCK, /* hy_object_fini() */
    F_DEAD,
    F_UNLOCK,
    F_SETTLE,
    E_CLOSE,  /* hy__record_finish(), after the objects */
    E_CLOSED, /* (in a variant) */
    E_AGAIN,  /* the objects that have arrived until then */
    E_DROP,
    E_RELEASE,
    L_DONE
};

struct list {
    uint8_t count, items[MOST];
};

struct loop {
    uint8_t at, back; /* back: where a take goes on */
    uint8_t word;     /* the mailbox: of a chain, its newest message */
    struct list mail; /* the chain, the oldest first */
    uint8_t refs;     /* of the record; 0: freed */
    uint8_t wake;     /* the dispatcher's wake-up */
    struct list taken, queue;
    uint8_t arrivals; /* in the list, not yet told */
    uint8_t head;     /* what a push has seen */
    uint8_t must_wake;
    uint8_t ends; /* fini is a part of the thread's end */
    uint8_t move; /* the number of its move */
    uint8_t aims; /* it has begun a move, and nothing was pushed yet */
};

struct sender {
    uint8_t at, sent, home, head, must_wake;
};

struct state {
    struct sender senders[SENDERS];
    struct loop loops[LOOPS];
    struct list cargo[MOVES];
    uint8_t lock, home, refs, posted, delivered; /* the anchor's */
    uint8_t dead, finished, freed, gone;         /* gone: the object is */
    uint8_t moves, chances;                      /* left */
    uint8_t next[SENDERS];                       /* of whom to be delivered */
    uint8_t ended[MESSAGES];
};

static const char *broken;

static bool is_broken(const char *step)
{
    return broken != NULL && strcmp(broken, step) == 0;
}

/* --- what several of them do ------------------------------------------------------------------ */

static void append(struct list *list, uint8_t item)
{
    if (explore_require(list->count < MOST, "a list is too long"))
        list->items[list->count++] = item;
}

static uint8_t take_first(struct list *list)
{
    uint8_t item = list->items[0];
    memmove(list->items, list->items + 1, MOST - 1);
    list->items[MOST - 1] = 0;
    list->count--;
    return item;
}

static void append_all(struct list *list, struct list *other)
{
    while (other->count != 0)
        append(list, take_first(other));
}

static struct loop *record(struct state *s, uint8_t number)
{
    explore_require(s->loops[number].refs != 0, "a record is used after it was freed");
    return &s->loops[number];
}

static void record_unref(struct state *s, uint8_t number)
{
    record(s, number)->refs--;
}

static void touch(const struct state *s)
{
    explore_require(!s->freed, "the anchor is used after it was freed");
}

static void anchor_unref(struct state *s)
{
    touch(s);
    if (--s->refs == 0) {
        s->freed = 1;
        record_unref(s, s->home);
    }
}

static void end_message(struct state *s, uint8_t message)
{
    explore_require(s->ended[message] == 0, "a message ends twice");
    s->ended[message] = 1;
}

/* hy__message_count_arrival() */
static void count_arrival(struct state *s)
{
    touch(s);
    s->delivered++;
    if (s->finished && s->delivered == s->posted)
        anchor_unref(s);
}

/* One attempt of hy__mailbox_push(); the head has been loaded. */
static enum push {
    PUSHED,
    AGAIN,
    REFUSED
} push(struct state *s, uint8_t to, uint8_t *head, uint8_t message, uint8_t *must_wake)
{
    struct loop *loop = record(s, to);
    if (*head == CLOSED && !is_broken("a push does not look for CLOSED"))
        return REFUSED;
    if (loop->word != *head) {
        *head = loop->word;
        return AGAIN;
    }
    if (*head >= EMPTY)
        memset(&loop->mail, 0, sizeof loop->mail);
    append(&loop->mail, message);
    loop->word = message;
    *must_wake = *head == ASLEEP && !is_broken("a push does not wake");
    *head = 0;
    return PUSHED;
}

/* --- senders ---------------------------------------------------------------------------------- */

static void sender_next(struct state *s, int me)
{
    struct sender *sender = &s->senders[me];
    sender->home = 0;
    sender->head = 0;
    sender->must_wake = 0;
    sender->at = ++sender->sent == first_of[me + 1] - first_of[me] ? S_RELEASE : S_LOCK;
}

static void sender_push(struct state *s, int me)
{
    struct sender *sender = &s->senders[me];
    uint8_t message = (uint8_t)(first_of[me] + sender->sent);
    switch (push(s, sender->home, &sender->head, message, &sender->must_wake)) {
    case PUSHED:
        sender->at = S_COUNT;
        break;
    case AGAIN:
        break;
    case REFUSED:
        end_message(s, message);
        sender->at = S_UNLOCK;
        break;
    }
}

static enum explore_result sender_step(struct state *s, int me)
{
    struct sender *sender = &s->senders[me];
    bool locks = !is_broken("a post takes no lock");
    switch (sender->at) {
    case S_LOCK:
        touch(s);
        if (locks && s->lock != 0)
            return EXPLORE_BLOCKED;
        if (locks)
            s->lock = (uint8_t)(1 + me);
        sender->at = S_HOME;
        break;
    case S_HOME:
        touch(s);
        sender->home = s->home;
        sender->at = S_LOAD;
        break;
    case S_LOAD:
        touch(s);
        if (s->dead && !is_broken("a post does not look whether the object is dead")) {
            end_message(s, (uint8_t)(first_of[me] + sender->sent));
            sender->at = S_UNLOCK;
        } else {
            sender->head = record(s, sender->home)->word;
            if (is_broken("the wake comes before the push") && sender->head == ASLEEP)
                record(s, sender->home)->wake = 1;
            sender->at = S_EXCHANGE;
        }
        break;
    case S_EXCHANGE:
        sender_push(s, me);
        break;
    case S_COUNT:
        touch(s);
        if (sender->must_wake && !is_broken("whom a post wakes is not held"))
            record(s, sender->home)->refs++;
        if (!is_broken("a post is counted after the unlock"))
            s->posted++;
        sender->at = S_UNLOCK;
        if (is_broken("a post is counted after the unlock")) {
            s->lock = 0;
            sender->at = S_LATE_COUNT;
        }
        break;
    case S_LATE_COUNT:
        touch(s);
        s->posted++;
        sender->at = S_WAKE;
        break;
    case S_UNLOCK:
        touch(s);
        if (locks)
            s->lock = 0;
        sender->at = S_WAKE;
        if (!sender->must_wake)
            sender_next(s, me);
        break;
    case S_WAKE:
        if (!sender->must_wake) {
            sender_next(s, me);
            break;
        }
        if (!is_broken("the wake comes before the push"))
            record(s, sender->home)->wake = 1;
        sender->at = S_LET_GO;
        break;
    case S_LET_GO:
        if (!is_broken("whom a post wakes is not held"))
            record_unref(s, sender->home);
        sender_next(s, me);
        break;
    case S_RELEASE: /* the weak reference */
        anchor_unref(s);
        sender->at = S_DONE;
        break;
    default:
        return EXPLORE_NO_MORE;
    }
    return EXPLORE_STEP;
}

/* --- taking the mail -------------------------------------------------------------------------- */

static void loop_take(struct state *s, int me, uint8_t back)
{
    s->loops[me].back = back;
    s->loops[me].at = L_TAKE;
}

static void taken(struct loop *loop)
{
    loop->at = loop->taken.count != 0 ? L_SORT : loop->arrivals != 0 ? L_ARRIVE : loop->back;
    if (loop->at == loop->back)
        loop->back = 0;
}

static void exchange(struct loop *loop, uint8_t leave)
{
    if (loop->word < EMPTY)
        loop->taken = loop->mail;
    memset(&loop->mail, 0, sizeof loop->mail);
    loop->word = leave;
}

static enum explore_result sort_one(struct state *s, int me)
{
    struct loop *loop = &s->loops[me];
    uint8_t message = loop->taken.items[0];
    if (message < MESSAGES) {
        append(&loop->queue, take_first(&loop->taken));
        taken(loop);
        return EXPLORE_STEP;
    }
    touch(s);
    if (is_broken("an arrival does not pass through the lock")) {
        loop->at = L_PASS;
        return EXPLORE_STEP;
    }
    if (s->lock != 0)
        return EXPLORE_BLOCKED;
    s->lock = (uint8_t)(1 + SENDERS + me);
    loop->at = L_PASS;
    return EXPLORE_STEP;
}

static void expand(struct state *s, int me)
{
    struct loop *loop = &s->loops[me];
    touch(s);
    if (!is_broken("an arrival does not pass through the lock"))
        s->lock = 0;
    struct list *cargo = &s->cargo[take_first(&loop->taken) - MESSAGES];
    if (is_broken("the cargo is not expanded in place"))
        append_all(&loop->queue, &loop->taken);
    append_all(&loop->queue, cargo);
    loop->arrivals++;
    taken(loop);
}

/* --- delivering, moving, ending --------------------------------------------------------------- */

static void deliver(struct state *s, int me)
{
    uint8_t message = take_first(&s->loops[me].queue);
    int of = message < first_of[1] ? 0 : 1;
    end_message(s, message);
    touch(s);
    if (!s->gone) {
        explore_require(s->home == me, "a message is delivered in a thread that is not home");
        explore_require(s->next[of] <= message - first_of[of], "the order is broken");
        s->next[of] = (uint8_t)(message - first_of[of] + 1);
    }
    count_arrival(s);
}

/* What the user's code, or the thread, may do after each delivery, and before it falls asleep. */
static enum explore_result run(struct state *s, int me, int choice)
{
    struct loop *loop = &s->loops[me];
    bool mine = !s->freed && !s->gone && s->home == me;
    switch (choice) {
    case 0: /* the next message, or sleep */
        if (loop->queue.count != 0) {
            deliver(s, me);
            return EXPLORE_STEP;
        }
        if (loop->word == EMPTY || is_broken("falls asleep by a plain store")) {
            loop->word = ASLEEP;
            loop->at = L_WAIT;
        } else {
            loop_take(s, me, L_RUN);
        }
        return EXPLORE_STEP;
    case 1: /* the next pass */
        if (loop->queue.count == 0)
            return EXPLORE_BLOCKED;
        loop_take(s, me, L_RUN);
        return EXPLORE_STEP;
    case 2:
        if (!mine || s->moves == 0 || s->loops[1 - me].at == L_DONE)
            return EXPLORE_BLOCKED;
        loop->aims = 1;
        loop->move = (uint8_t)(MOVES - s->moves--);
        s->refs++; /* the arrival's */
        if (is_broken("no take before the lock"))
            loop->at = M_LOCK;
        else
            loop_take(s, me, M_LOCK);
        return EXPLORE_CHANCE;
    case 3:
        if (!mine)
            return EXPLORE_BLOCKED;
        loop->at = F_LOCK;
        return EXPLORE_CHANCE;
    case 4:
        loop->ends = 1;
        loop->at = mine ? F_LOCK : E_CLOSE;
        return EXPLORE_CHANCE;
    default:
        return EXPLORE_NO_MORE;
    }
}

static void move_push(struct state *s, int me)
{
    struct loop *loop = &s->loops[me];
    uint8_t to = (uint8_t)(1 - me);
    switch (push(s, to, &loop->head, (uint8_t)(MESSAGES + loop->move), &loop->must_wake)) {
    case PUSHED:
        if (loop->must_wake && !is_broken("whom a move wakes is not held"))
            record(s, to)->refs++;
        loop->at = is_broken("unlocks before it publishes") ? M_UNLOCK : M_PUBLISH;
        break;
    case AGAIN:
        return;
    case REFUSED:
        loop->head = 0;
        record_unref(s, to);
        if (is_broken("a refused move loses its cargo"))
            memset(&s->cargo[loop->move], 0, sizeof s->cargo[0]);
        else
            append_all(&loop->queue, &s->cargo[loop->move]);
        loop->at = M_REFUSED;
        break;
    }
    loop->aims = 0;
}

static enum explore_result move_step(struct state *s, int me)
{
    struct loop *loop = &s->loops[me];
    uint8_t to = (uint8_t)(1 - me);
    bool locks = !is_broken("a move takes no lock");
    switch (loop->at) {
    case M_LOCK:
        touch(s);
        if (s->gone || s->home != me) { /* hooks of others have ended it, or moved it */
            anchor_unref(s);
            loop->aims = 0;
            loop->at = L_RUN;
            break;
        }
        if (locks && s->lock != 0)
            return EXPLORE_BLOCKED;
        if (locks)
            s->lock = (uint8_t)(1 + SENDERS + me);
        if (is_broken("no take under the lock"))
            loop->at = M_EXTRACT;
        else
            loop_take(s, me, M_EXTRACT);
        break;
    case M_EXTRACT:
        append_all(&s->cargo[loop->move], &loop->queue);
        if (!is_broken("the new home is not held"))
            record(s, to)->refs++;
        loop->head = record(s, to)->word;
        loop->at = M_PUSH;
        break;
    case M_PUSH:
        move_push(s, me);
        break;
    case M_PUBLISH:
        touch(s);
        s->home = to;
        loop->at = is_broken("unlocks before it publishes") ? M_LEAVE : M_UNLOCK;
        break;
    case M_UNLOCK:
        touch(s);
        if (locks)
            s->lock = 0;
        loop->at = is_broken("unlocks before it publishes") ? M_PUBLISH : M_LEAVE;
        break;
    case M_REFUSED:
        touch(s);
        if (locks)
            s->lock = 0;
        anchor_unref(s);
        loop->at = L_RUN;
        break;
    case M_LEAVE:
        record_unref(s, (uint8_t)me);
        loop->at = loop->must_wake ? M_WAKE : L_RUN;
        break;
    case M_WAKE:
        record(s, to)->wake = 1;
        loop->at = M_LET_GO;
        break;
    default: /* M_LET_GO */
        if (!is_broken("whom a move wakes is not held"))
            record_unref(s, to);
        loop->must_wake = 0;
        loop->at = L_RUN;
        break;
    }
    return EXPLORE_STEP;
}

static enum explore_result end_step(struct state *s, int me)
{
    struct loop *loop = &s->loops[me];
    switch (loop->at) {
    case F_LOCK:
        touch(s);
        if (s->lock != 0)
            return EXPLORE_BLOCKED;
        s->lock = (uint8_t)(1 + SENDERS + me);
        loop->at = F_DEAD;
        break;
    case F_DEAD:
        s->dead = 1;
        loop->at = F_UNLOCK;
        break;
    case F_UNLOCK:
        touch(s);
        s->lock = 0;
        s->gone = 1;
        loop->at = F_SETTLE;
        break;
    case F_SETTLE:
        touch(s);
        s->finished = 1;
        if (s->delivered == s->posted)
            anchor_unref(s);
        loop->at = !loop->ends ? L_RUN : loop->word == CLOSED ? E_DROP : E_CLOSE;
        break;
    case E_CLOSE:
        if (is_broken("closes by a load and a store")) {
            exchange(loop, loop->word < EMPTY ? loop->word : EMPTY);
            loop->at = E_CLOSED;
            break;
        }
        exchange(loop, CLOSED);
        loop->back = E_AGAIN;
        taken(loop);
        break;
    case E_CLOSED:
        memset(&loop->mail, 0, sizeof loop->mail);
        loop->word = CLOSED;
        loop->back = E_AGAIN;
        taken(loop);
        break;
    case E_AGAIN:
        loop->at = !s->freed && !s->gone && s->home == me &&
                           !is_broken("what arrives at the end is not finished")
                       ? F_LOCK
                       : E_DROP;
        break;
    case E_DROP:
        if (loop->queue.count == 0) {
            loop->at = E_RELEASE;
            break;
        }
        end_message(s, take_first(&loop->queue));
        count_arrival(s);
        break;
    default: /* E_RELEASE: the record's own reference, and that of the handle, which may end when
                the thread has, but not while somebody gives it to hy_object_move_to_thread(),
                before the receiver has come */
        if (s->loops[1 - me].aims)
            return EXPLORE_BLOCKED;
        record_unref(s, (uint8_t)me);
        record_unref(s, (uint8_t)me);
        loop->ends = 0;
        loop->wake = 0;
        loop->at = L_DONE;
        break;
    }
    return EXPLORE_STEP;
}

static enum explore_result loop_step(struct state *s, int me, int choice)
{
    struct loop *loop = &s->loops[me];
    if (loop->at == L_DONE)
        return EXPLORE_NO_MORE;
    record(s, (uint8_t)me);
    if (loop->at == L_RUN)
        return run(s, me, choice);
    if (loop->at == L_WAIT && choice == 1) { /* a timer, or a descriptor */
        if (s->chances == 0)
            return EXPLORE_BLOCKED;
        s->chances--;
        loop->at = L_WAKE_UP;
        return EXPLORE_CHANCE;
    }
    if (choice > 0)
        return EXPLORE_NO_MORE;
    switch (loop->at) {
    case L_TAKE:
        loop->at = L_EXCHANGE;
        if (loop->word >= EMPTY)
            taken(loop);
        break;
    case L_EXCHANGE:
        if (is_broken("takes by a load and a store")) {
            loop->taken = loop->mail;
            loop->at = L_STORE;
            break;
        }
        exchange(loop, EMPTY);
        taken(loop);
        break;
    case L_STORE:
        memset(&loop->mail, 0, sizeof loop->mail);
        loop->word = EMPTY;
        taken(loop);
        break;
    case L_SORT:
        return sort_one(s, me);
    case L_PASS:
        expand(s, me);
        break;
    case L_ARRIVE:
        loop->arrivals--;
        anchor_unref(s);
        taken(loop);
        break;
    case L_WAIT:
        if (!loop->wake)
            return EXPLORE_BLOCKED;
        loop->wake = 0;
        loop->at = L_WAKE_UP;
        break;
    case L_WAKE_UP:
        if (loop->word == ASLEEP || is_broken("wakes up by a plain store"))
            loop->word = EMPTY;
        loop_take(s, me, L_RUN);
        break;
    default:
        return loop->at < F_LOCK ? move_step(s, me) : end_step(s, me);
    }
    return EXPLORE_STEP;
}

/* --- the model -------------------------------------------------------------------------------- */

static enum explore_result step(void *state, int thread, int choice)
{
    if (thread >= SENDERS)
        return loop_step(state, thread - SENDERS, choice);
    return choice == 0 ? sender_step(state, thread) : EXPLORE_NO_MORE;
}

static void final(const void *state)
{
    const struct state *s = state;
    explore_require(s->senders[0].at == S_DONE && s->senders[1].at == S_DONE,
                    "a sender is blocked for ever");
    for (int i = 0; i < LOOPS; i++) {
        const struct loop *loop = &s->loops[i];
        explore_require(loop->at == L_WAIT || loop->at == L_DONE, "a loop is blocked for ever");
        explore_require(loop->word >= EMPTY || loop->at == L_DONE,
                        "a loop sleeps although there is mail");
    }
    for (int i = 0; i < MESSAGES; i++)
        explore_require(s->ended[i] == 1, "a message is lost");
    explore_require(s->lock == 0, "the lock is still held");
    explore_require(s->freed == s->gone, "the anchor leaks, or is gone before its object");
    explore_require(s->gone || s->posted == s->delivered, "posted and delivered do not meet");
    explore_require(s->gone || s->loops[s->home].at == L_WAIT,
                    "the receiver lives in a thread that has ended");
    for (int i = 0; i < LOOPS; i++)
        explore_require(s->loops[i].at != L_DONE || s->loops[i].refs == 0, "a record leaks");
}

static const char *label(const void *state, int thread)
{
    static const char *const senders[] = {"lock", "home",    "look",  "push",    "count", "unlock",
                                          "late", "wake up", "unref", "release", "done"};
    static const char *const loops[] = {
        "take: look",      "take: exchange", "take: store",   "take: sort",
        "arrival: unlock", "arrival",        "run",           "wait",
        "wake up",         "move: lock",     "move: cargo",   "move: push",
        "move: publish",   "move: unlock",   "move: refused", "move: leave",
        "move: wake",      "move: unref",    "fini: lock",    "fini: dead",
        "fini: unlock",    "fini: settle",   "end: close",    "end: closed",
        "end: again",      "end: drop",      "end: release",  "done"};
    const struct state *s = state;
    return thread < SENDERS ? senders[s->senders[thread].at] : loops[s->loops[thread - SENDERS].at];
}

int main(void)
{
    static const struct explore_model model = {sizeof(struct state), SENDERS + LOOPS, step, final,
                                               label};
    static const char *const steps[] = {NULL,
                                        "a push does not wake",
                                        "the wake comes before the push",
                                        "falls asleep by a plain store",
                                        "wakes up by a plain store",
                                        "takes by a load and a store",
                                        "a push does not look for CLOSED",
                                        "closes by a load and a store",
                                        "a post takes no lock",
                                        "a post does not look whether the object is dead",
                                        "a post is counted after the unlock",
                                        "whom a post wakes is not held",
                                        "a move takes no lock",
                                        "unlocks before it publishes",
                                        "no take before the lock",
                                        "no take under the lock",
                                        "an arrival does not pass through the lock",
                                        "the cargo is not expanded in place",
                                        "the new home is not held",
                                        "whom a move wakes is not held",
                                        "a refused move loses its cargo",
                                        "what arrives at the end is not finished"};
    enum {
        COUNT = sizeof steps / sizeof steps[0]
    };
    struct state first = {.refs = 1 + SENDERS, .moves = MOVES, .chances = 1};
    bool ok = true;

    for (int i = 0; i < LOOPS; i++) {
        first.loops[i].at = L_RUN;
        first.loops[i].word = EMPTY;
        first.loops[i].refs = 2; /* its thread's, and its handle's */
    }
    first.loops[0].refs++; /* the receiver's home */
    printf("1..%d\n", COUNT);
    for (int i = 0; i < COUNT; i++) {
        broken = steps[i];
        ok &= explore(&model, &first, i + 1, "2 senders, 2 loops, 1 receiver, 3 messages, 2 moves",
                      broken);
    }
    return ok ? 0 : 1;
}
