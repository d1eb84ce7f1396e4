/* SPDX-License-Identifier: MIT */
/*
 * The core's private structures. ARCHITECTURE.md ("The core in one page") is the map.
 *
 * Guards, as named in the comments of fields:
 *   home     only the thread that the record, or the object, belongs to
 *   lock     under the lock word of the same structure
 *   atomic   by atomic access; the code that does it says why its order is enough
 *   const    never changes after creation
 * Lock order: hub, then anchor. No lock is held while user code, the allocator or the system runs.
 */
#ifndef HALYARD_CORE_INTERNAL_H
#define HALYARD_CORE_INTERNAL_H

#include "platform/platform.h"

#include <halyard/app.h>
#include <halyard/dispatcher.h>
#include <halyard/error.h>
#include <halyard/event.h>
#include <halyard/log.h>
#include <halyard/loop.h>
#include <halyard/memory.h>
#include <halyard/notifier.h>
#include <halyard/object.h>
#include <halyard/pool.h>
#include <halyard/signal.h>
#include <halyard/thread.h>
#include <halyard/timer.h>
#include <halyard/unix_signal.h>

enum {
    HY__CACHE_LINE = 64,
    HY__BATCH = 256,  /* messages delivered in one iteration, so that timers and descriptors get
                         their turn */
    HY__HAZARDS = 32, /* emissions inside each other that need no shared counter */
    HY__PRIORITIES = 3,
    HY__SLAB_CLASSES = 2,
    HY__RETURNS = 4, /* chains of foreign cells that a thread collects before giving them back */
    HY__DRAIN_ROUNDS =
        1000,           /* passes that a draining thread makes before it drops what keeps coming */
    HY__NAME_SIZE = 32, /* of a thread, with the NUL */
    HY__OBJECT_NAME_SIZE = 64 /* of an object */
};

#define HY__ALIGNED_LINE __attribute__((aligned(HY__CACHE_LINE)))

/* --- memory.c ------------------------------------------------------------------------------- */
void *hy__allocate_aligned(size_t alignment, size_t size);
void *hy__allocate_aligned_zeroed(size_t alignment, size_t size);
void hy__release_aligned(void *memory);

/* --- slab.c: cells for messages ------------------------------------------------------------- */
struct hy__slab;
struct hy__cell {
    struct hy__cell *next;
};
/* A chain of cells on its way back to another thread's slab. */
struct hy__returns {
    struct hy__slab *slab;
    struct hy__cell *first, *last;
    int64_t count;
};

/* --- messages -------------------------------------------------------------------------------- */
enum hy__message_kind {
    HY__MESSAGE_SLOT,
    HY__MESSAGE_EVENT,
    HY__MESSAGE_INVOKE,
    HY__MESSAGE_ADOPT,   /* an object tree arrives, with what was posted to it */
    HY__MESSAGE_DESTROY, /* hy_object_destroy_later() from another thread */
    HY__MESSAGE_CUT      /* behind the last call that a dead sender queued: cut its connection */
};

/* Owned by one thread at a time: the poster, the mailbox, the consumer. */
struct hy__message {
    struct hy__message *next;
    struct hy_anchor *anchor; /* the receiver; kept alive by anchor->posted */
    union {
        struct hy__connection *connection; /* SLOT, CUT; type-stable memory */
        hy_invoke_function function;       /* INVOKE */
        struct hy__message *cargo;         /* ADOPT */
        uint64_t event_type;               /* EVENT */
    } to;
    uint64_t connection_id;               /* SLOT, CUT */
    const struct hy_payload *description; /* NULL: plain bytes or none */
    struct hy__slab *slab;                /* whose cell this is; NULL: from the heap */
    uint32_t pass;                        /* the pass that delivers it */
    uint32_t size;                        /* bytes of payload */
    uint8_t kind;
    uint8_t priority;
    bool has_payload;
    uint8_t slab_class;
    uint32_t reserved;
};
/* The payload stands behind the header, aligned for everything. */
#define HY__MESSAGE_HEADER ((sizeof(struct hy__message) + 15) & ~(size_t)15)
static inline void *hy__message_payload(struct hy__message *message)
{
    return (char *)message + HY__MESSAGE_HEADER;
}

struct hy__queue {
    struct hy__message *first, **end;
};

/* --- anchor: what other threads hold of an object -------------------------------------------- */
struct hy_anchor {
    uint32_t lock;
    uint32_t refs; /* atomic: weak references, connections, delete lists, and 1 for the
                      object together with the messages on their way to it */
    struct hy_thread_record
        *home; /* written under lock by the home thread; read atomically. Holds a reference */
    struct hy__connection *incoming; /* lock: connections whose receiver this is */
    uint32_t posted;                 /* lock: messages from other threads so far */
    bool dead;                       /* lock: fini has begun */
    bool fixed; /* const once made: its thread's own; neither moved nor finished by anybody else */
    uint32_t generation;         /* const: see fork.c */
    struct hy_anchor *move_next; /* lock, in a move: the anchor that is unlocked after this one */
    HY__ALIGNED_LINE struct hy_object
        *object; /* home (atomic where a direct emission of another thread looks); NULL: dead */
    uint32_t delivered;            /* home: of `posted`, modulo 2^32; own posts count down */
    bool finished;                 /* home: fini has ended; the last message drops the reference */
    bool delete_requested;         /* home */
    bool delete_hangs;             /* home: in a list of deletes, a frame's or the record's */
    struct hy_anchor *delete_next; /* home: the next in that list */
};

/* --- connections ------------------------------------------------------------------------------ */
enum {
    HY__FLAG_BLOCKED = HY_UNIQUE, /* emissions pass it by; HY_UNIQUE itself is not kept */
    HY__FLAG_SPENT = 1 << 11,     /* a single-shot connection that has fired */
    HY__FLAG_QUEUED = 1 << 12,    /* something has been queued through it */
    HY__FLAG_EXTENDED = 1 << 13,  /* `slot` is its struct hy__extension */
    HY__FLAG_CUT = 1 << 14,       /* it has been buried */
    HY__FLAG_HELD = 1 << 15,      /* a handle looks at it: it is not recycled meanwhile */
    HY__FLAGS_OF_USER = 0x7ff & ~HY_UNIQUE,
    HY__ID_SHIFT = 16
};

/* 64 bytes, one cache line, in type-stable memory: a queued message may look at a recycled one and
 * finds another id. */
struct hy__connection {
    struct hy__connection *next,
        *previous; /* hub lock; next is read by walkers, and stays readable after unlinking */
    hy_slot slot;  /* atomic; NULL once cut */
    struct hy_anchor
        *anchor;        /* the receiver; holds a reference. const while linked or in a grave */
    struct hy_hub *hub; /* const while linked */
    struct hy__connection *in_next; /* anchor lock: in anchor->incoming; in a grave: hub lock */
    union {
        struct hy__connection *in_previous; /* anchor lock */
        uint64_t burial;                    /* hub lock, in a grave: its number */
    } u;
    uint64_t id_flags; /* atomic: 48 bits of id, 16 of flags; free: the link of the pool */
};

struct hy_hub {
    struct hy__connection *head; /* hub lock to write; walkers read */
    uint64_t last_id; /* atomic: emissions do not reach connections made after they began */
    uint64_t burials; /* atomic; written under lock */
    uint32_t closed;  /* atomic: the owner is gone */
    uint32_t lock;
    uint32_t pins; /* atomic: walkers that found no hazard slot */
    uint32_t refs; /* atomic: 1 for the signal, 1 for whoever cuts from the receiver's side, and in
                      a closed hub 1 for each connection that is still linked */
    struct hy__connection *tail;   /* lock */
    struct hy__connection *graves; /* lock; atomic for the look without it */
    uint32_t grave_count, reap_at; /* lock */
    struct hy_hub *orphan_next;    /* owned by whoever holds the orphan */
};

#define HY__WALK_PARKED UINT64_MAX

/* One emission in progress. Written by its thread, read by reapers. */
struct hy__walk {
    const struct hy_hub *hub; /* atomic; NULL: free */
    uint64_t number;          /* atomic: hub->burials when the walk began, or HY__WALK_PARKED */
    const struct hy__connection *at; /* atomic: the connection whose slot runs */
};

/* One per living thread; never freed, reused. Linked in a list that only grows. */
struct hy__hazards {
    struct hy__walk walks[HY__HAZARDS];
    struct hy__hazards *next; /* const once linked */
    uint32_t used;            /* atomic */
};

/* --- frames: the handlers on a thread's stack --------------------------------------------------
 */
struct hy__frame {
    struct hy_anchor *anchor; /* the receiver; NULL: of another thread, or gone */
    struct hy__frame *outer;
    struct hy_anchor *deletes; /* objects to be destroyed as this frame returns */
    bool from_loop;            /* called by a loop, not by a direct emission */
    bool gone;                 /* the receiver was finished or moved away under the handler */
};

/* A list of deletes being served: user code runs between two of them. */
struct hy__serving {
    struct hy_anchor *list;
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

/* What hy_thread_at_end() was asked for. */
struct hy__at_end {
    struct hy__at_end *next;
    void (*function)(void *context);
    void *context;
};

struct hy_thread_record {
    /* any thread */
    uintptr_t mailbox;              /* atomic: see mailbox.c */
    HY__ALIGNED_LINE uint32_t refs; /* atomic */
    uint32_t state;                 /* atomic; run << 2 | enum hy_thread_state; joins park on it */
    uint64_t quit;                  /* atomic: HY__QUIT_REQUESTED, run << 32, the code */
    uint64_t holds;                 /* atomic: run << 32, how many */
    uint32_t interrupted;           /* atomic: the run that was asked to stop early, or 0 */
    uint32_t run;                   /* written as it starts; const while it runs */
    uint32_t generation;            /* const: see fork.c */
    uint32_t priority_lock;
    uint32_t system_number;           /* priority_lock: of the running thread, or 0 */
    int32_t priority;                 /* priority_lock: what was asked for, or -1 */
    struct hy_dispatcher *dispatcher; /* atomic; set once, destroyed with the record */
    struct hy_thread *handle;         /* atomic; NULL once the handle is gone */
    struct hy_object *context;        /* const from its making to the end of the handle */
    void *adopted_handle;             /* const: the memory of an adopted thread's handle, or NULL */
    uint64_t delivered, dropped, kept; /* atomic, written by home */
    char name[HY__NAME_SIZE];          /* const once started */

    /* home */
    HY__ALIGNED_LINE struct hy__frame *frame; /* the innermost */
    struct hy__hazards *hazards;
    uint32_t hazard_depth;
    uint32_t rest;        /* what taking the mail leaves: EMPTY, or ASLEEP for a hosted loop */
    uint32_t next_pass;   /* stamp for messages that arrive now */
    int32_t depth;        /* loops executing */
    struct hy_loop *loop; /* the innermost */
    struct hy__queue queues[HY__PRIORITIES];
    uint64_t queued;
    struct hy_object *first_root, *last_root; /* parentless objects that live here */
    struct hy__queue arrivals;   /* ADOPT messages whose objects have not been told yet */
    struct hy_anchor *deletes;   /* destroy_later outside every loop */
    struct hy__serving *serving; /* lists of deletes being served, the innermost */
    struct hy_timer *timer_heap; /* pairing heap */
    struct hy_timer *first_due, *last_due;
    struct hy_timer *first_zero, *last_zero;
    uint64_t timer_order, zero_pass;
    uint32_t zero_idle; /* zero timers not inside their own callback */
    struct hy_notifier *first_ready, *last_ready;
    struct hy__slab *slabs[HY__SLAB_CLASSES];
    struct hy__returns returns[HY__RETURNS];
    struct hy_thread *first_started; /* threads started from here, for the application's shutdown */
    struct hy__at_end *at_ends;      /* the one asked for last comes first */
    bool adopted;
    bool closed; /* the mailbox is */
};

/* record.c */
extern __thread struct hy_thread_record *hy__current_record
    __attribute__((tls_model("initial-exec"), visibility("hidden")));

struct hy_thread_record *hy__record_adopt(void);
static inline struct hy_thread_record *hy__record_if_any(void)
{
    return hy__current_record;
}
/* The calling thread's record, made at first use; NULL: out of memory, the last error is set. */
static inline struct hy_thread_record *hy__record(void)
{
    struct hy_thread_record *record = hy__current_record;
    return __builtin_expect(record != NULL, 1) ? record : hy__record_adopt();
}
struct hy_thread_record *hy__record_create(const char *name);
void hy__record_ref(struct hy_thread_record *record);
void hy__record_unref(struct hy_thread_record *record);
/* Gives back what belongs to the running thread; the record itself stays. */
void hy__record_leave(struct hy_thread_record *record);
/* In a record whose thread does not run and would never get to it: drops the arrivals of dead
 * objects and, if asked to, the messages that wait for them. */
void hy__record_purge(struct hy_thread_record *record, bool messages);
/* Destroys what was asked for outside every loop. */
void hy__record_serve_deletes(struct hy_thread_record *record);
/* Delivers until nothing is left, or gives up on a thread that keeps posting to itself. */
void hy__record_drain(struct hy_thread_record *record);
/* Finishes objects and messages by the policy. In its own thread, or while none runs. */
void hy__record_finish(struct hy_thread_record *record, enum hy_finish_policy policy);
static inline enum hy_thread_state hy__record_state(const struct hy_thread_record *record)
{
    /* Acquire: after the end of a thread, what it did is seen. */
    return (enum hy_thread_state)(__atomic_load_n(&record->state, __ATOMIC_ACQUIRE) & 3u);
}
/* Of its present run. Release: see above. */
static inline void hy__record_set_state(struct hy_thread_record *record, enum hy_thread_state state)
{
    __atomic_store_n(&record->state, record->run << 2 | (uint32_t)state, __ATOMIC_RELEASE);
}
/* The words of a run begin anew. */
void hy__record_begin_run(struct hy_thread_record *record, uint32_t run);
bool hy__record_is_running(const struct hy_thread_record *record);
/* Makes the default dispatcher if there is none. */
int hy__record_need_dispatcher(struct hy_thread_record *record);
void hy__record_wake(struct hy_thread_record *record);
int64_t hy__record_now(struct hy_thread_record *record);
bool hy__park(uint32_t *word, uint32_t expected, int64_t deadline_ns);
void hy__unpark(uint32_t *word);

/* slab.c */
struct hy__message *hy__message_allocate(size_t payload_size);
void hy__message_release(struct hy__message *message);
void hy__returns_flush(struct hy_thread_record *record);
void hy__slabs_abandon(struct hy_thread_record *record);

/* mailbox.c */
enum hy__push_result {
    HY__PUSH_CLOSED = -1,
    HY__PUSH_DONE = 0,
    HY__PUSH_WAKE = 1 /* the consumer sleeps: wake it */
};
enum hy__push_result hy__mailbox_push(struct hy_thread_record *record, struct hy__message *message);
void hy__mailbox_take(struct hy_thread_record *record);
bool hy__mailbox_sleep(struct hy_thread_record *record);
void hy__mailbox_wake_up(struct hy_thread_record *record);
void hy__mailbox_close(struct hy_thread_record *record);
void hy__mailbox_open(struct hy_thread_record *record);
void hy__record_enqueue(struct hy_thread_record *record, struct hy__message *message);

/* deliver.c */
static inline void hy__frame_push(struct hy_thread_record *record, struct hy__frame *frame,
                                  struct hy_anchor *anchor, bool from_loop)
{
    frame->anchor = anchor;
    frame->outer = record->frame;
    frame->deletes = NULL;
    frame->from_loop = from_loop;
    frame->gone = false;
    record->frame = frame;
}
/* Serves the deletes that hang on a frame; whether its receiver is still alive and here. */
bool hy__frame_serve(struct hy_thread_record *record, struct hy__frame *frame);
/* Whether the receiver is still alive and here. */
static inline bool hy__frame_pop(struct hy_thread_record *record, struct hy__frame *frame)
{
    record->frame = frame->outer;
    if (HY_UNLIKELY(frame->deletes != NULL))
        return hy__frame_serve(record, frame);
    return !frame->gone;
}
void hy__frames_mark_gone(struct hy_thread_record *record, const struct hy_anchor *anchor);
/* Delivers at most limit messages of the passes up to now; stops early when the loop is asked to.
 */
int hy__deliver(struct hy_thread_record *record, int limit);
/* Ends a message without delivering it. */
void hy__message_drop(struct hy_thread_record *record, struct hy__message *message);
/* Ends a message that was posted, without counting it as dropped. */
void hy__message_settle(struct hy__message *message);
/* Ends a message that never was posted. */
void hy__message_discard(struct hy__message *message);
void hy__arrivals_enter(struct hy_thread_record *record);

/* event.c */
void hy__event_handle(struct hy_object *object, struct hy_event *event);

/* delete.c */
void hy__deletes_serve(struct hy_thread_record *record, struct hy_anchor *list);
void hy__destroy_request_arrived(struct hy_thread_record *record, struct hy_anchor *anchor);
/* Takes the anchor out of whatever list of deletes it hangs in: its object moves away. */
void hy__delete_unhang(struct hy_thread_record *record, struct hy_anchor *anchor);

/* anchor.c: posting */
struct hy_anchor *hy__anchor_create(struct hy_object *object, struct hy_thread_record *home);
void hy__anchor_ref(struct hy_anchor *anchor);
void hy__anchor_unref(struct hy_anchor *anchor);
/* The message is taken over on success only. */
int hy__post(struct hy_anchor *anchor, struct hy__message *message);
struct hy_thread_record *hy__anchor_home(const struct hy_anchor *anchor);
/* The home with a reference, for other threads: an object that moves lets go of its old home. */
struct hy_thread_record *hy__anchor_home_ref(struct hy_anchor *anchor);

/* object.c */
enum {
    HY__OBJECT_HEAP = 1 << 0,
    HY__OBJECT_DYING = 1 << 1,
    HY__OBJECT_LEAVING = 1 << 2 /* its hooks are being called before a move */
};
/* As hy_object_check_thread(), and -HY_ESHUTDOWN for an object whose fini has begun. */
int hy__object_check_alive(const struct hy_object *object, const char *operation);
/* Sets the error for what nobody may do ("ended") with an object that is its thread's own. */
int hy__object_is_fixed(const struct hy_object *object, const char *operation);
void hy__root_link(struct hy_thread_record *record, struct hy_object *object);
void hy__root_unlink(struct hy_thread_record *record, struct hy_object *object);
const char *hy__object_text(const struct hy_object *object);
void hy__children_finish(struct hy_object *object, struct hy_thread_record *home);
/* The next object of the tree in the order parents first; NULL at the end. */
struct hy_object *hy__tree_next(struct hy_object *root, struct hy_object *object);
/* leave_thread or enter_thread of each class that has it, the most derived first. */
void hy__object_call_hook(struct hy_object *object, bool entering);

/* connection.c, hazard.c, hub.c, connect.c, emit.c */
static inline void hy__slot_call(hy_slot slot, uint64_t flags, void *receiver, const void *payload)
{
    if ((flags & HY_NO_PAYLOAD_) != 0)
        ((void (*)(void *))(void (*)(void))slot)(receiver);
    else
        slot(receiver, payload);
}
struct hy__connection *hy__connection_allocate(void);
void hy__connection_release(struct hy__connection *connection);
/* Cuts all connections of a dying object: those to it, and those of its signals. */
void hy__connections_of_receiver_cut(struct hy_anchor *anchor);
void hy__signal_close(struct hy_signal_base *signal);
/* Cuts the connection if it is still the one with the id. */
bool hy__connection_cut(struct hy_anchor *anchor, struct hy__connection *connection, uint64_t id);
int hy__hazards_acquire(struct hy_thread_record *record);
void hy__hazards_release(struct hy_thread_record *record);
void hy__walks_park(struct hy_thread_record *record);
void hy__orphans_reap(void);
/* In a forked child: walks of threads that are not there; hubs that they left. */
void hy__hazards_forget(const struct hy_thread_record *own);
void hy__orphans_forget(void);

/* message.c: a message with a copy of the payload */
int hy__message_make(const struct hy_payload *description, const void *payload,
                     struct hy__message **ret_message);

/* timer.c */
void hy__timers_fire(struct hy_thread_record *record, int *callbacks);
void hy__timers_fire_zero(struct hy_thread_record *record);
/* The time of the next timer, HY_FOREVER: none; *ret_precise as it wants. */
int64_t hy__timers_deadline(const struct hy_thread_record *record, bool *ret_precise);

/* notifier.c */
void hy__notifiers_deliver(struct hy_thread_record *record, int *callbacks);
void hy__notifier_is_ready(void *cookie, unsigned conditions);

/* loop.c */
bool hy__loop_should_stop(struct hy_thread_record *record);
int hy__thread_exec(struct hy_thread_record *record);

/* app.c, unix_signal.c */
void hy__app_forget(void);
/* Forgets what has arrived; returns a bit, number - 1, for each signal of which something had. */
uint64_t hy__unix_signal_discard(struct hy_unix_signal *self);

/* thread.c */
struct hy_thread_record *hy__thread_record(const struct hy_thread *thread);
/* Asks the threads started from this one to quit, the last one first, and joins them. */
void hy__threads_stop(struct hy_thread_record *record);
/* Makes the handle of a thread that the library did not start; it ends with the record. */
int hy__thread_adopt_handle(struct hy_thread_record *record);
/* Ends it, all but its memory. */
void hy__thread_end_handle(struct hy_thread_record *record);
/* The end of a thread, in that thread, up to the moment at which it counts as finished. */
void hy__thread_finish(struct hy_thread_record *record, enum hy_finish_policy policy);

/* control.c */
/* The request to end all loops; the caller wakes the thread. */
void hy__record_set_quit(struct hy_thread_record *record, int code);
/* Forgets it. Home. */
void hy__record_clear_quit(struct hy_thread_record *record);
/* As a run ends: what was asked of it is forgotten. */
void hy__control_forget(struct hy_thread_record *record);
/* In the thread: its number is known from here to there, and the priority asked for is set. */
void hy__priority_begin(struct hy_thread_record *record);
void hy__priority_end(struct hy_thread_record *record);
/* Calls what hy_thread_at_end() was asked for. */
void hy__at_ends_call(struct hy_thread_record *record);

/* fork.c */
int hy__fork_prepare(void);
/* Whether it was made before this process was forked: nothing can be done with it any more. */
static inline bool hy__anchor_is_lost(const struct hy_anchor *anchor)
{
    return HY_UNLIKELY(anchor->generation != hy__generation);
}
static inline bool hy__record_is_lost(const struct hy_thread_record *record)
{
    return HY_UNLIKELY(record->generation != hy__generation);
}
/* Sets the error for that. */
int hy__lost(const char *what);

/* Relaxed single-writer count: only the home thread adds, others may read. */
static inline void hy__count(uint64_t *counter, uint64_t by)
{
    __atomic_store_n(counter, __atomic_load_n(counter, __ATOMIC_RELAXED) + by, __ATOMIC_RELAXED);
}

#endif
