/* SPDX-License-Identifier: MIT */
/*
 * The core's private structures. ARCHITECTURE.md ("The core in one page") is the map.
 *
 * Guards, as named in the comments of fields:
 *   home     only the thread that the record, or the object, belongs to
 *   lock     under the lock word of the same structure
 *   atomic   by atomic access; the code that does it says why its order is enough
 *   const    never changes after creation
 * Lock order: hub, then ring, then anchor; nothing is locked under a wait_lock. No lock is held
 * while user code, the allocator or the system runs.
 */
#ifndef HALYARD_CORE_INTERNAL_H
#define HALYARD_CORE_INTERNAL_H

#include "core/probes.h"
#include "platform/platform.h"

#include <halyard/app.h>
#include <halyard/diagnostics.h>
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
    HY__PRIORITIES = 3,
    HY__QUEUES = 2 * HY__PRIORITIES, /* those to be delivered, and those of user input held back */
    HY__SLAB_CLASSES = 3,
    /* messages delivered in one iteration, so that timers and descriptors get their turn */
    HY__BATCH = HY__HARD ? 1 : 256,
    /* emissions inside each other that need no shared counter */
    HY__HAZARDS = HY__HARD ? 1 : 32,
    /* chains of foreign cells that a thread collects before giving them back */
    HY__RETURNS = HY__HARD ? 1 : 8,
    HY__DRAIN_ROUNDS =
        1000, /* passes that a draining thread makes before it drops what keeps coming */
    HY__DEPTH_LIMIT = 100,    /* loops in each other, unless the thread sets another limit */
    HY__NAME_SIZE = 32,       /* of a thread, with the NUL */
    HY__OBJECT_NAME_SIZE = 64 /* of an object */
};

#define HY__ALIGNED_LINE __attribute__((aligned(HY__CACHE_LINE)))

/* Variables shared between files, reached without a table. On Windows nothing is exported that does
 * not say so. */
#ifdef _WIN32
#define HY__HIDDEN
#else
#define HY__HIDDEN __attribute__((visibility("hidden")))
#endif

/* --- memory.c ------------------------------------------------------------------------------- */
void *hy__allocate_aligned(size_t alignment, size_t size);
void *hy__allocate_aligned_zeroed(size_t alignment, size_t size);
void hy__release_aligned(void *memory, size_t size); /* the size that was asked for */

/* --- store.c --------------------------------------------------------------------------------- */
enum {
    HY__STORE_CHUNKS = 26 /* 64 * (2^26 - 1) cells: 4 billion */
};
/* Over the index of the next free cell; as the id of a connection it is nobody's. */
#define HY__STORE_LINK (UINT64_C(0xffffffff) << 32)
struct hy__store {
    const size_t cell_size;   /* bytes; a multiple of the cache line */
    const size_t link_offset; /* of 8 bytes: the store's while the cell is free; its owner writes
                                       them atomically only, for a loser may still look */
    uint64_t used;            /* atomic: tag << 32 | index + 1 of the first free cell */
    uint32_t fresh;           /* atomic: from this index on no cell has been taken yet */
    char *chunks[HY__STORE_CHUNKS]; /* atomic */
};
/* A cell as it was given back, or one of zeros; NULL: out of memory. Any thread. */
void *hy__store_take(struct hy__store *store);
void hy__store_give(struct hy__store *store, void *cell);

/* Under AddressSanitizer what else would come from stores and slabs comes from the heap, so that a
 * use after release is seen. */
#if defined(__SANITIZE_ADDRESS__)
#define HY__CELLS_OFF 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HY__CELLS_OFF 1
#endif
#endif
#ifndef HY__CELLS_OFF
#define HY__CELLS_OFF 0
#endif

/* --- log.c -----------------------------------------------------------------------------------
 */
extern int hy__log_floor HY__HIDDEN; /* atomic: below it all is dropped */
/* What the core says of itself; halyard/log.h names the categories. Off, it costs one look. */
#define hy__debug(category, ...)                                                                   \
    do {                                                                                           \
        /* Relaxed: a line more or less does not matter. */                                        \
        if (HY_UNLIKELY(__atomic_load_n(&hy__log_floor, __ATOMIC_RELAXED) <= HY_LOG_DEBUG) &&      \
            hy_log_is_enabled(HY_LOG_DEBUG, (category)))                                           \
            hy_log(HY_LOG_DEBUG, (category), __VA_ARGS__);                                         \
    } while (0)

/* Relaxed single-writer count: only the home thread adds, others may read. */
static inline void hy__count(uint64_t *counter, uint64_t by)
{
    __atomic_store_n(counter, __atomic_load_n(counter, __ATOMIC_RELAXED) + by, __ATOMIC_RELAXED);
}
static inline void hy__uncount(uint64_t *counter, uint64_t by)
{
    hy__count(counter, ~by + 1);
}

#include "core/message.h"

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
    bool fixed; /* atomic, relaxed: says nothing else; its thread's own; neither moved nor finished
                   by anybody else */
    uint32_t generation;         /* const: see fork.c */
    struct hy_anchor *move_next; /* lock, in a move: the anchor that is unlocked after this one */
    struct hy__message *compressible;     /* home: the newest in the queues that may be merged */
    struct hy__object_measured *measured; /* atomic, home: NULL: not measured */
    HY__ALIGNED_LINE struct hy_object
        *object; /* home (atomic where a direct emission of another thread looks); NULL: dead */
    uint32_t delivered;            /* home: of `posted`, modulo 2^32; own posts count down */
    bool finished;                 /* home: fini has ended; the last message drops the reference */
    bool delete_requested;         /* home */
    bool delete_hangs;             /* home: in a list of deletes, a frame's or the record's */
    bool delete_counted;           /* home, while hy_posted_count() looks */
    struct hy_anchor *delete_next; /* home: the next in that list */
    hy_signal0 destroyed;          /* hy_object_destroyed(); its hub: atomic */
    struct hy__call_later *calls;  /* home: hy_object_after(), the newest first */
    struct hy__filters *filters;   /* home: filters of the object's events; NULL: none */
};

#include "core/connection.h"
#include "core/observe.h"
#include "core/record.h"

/* record.c */
#ifdef _WIN32
/* There the compiler emulates thread-local variables, and frees them before the last destructors of
 * a thread, which may still use the library. */
static inline struct hy_thread_record *hy__record_if_any(void)
{
    return hy__thread_slot();
}
static inline void hy__record_set_current(struct hy_thread_record *record)
{
    hy__thread_slot_set(record);
}
#else
extern __thread struct hy_thread_record *hy__current_record
    __attribute__((tls_model("initial-exec"))) HY__HIDDEN;
static inline struct hy_thread_record *hy__record_if_any(void)
{
    return hy__current_record;
}
static inline void hy__record_set_current(struct hy_thread_record *record)
{
    hy__current_record = record;
}
#endif
struct hy_thread_record *hy__record_adopt(void);
/* The calling thread's record, made at first use; NULL: out of memory, the last error is set. */
static inline struct hy_thread_record *hy__record(void)
{
    struct hy_thread_record *record = hy__record_if_any();
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
/* Whether it runs and will deliver, or drop, what is posted now. */
bool hy__record_takes_calls(struct hy_thread_record *record);
/* Whether what lives there lives in no thread: parked, or kept by one whose handle is gone. */
bool hy__record_is_nowhere(const struct hy_thread_record *record);
/* Makes the default dispatcher if there is none; fails when the dispatcher would not attach. */
int hy__record_need_dispatcher(struct hy_thread_record *record);
/* What a dispatcher must have to be one of this version. */
int hy__dispatcher_check(const struct hy_dispatcher *dispatcher);
/* Gives the record its dispatcher; the thread attaches it. */
void hy__record_set_dispatcher(struct hy_thread_record *record, struct hy_dispatcher *dispatcher);
/* In the record's thread: tells the dispatcher that it begins, and that it has ended. */
int hy__record_attach(struct hy_thread_record *record);
void hy__record_attached(struct hy_thread_record *record);
void hy__record_detach(struct hy_thread_record *record);
void hy__record_wake(struct hy_thread_record *record);
/* After a request to quit: wakes the thread, but when it is the calling one and will look anyway.
 */
void hy__record_rouse(struct hy_thread_record *record);
int64_t hy__record_now(struct hy_thread_record *record);
bool hy__park(uint32_t *word, uint32_t expected, int64_t deadline_ns);
void hy__unpark(uint32_t *word);
/* The same for a thread that has left its record. */
void hy__record_unpark(struct hy_thread_record *record, uint32_t *word);

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
/* Whether nobody has posted since it was last taken; of the moment. */
static inline bool hy__mailbox_is_empty(const struct hy_thread_record *record)
{
    return __atomic_load_n(&record->mailbox, __ATOMIC_RELAXED) <= HY__MAILBOX_CLOSED;
}
void hy__mailbox_close(struct hy_thread_record *record);
void hy__mailbox_open(struct hy_thread_record *record);
void hy__record_enqueue(struct hy_thread_record *record, struct hy__message *message);

/* queue.c */
/* Takes *link out of the queue of that index. False: it is not the caller's to deal with. */
bool hy__queue_unlink(struct hy_thread_record *record, int index, struct hy__message **link);
/* What the iteration that begins, or goes on, leaves alone. */
void hy__exclude(struct hy_thread_record *record, unsigned exclusions);
/* A message with a flag of HY__MESSAGE_SPECIAL has come up. False: it is not to be delivered now.
 */
bool hy__special_popped(struct hy_thread_record *record, struct hy__message *message);

/* deliver.c */
static inline void hy__frame_push(struct hy_thread_record *record, struct hy__frame *frame,
                                  struct hy_anchor *anchor, bool from_loop)
{
    frame->anchor = anchor;
    frame->outer = record->frame;
    frame->deletes.first = NULL;
    frame->connection = NULL;
    frame->from_loop = from_loop;
    frame->gone = false;
    frame->of_event = false;
    frame->knows_sender = false;
    record->frame = frame;
}
/* Behind hy__frame_push(): it is a slot. */
static inline void hy__frame_set_slot(struct hy__frame *frame, struct hy__connection *connection,
                                      uint64_t id)
{
    frame->connection = connection;
    frame->connection_id = id;
}
static inline void hy__frame_set_sender(struct hy__frame *frame, struct hy_anchor *sender)
{
    frame->sender = sender;
    frame->knows_sender = true;
}
/* Serves the deletes that hang on a frame; whether its receiver is still alive and here. */
bool hy__frame_serve(struct hy_thread_record *record, struct hy__frame *frame);
/* Whether the receiver is still alive and here. */
static inline bool hy__frame_pop(struct hy_thread_record *record, struct hy__frame *frame)
{
    record->frame = frame->outer;
    if (HY_UNLIKELY(frame->deletes.first != NULL))
        return hy__frame_serve(record, frame);
    return !frame->gone;
}
void hy__frames_mark_gone(struct hy_thread_record *record, const struct hy_anchor *anchor);
/* Delivers at most limit messages of the passes up to now; stops early when the loop is asked to.
 */
int hy__deliver(struct hy_thread_record *record, int limit);
/* Delivers a message that was taken from its queue; false: it was for nobody, and dropped. */
bool hy__message_deliver(struct hy_thread_record *record, struct hy__message *message);
/* Ends a message without delivering it. */
void hy__message_drop(struct hy_thread_record *record, struct hy__message *message);
/* Of the call that a single-shot connection has queued: that connection, to be cut when the call is
 * dropped, for it has had its one emission. Else zeros. */
struct hy_connection hy__message_connection_to_cut(const struct hy__message *message);
/* Ends a message that was posted, without counting it as dropped. */
void hy__message_settle(struct hy__message *message);
/* Ends a message that never was posted. */
void hy__message_discard(struct hy__message *message);
void hy__arrivals_enter(struct hy_thread_record *record);

/* send.c */
enum hy__verdict {
    HY__EVENT_IGNORED,
    HY__EVENT_TAKEN,
    HY__EVENT_STOPPED /* by a filter, or because its receiver is gone */
};
/* Filters and handles the event in this thread, and passes it on to parents. */
enum hy__verdict hy__event_send(struct hy_thread_record *record, struct hy_object *receiver,
                                struct hy_event *event);
void hy__event_deliver(struct hy_thread_record *record, struct hy__message *message);

/* event_type.c */
/* The description that belongs to the number; NULL: it is a plain number, or not registered. */
const struct hy_event_type *hy__event_type(uint32_t number);

/* compress.c */
#define HY__COMPRESS_ROOM ((size_t)24)
void hy__compressible_enqueued(struct hy__message *message);
/* As hy__queue_unlink() returns. */
bool hy__compressible_left(struct hy__message *message);
/* Merges newer events into the one about to be delivered. The frame is its receiver's. */
void hy__event_compress(struct hy_thread_record *record, const struct hy__frame *frame,
                        struct hy__message *message);

/* filter.c */
/* Whether a filter of the list stopped the event or the object is gone; the frame is the object's.
 */
bool hy__filters_apply(struct hy_thread_record *record, struct hy__filters *filters,
                       const struct hy__frame *frame, struct hy_object *object,
                       struct hy_event *event);
/* The list moves with its object: walks over it have ended for the thread that it leaves. */
void hy__filters_leave(struct hy__filters *filters);
void hy__filters_end(struct hy__filters *filters);

/* native_filter.c */
void hy__native_filters_end(struct hy_thread_record *record);

/* delete.c */
/* Destroys what is in the list, which is empty afterwards. */
void hy__deletes_serve(struct hy_thread_record *record, struct hy__deletes *list);
void hy__destroy_request_arrived(struct hy_thread_record *record, struct hy_anchor *anchor);
/* Takes the anchor out of whatever list of deletes it hangs in: its object moves away. */
void hy__delete_unhang(struct hy_thread_record *record, struct hy_anchor *anchor);

/* For hy_posted_flush() and hy_posted_count(). anchor NULL: all. */
int hy__deletes_flush(struct hy_thread_record *record, const struct hy_anchor *anchor);
int hy__deletes_count(const struct hy_thread_record *record);

/* anchor.c: posting */
struct hy_anchor *hy__anchor_create(struct hy_object *object, struct hy_thread_record *home);
void hy__anchor_ref(struct hy_anchor *anchor);
void hy__anchor_unref(struct hy_anchor *anchor);
/* The message is taken over on success only. */
int hy__post(struct hy_anchor *anchor, struct hy__message *message);
/* The same in two steps, for those who hold a lock: *ret_wake, NULL or with a reference, is to be
 * given to hy__post_wake() after it. Sets no error. */
enum hy__push_result hy__post_push(struct hy_anchor *anchor, struct hy__message *message,
                                   struct hy_thread_record **ret_wake);
void hy__post_wake(struct hy_thread_record *record);
static inline struct hy_thread_record *hy__anchor_home(const struct hy_anchor *anchor)
{
    /*
     * Acquire: who finds its own record here sees what the thread that moved the object wrote. Only
     * the home thread changes it, so a thread that finds itself can rely on it; any other answer is
     * of the moment.
     */
    return __atomic_load_n(&anchor->home, __ATOMIC_ACQUIRE);
}
/* The home with a reference, for other threads: an object that moves lets go of its old home. */
struct hy_thread_record *hy__anchor_home_ref(struct hy_anchor *anchor);
/* How many messages are on their way to the object. */
uint32_t hy__anchor_waiting(struct hy_anchor *anchor);
/* `delivered` changes by so much. Home; relaxed, for others may read it. */
static inline void hy__anchor_count(struct hy_anchor *anchor, uint32_t by)
{
    __atomic_store_n(&anchor->delivered, anchor->delivered + by, __ATOMIC_RELAXED);
}

/* object.c */
enum {
    HY__OBJECT_HEAP = 1 << 0,
    HY__OBJECT_DYING = 1 << 1,
    HY__OBJECT_TRAVELLING = 1 << 2 /* a root: the hooks of its tree are being called by a move */
};
/* Whether it is there and the calling thread's own. Then it is not lost by a fork either: no thread
 * has a record of before. */
static inline bool hy__object_is_own(const struct hy_object *object)
{
    return object != NULL && object->anchor != NULL &&
           hy__anchor_home(object->anchor) == hy__record_if_any();
}
/* As hy_object_check_thread(), without a call where all is well. */
static inline int hy__object_check_own(const struct hy_object *object, const char *operation)
{
    return hy__object_is_own(object) ? 0 : hy_object_check_thread(object, operation);
}
/* As hy_object_check_thread(), but an object in no thread is whoever's who comes. */
int hy__object_check_held(const struct hy_object *object, const char *operation);
/* As hy_object_check_thread(), and -HY_ESHUTDOWN for an object whose fini has begun. */
int hy__object_refuse(const struct hy_object *object, const char *operation);
static inline int hy__object_check_alive(const struct hy_object *object, const char *operation)
{
    return hy__object_is_own(object) && (object->flags & HY__OBJECT_DYING) == 0
               ? 0
               : hy__object_refuse(object, operation);
}
/* Sets the error for what nobody may do ("ended") with an object that is its thread's own. */
int hy__object_is_fixed(const struct hy_object *object, const char *operation);
void hy__root_link(struct hy_thread_record *record, struct hy_object *object);
void hy__root_unlink(struct hy_thread_record *record, struct hy_object *object);
const char *hy__object_text(const struct hy_object *object);
void hy__children_finish(struct hy_object *object, struct hy_thread_record *home);
/* object_signals.c */
void hy__object_signals_init(struct hy_object *object);
void hy__object_signals_close(struct hy_object *object);
static inline struct hy_signal_base *hy__signal_at(struct hy_object *object,
                                                   const struct hy_class *type, size_t index)
{
    return (struct hy_signal_base *)(void *)((char *)object + type->signals[index].offset);
}

/* tree.c */
void hy__object_link_in(struct hy_object *object, struct hy_object *parent,
                        struct hy_thread_record *record);
void hy__object_link_out(struct hy_object *object, struct hy_thread_record *record);
/* The next object of the tree in the order parents first; NULL at the end. */
struct hy_object *hy__tree_next(const struct hy_object *root, struct hy_object *object);
/* leave_thread or enter_thread of each class that has it, the most derived first. */
void hy__object_call_hook(struct hy_object *object, bool entering);
/* Tells the parent (NULL is allowed), which is user code; false: it has ended the child. */
bool hy__child_changed(struct hy_object *parent, struct hy_object *child, bool added);
/* -HY_EBUSY while the hooks of its tree are being called. Thread: home, or whoever holds it. */
int hy__object_check_rests(const struct hy_object *object, const char *operation);

/* move.c */
/* Tells a tree that it has arrived; not one that is parked. */
void hy__tree_enter(struct hy_thread_record *record, struct hy_object *root);

#include "core/connect.h"

/* message.c: a message with a copy of the payload */
int hy__message_make(const struct hy_payload *description, const void *payload,
                     struct hy__message **ret_message);
/* The same with room for so many bytes behind the payload. */
int hy__message_make_with_room(const struct hy_payload *description, const void *payload,
                               size_t room, struct hy__message **ret_message);
/* Counts the message as arrived; the anchor of a finished object goes with the last one. */
void hy__message_count_arrival(struct hy_anchor *anchor);

#include "core/call.h"

/* schedule.c: when timers and delayed calls are due */
enum hy__entry_state {
    HY__ENTRY_IDLE,
    HY__ENTRY_HEAP,
    HY__ENTRY_DUE,    /* taken out of the heap by a pass, waiting in the due list for its turn */
    HY__ENTRY_ZERO,   /* in the ring of zero timers */
    HY__ENTRY_FIRING, /* a periodic timer inside its own callback: in no list */
    HY__ENTRY_AWAY,   /* on its way to another thread: enters the heap there */
    HY__ENTRY_AWAY_ZERO /* the same for the ring */,
    HY__ENTRY_AWAY_IDLE /* not running, but not to be started here either */
};
/* For an entry that is in no list: it may come at the earliest moment that this accuracy lets
 * something with this deadline come, never earlier. */
void hy__entry_set_deadline(struct hy_timer_entry_ *entry, int64_t deadline_ns, int64_t interval_ns,
                            unsigned accuracy);
/* timer_heap.c: those that wait for their moment, and those that are due; the state says which. Of
 * what is put in, key_ns, precise and order are set. */
void hy__timer_heap_insert(struct hy_thread_record *record, struct hy_timer_entry_ *entry);
void hy__timer_heap_remove(struct hy_thread_record *record, struct hy_timer_entry_ *entry);
/* Moves those whose moment has come into the list of what is due, by groups. */
void hy__timer_heap_collect(struct hy_thread_record *record, int64_t now_ns);
void hy__entries_append(struct hy__entries *list, struct hy_timer_entry_ *entry);
void hy__entries_remove(struct hy__entries *list, struct hy_timer_entry_ *entry);
/* The entry is in no list before. */
void hy__entry_insert(struct hy_thread_record *record, struct hy_timer_entry_ *entry);
void hy__entry_insert_zero(struct hy_thread_record *record, struct hy_timer_entry_ *entry);
/* Out of whatever list it is in; its state says IDLE afterwards. */
void hy__entry_take_out(struct hy_thread_record *record, struct hy_timer_entry_ *entry);
/* Where 64 bits have no room, HY_FOREVER; a clock may be negative, delays are not. */
static inline int64_t hy__time_sum(int64_t now_ns, int64_t delay_ns)
{
    int64_t sum;
    return __builtin_add_overflow(now_ns, delay_ns, &sum) ? HY_FOREVER : sum;
}
/* 0 when it has passed. */
static inline int64_t hy__time_until(int64_t deadline_ns, int64_t now_ns)
{
    int64_t left;
    if (deadline_ns <= now_ns)
        return 0;
    return __builtin_sub_overflow(deadline_ns, now_ns, &left) ? HY_FOREVER : left;
}
void hy__timers_fire(struct hy_thread_record *record, int *callbacks);
void hy__timers_fire_zero(struct hy_thread_record *record);
/* The time of the next timer, HY_FOREVER: none; *ret_precise as it wants. */
int64_t hy__timers_deadline(const struct hy_thread_record *record, bool *ret_precise);

/* timer.c, after.c: something is due; it is in no list. */
void hy__timer_fire(struct hy_thread_record *record, struct hy_timer_entry_ *entry, int64_t now_ns);
void hy__call_fire(struct hy_thread_record *record, struct hy_timer_entry_ *entry);
static inline struct hy_timer *hy__timer_of(struct hy_timer_entry_ *entry)
{
    return (struct hy_timer *)(void *)((char *)entry - offsetof(struct hy_timer, entry_));
}
/* The receiver of a delayed call. */
struct hy_anchor *hy__call_target(struct hy_timer_entry_ *entry, uintptr_t *ret_function);

/* after.c: what hy_object_after() has planned for an object */
struct hy__call_later;
void hy__calls_release(struct hy_anchor *anchor);
static inline void hy__calls_cancel(struct hy_anchor *anchor)
{
    if (HY_UNLIKELY(anchor->calls != NULL))
        hy__calls_release(anchor);
}
/* Around a move, under no hook: out of this thread's heap, and into the new one's. */
void hy__calls_leave(struct hy_anchor *anchor);
void hy__calls_enter(struct hy_anchor *anchor);

/* notifier.c */
void hy__notifiers_deliver(struct hy_thread_record *record, int *callbacks);
void hy__notifier_is_ready(void *cookie, unsigned conditions);

/* iterate.c: one iteration */
enum hy__blocking {
    HY__BLOCK_NEVER,
    HY__BLOCK_FOREIGN, /* never, but somebody else has waited before */
    HY__BLOCK_IDLE,    /* only if nothing was delivered before */
    HY__BLOCK_ALWAYS
};
int hy__iterate(struct hy_thread_record *record, enum hy__blocking blocking, int64_t deadline_ns);
/* Its step 3; not with HY__BLOCK_IDLE. */
int hy__iteration_wait(struct hy_thread_record *record, enum hy__blocking blocking,
                       int64_t deadline_ns);
/* What the exclusions mean to the dispatcher's wait: of enum hy_wait_flag. */
unsigned hy__iteration_wait_flags(const struct hy_thread_record *record);
/* Before a foreign loop waits: whether it must not; until when it may. announce: with the hooks. */
bool hy__iteration_prepare(struct hy_thread_record *record, bool announce, int64_t *ret_deadline_ns,
                           bool *ret_precise);
/* Whether there is something to deliver or fire now. */
bool hy__iteration_is_due(struct hy_thread_record *record);
/* After a pass for a foreign loop that may wait next without preparing: what is left wakes it. */
void hy__iteration_settle(struct hy_thread_record *record);
/* Whether something waits that is not excluded; what has not been taken from the mailbox does not
 * count. */
bool hy__iteration_pending(const struct hy_thread_record *record);

/* loop.c */
enum { /* hy_loop.state */
    HY__LOOP_EXECUTING = 1 << 0,
    HY__LOOP_QUIT = 1 << 1,
    HY__LOOP_FOREIGN = 1 << 2, /* stands for a foreign loop: the library cannot end it */
    HY__LOOP_ARMED = 1 << 3,   /* its descriptor was asked for: every first post wakes */
    HY__LOOP_INSIDE = 1 << 4,  /* record->inside, as it was before */
    HY__LOOP_EXCLUSIONS = 8    /* by how much record->exclusions, as they were, are shifted */
};
#define HY__EXCLUSIONS                                                                             \
    ((unsigned)HY_PROCESS_EXCLUDE_USER_INPUT | (unsigned)HY_PROCESS_EXCLUDE_NOTIFIERS |            \
     (unsigned)HY_PROCESS_EXCLUDE_TIMERS | (unsigned)HY_PROCESS_EXCLUDE_POSTED)
bool hy__loop_should_stop(struct hy_thread_record *record);
/* After user code: `loop` is the innermost again. What was begun in there and not ended ends here,
 * or the loops around it would never see that they have been asked to quit. */
void hy__loops_unwind(struct hy_thread_record *record, const struct hy_loop *loop);
int hy__thread_exec(struct hy_thread_record *record);
bool hy__quit_requested(const struct hy_thread_record *record);

/* process.c */
/* Whether one more loop may be nested. */
int hy__depth_check(const struct hy_thread_record *record);

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

#endif
