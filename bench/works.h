/* SPDX-License-Identifier: MIT */
/*
 * The kinds of work that are the same for every peer, each in a file of its own (work_*.c). A peer
 * gives the few operations that are its library's; the work asks for them, counts, checks and
 * reports. What is short and repeated is a chunk: the peer's own loop over `count` repetitions, so
 * that no call of the harness is on a measured path.
 */
#ifndef BENCH_WORKS_H
#define BENCH_WORKS_H

#include "harness.h"

#ifdef __cplusplus
extern "C" {
#endif

/* --- emit:SLOTS, an emission in one thread -----------------------------------------------------
 */

struct bench_emission {
    /* A signal with one int, and `slots` slots that each add it to a sum of their own. */
    void *(*make)(size_t slots);
    void (*emit)(void *signal, size_t count);
};

/* --- queued_emit:PRODUCERS and its kin, events to another thread's loop -------------------------
 */

/* What crosses threads by value: 32 bytes, or 256 that begin with those. */
struct bench_payload {
    uint64_t sequence; /* counts up from 0 for each producer */
    uint64_t producer;
    uint64_t data[2];
};
struct bench_large_payload {
    struct bench_payload head;
    uint64_t data[28];
};

enum {
    BENCH_PRODUCERS_MAX = 4
};

struct bench_carrier {
    /* Starts a thread with a loop; returns when the events of `producers` threads can be sent. */
    void (*start)(size_t producers);
    /* Sends `count` events to the loop; called in each producer's thread. */
    void (*produce)(size_t producer, uint64_t count);
    /* Ends the loop and joins its thread. */
    void (*stop)(void);
};

/* For the slot: takes an event; a loss or a wrong order ends the program with a message, for a
 * benchmark that loses or reorders events has no rate. */
void bench_receive(const struct bench_payload *payload);

/* --- timer_*:COUNT ------------------------------------------------------------------------------
 */

struct bench_timers {
    size_t count_max; /* with more of them a run would take minutes */
    /* Makes timers 0 to count - 1, which do not run. */
    void (*make)(size_t count, bool is_precise);
    void (*start)(size_t index, uint32_t delay_ms);             /* fires once */
    void (*start_periodic)(size_t index, uint32_t interval_ms); /* fires again and again */
    void (*start_zero)(void); /* timer 0, once in every pass of the loop */
    /* Starts and stops timer 0, with the next delay of the sequence. */
    void (*start_and_stop)(void *random, size_t count);
    /* The same to a point in time, where the library can be given one; else NULL. */
    void (*start_at_and_stop)(void *random, size_t count);
    /* Starts timers, which run, anew: those that the `bench_restart` names. */
    void (*restart)(void *restart, size_t count);
    void (*run)(void); /* the loop; the program ends within a callback */
};

struct bench_restart {
    size_t *order; /* of the timers */
    size_t count, next;
    uint32_t random;
};

/* For the callbacks. */
void bench_timer_fired(size_t index);

/* A delay of 1 to 60 seconds, in milliseconds, from a fixed pseudo-random sequence: every peer arms
 * the same timers. `state` starts at 1. */
uint32_t bench_timer_delay_ms(uint32_t *state);

/* The next timer to start anew. */
size_t bench_restart_next(struct bench_restart *restart);

/* --- notifier:ACTIVE, 5,000 watched sockets of which so many have something to read --------------
 */

enum {
    BENCH_SOCKETS = 5000
};

struct bench_notifiers {
    void (*watch)(size_t index, int descriptor); /* for readability, as long as it holds */
    void (*run)(void);                           /* the program ends within a callback */
};

/* For the callbacks: reads, and writes to the next socket. */
void bench_notifier_ready(size_t index);

/* --- object:COUNT, connection:COUNT: bytes, time to make and to end each
 * -------------------------- */

enum {
    BENCH_CONNECTIONS_A_SIGNAL = 100
};

struct bench_things {
    void (*prepare)(size_t count); /* what is not measured; NULL: nothing */
    void (*make)(void **things, size_t count);
    void (*end)(void **things, size_t count);
};

/* --- thread_start, from the start of a thread to the first event in its loop
 * ----------------------- */

struct bench_thread {
    void (*start)(void); /* its first event calls bench_thread_began() */
    void (*join)(void);
};

void bench_thread_began(void);

/* --- threads:COUNT, an event to each of so many loops in turn
 * --------------------------------------- */

struct bench_threads {
    void (*start)(size_t threads);
    void (*send)(size_t thread); /* an event that calls bench_arrived() in that thread */
    void (*stop)(void);
};

void bench_arrived(void);

/* --- a peer
 * ------------------------------------------------------------------------------------------ */

/* What a library can do; NULL: it cannot. */
struct bench_peer {
    const char *name;
    const struct bench_emission *emission;
    /* A signal with 32 and with 256 bytes, an event object, a function. The raw loop has two ways:
     * an array under a mutex, and a list of nodes. */
    const struct bench_carrier *queued, *queued_large, *posted, *invoked, *queued_list;
    const struct bench_timers *timers;
    const struct bench_notifiers *notifiers;
    const struct bench_things *objects, *connections, *deferred_calls;
    const struct bench_thread *thread;
    const struct bench_threads *threads;
    /* Works in chunks; the cost is divided by the size where one repetition does so many. */
    void *(*make_objects)(size_t count); /* emit_objects:COUNT, one slot each, in shuffled order */
    void (*emit_objects)(void *objects, size_t count);
    void *(*make_backlog)(size_t count); /* backlog:COUNT, queued in the thread, then delivered */
    void (*fill_and_deliver)(void *backlog, size_t count);
    /* Round trips: `trips` of them, timed from start to end. */
    void (*ping_pong)(uint64_t trips); /* two sleeping loops */
    void (*call)(uint64_t trips);      /* a function in another thread, awaited */
    void (*emit_blocking)(uint64_t trips);
    /* Queues so many events for an object, then moves it to another thread; returns how long the
     * move took, and ends the object after its last event. */
    uint64_t (*move_with_backlog)(size_t count);
};

/* The main function of every bench_PEER. */
int bench_peer_main(int argc, char **argv, const struct bench_peer *peer);

/* --- between the files of the works
 * ------------------------------------------------------------------- */

int bench_run_carrier(const struct bench_carrier *carrier, size_t producers);
int bench_run_timers(const struct bench_timers *timers, const char *what, size_t count);
int bench_run_notifiers(const struct bench_notifiers *notifiers, size_t active);
int bench_run_things(const struct bench_things *things, size_t count);
int bench_run_thread(const struct bench_thread *thread);
int bench_run_threads(const struct bench_threads *threads, size_t count);

#ifdef __cplusplus
}
#endif

#endif
