/* SPDX-License-Identifier: MIT */
/* The thread record, and the frames on its thread's stack. A part of internal.h: include that. */
#ifndef HALYARD_CORE_RECORD_H
#define HALYARD_CORE_RECORD_H

/* Objects to be destroyed, in the order asked for. */
struct hy__deletes {
    struct hy_anchor *first, *last; /* last: only while there is a first */
};

/* --- frames: the handlers on a thread's stack --------------------------------------------------
 */
struct hy__frame {
    struct hy_anchor *anchor; /* the receiver; NULL: of another thread, or gone */
    struct hy__frame *outer;
    struct hy__deletes deletes;        /* as this frame returns */
    struct hy__connection *connection; /* whose slot it is; NULL: another handler */
    uint64_t connection_id;            /* of a slot; 0: of a direct one, whose connection stays */
    struct hy_anchor *sender;          /* of a slot, when known: the owner of the signal */
    bool from_loop;                    /* called by a loop, not by a direct emission */
    bool gone;         /* the receiver was finished or moved away under the handler */
    bool knows_sender; /* `sender` counts; else the connection is asked */
    bool of_event;     /* the head of a struct hy__event_frame */
};

/* The frame of an event's target, which stays while the event goes on to parents. */
struct hy__event_frame {
    struct hy__frame frame;
    struct hy_event *event; /* its `receiver` is cleared as the target goes */
};

/* A list of deletes being served: user code runs between two of them. */
struct hy__serving {
    struct hy__deletes list;
    struct hy__serving *outer;
};

/* --- thread record ------------------------------------------------------------------------------
 */
enum { /* values of the mailbox word that are not messages */
    HY__MAILBOX_EMPTY = 0,
    HY__MAILBOX_ASLEEP = 1,
    HY__MAILBOX_CLOSED = 2
};

/*
 * The runs of a thread are numbered, from 1 (30 bits, then again). Words that say something of one
 * run carry its number, so that what was meant for one never counts for the next.
 */
#define HY__RUN_MASK       0x3fffffffu
#define HY__QUIT_REQUESTED (UINT64_C(1) << 63)

enum hy__joined {
    HY__JOINED_NOBODY,   /* nobody has joined the system thread */
    HY__JOINED_SOMEBODY, /* somebody is about to */
    HY__JOINED_ENDED,    /* it has ended */
    HY__JOINED_STARTING  /* it is being made: `os` is not written yet */
};

/* What hy_thread_at_end() was asked for. */
struct hy__at_end {
    struct hy__at_end *next;
    void (*function)(void *context);
    void *context;
};

/* A list of timers. */
struct hy__entries {
    struct hy_timer_entry_ *first, *last;
};

struct hy_thread_record {
    /* any thread */
    uintptr_t mailbox;              /* atomic: see mailbox.c */
    uint64_t pushed;                /* atomic: messages that were counted as they came in here */
    HY__ALIGNED_LINE uint32_t refs; /* atomic */
    uint32_t state;                 /* atomic; run << 2 | enum hy_thread_state; joins park on it */
    uint64_t quit;                  /* atomic: HY__QUIT_REQUESTED, run << 32, the code */
    uint64_t holds;                 /* atomic: run << 32, how many */
    uint32_t interrupted;           /* atomic: run << 1, and 1 once it was asked to stop early */
    uint32_t run;                   /* written as it starts; const while it runs */
    uint32_t join_word;             /* atomic: run << 2 | enum hy__joined; joins park on it */
    struct hy__os_thread os;        /* written by home of the handle; read by the one that joins */
    uint32_t generation;            /* const: see fork.c */
    uint32_t priority_lock;
    uint32_t system_number; /* priority_lock: of the running thread, or 0 */
    int32_t priority;       /* priority_lock: what was asked for, or -1 */
    uint32_t woken;         /* atomic: hy_thread_wake() was called, and has ended no wait yet */
    struct hy_dispatcher *dispatcher; /* atomic; set once, destroyed with the record */
    struct hy_thread *handle;         /* atomic; NULL once the handle is gone */
    struct hy_object *context;        /* const from its making to the end of the handle */
    void *adopted_handle;             /* const: the memory of an adopted thread's handle, or NULL */
    uint64_t delivered, dropped, kept;         /* atomic, written by home */
    uint64_t high_water, passes, waits, wakes; /* the same: see halyard/diagnostics.h */
    uint64_t pulled; /* the same: of `pushed`, those that were taken since */
    struct hy__measured measured;
    char name[HY__NAME_SIZE]; /* const once started */

    /* home */
    HY__ALIGNED_LINE struct hy__frame *frame; /* the innermost */
    struct hy__hazards *hazards;
    uint32_t hazard_depth;
    uint32_t rest;          /* what taking the mail leaves: EMPTY, or ASLEEP for a hosted loop */
    uint32_t next_pass;     /* stamp for messages that arrive now */
    uint32_t queue_changes; /* how often something may have left the middle of a queue */
    struct hy_loop *loop;   /* the innermost loop, a foreign one included */
    uint64_t queued;        /* atomic: messages in the first half of the queues */
    struct hy__filters *filters; /* of the events of all objects here; NULL: none */
    uint64_t held; /* atomic: messages in the second half: 0 unless user input is excluded */
    struct hy__queue queues[HY__QUEUES]; /* by priority; then those held back, by priority */
    int32_t depth;           /* loops and passes of hy_process() or a foreign loop, in each other */
    int32_t depth_limit;     /* 0: none */
    int32_t loops;           /* the library's own loops that execute */
    unsigned exclusions;     /* enum hy_process_flag: what the innermost of them leaves alone;
                                changed by hy__exclude() */
    bool inside;             /* callbacks may be on the stack above the innermost loop */
    bool waiting;            /* the dispatcher waits, called by a loop or by hy_process() */
    bool announced;          /* about_to_block was emitted, and awake was not since */
    bool was_woken;          /* hy_thread_wake() has ended the last wait */
    int32_t guest_callbacks; /* run by a foreign loop out of the wait in progress */
    int attached; /* whether the dispatcher was told of the thread; negative: it failed */
    struct hy_native_filter *native_filters;  /* the newest first */
    struct hy__native_walk *native_walk;      /* walks over them, the innermost */
    uint64_t native_turn;                     /* numbers their installations */
    bool native_unsorted;                     /* one was installed again during a walk */
    struct hy_object *first_root, *last_root; /* parentless objects that live here */
    struct hy__queue arrivals;             /* ADOPT messages whose objects have not been told yet */
    struct hy__deletes deletes;            /* destroy_later outside every loop */
    struct hy__serving *serving;           /* lists of deletes being served, the innermost */
    struct hy_timer_entry_ *timer_heap;    /* the root: see timer_heap.c */
    struct hy__timer_groups *timer_groups; /* NULL: no coarse timer yet, or no memory */
    struct hy__entries due, zero;          /* timers: groups of the due ones; those of no delay */
    uint32_t timer_order, zero_pass;
    uint32_t zero_idle; /* zero timers not inside their own callback */
    struct hy_notifier *first_ready, *last_ready;
    struct hy__slab *slabs[HY__SLAB_CLASSES];
    struct hy__returns returns[HY__RETURNS];
    uint32_t lanes;                  /* of returns: a bit for each that has cells */
    struct hy_thread *first_started; /* threads started from here, for the application's shutdown */
    struct hy__at_end *at_ends;      /* the one asked for last comes first */
    struct hy__observer *observer;   /* NULL: nothing was observed here yet */
    uint32_t hooking;                /* moves whose hooks are being called */
    bool adopted;
    bool parked; /* const: of objects that live in no thread; nobody runs it */
    bool closed; /* the mailbox is */

    /* what the thread is blocked in: see wait.c */
    HY__ALIGNED_LINE uint32_t wait_lock;
    uint32_t resting;                /* atomic: what it has not done until now, it keeps undone */
    uint64_t wait_number;            /* wait_lock; 0: in nothing */
    struct hy__wait *wait;           /* wait_lock: a call, */
    struct hy_thread_record *joined; /* wait_lock: or the end of this thread */
};

#endif
