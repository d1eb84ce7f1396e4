/* SPDX-License-Identifier: MIT */
/*
 * Threads.
 *
 * A hy_thread is the handle of a thread, an object that lives where it was made; what shall live
 * *in* the thread is moved there, before or after the start:
 *
 *     hy_thread_init(&thread, "worker", &app->hy);
 *     hy_object_move_to_thread(&worker->hy, &thread);
 *     hy_connect(&thread.events.started, worker, worker_start, HY_AUTO);   // runs in the thread
 *     hy_thread_start(&thread);
 *
 * The life of a thread:
 *
 *     not started -> running -> finishing -> finished -> (start again)
 *
 * start: the thread takes over the objects and events that wait for it, emits `started` in the new
 * thread, runs its body (by default hy_thread_exec(), its event loop). end: emits `finished` in
 * that thread, deals with what is left by the finish policy, calls what hy_thread_at_end() was
 * asked for, ends.
 *
 * A thread not made by the library is adopted at its first call: it has a handle too, which lives
 * in it, and ends as the system's thread does. That handle can be neither moved nor finished;
 * others may ask it as long as the thread runs, or as they hold a weak reference to anything that
 * lived there.
 *
 * Requests from other threads (to quit, to stop early, holds, joins) are of the run that is on when
 * they are made, and never count for the next one.
 *
 * After fork(): the child may use the library afresh, also when threads of the parent were in the
 * midst of it. What was made before does not exist for the child: calls on it return -HY_ESHUTDOWN
 * (or -HY_EWRONGTHREAD, or do nothing), its memory and descriptors stay as they are, and the
 * emissions of its signals reach at most slots that are called directly. Signals of the system have
 * their former actions again, and there is no application. A child that was forked in a handler and
 * returns from it finds that its loops end, hy_app_exec() and hy_thread_exec() with -HY_ESHUTDOWN,
 * without a shutdown. The allocator must bear a fork, as malloc() does.
 */
#ifndef HALYARD_THREAD_H
#define HALYARD_THREAD_H

#include <halyard/signal.h>

HY_BEGIN_DECLS

struct hy_dispatcher;

/* What happens at a thread's end to what was posted to it and to the objects that live there. */
enum hy_finish_policy {
    HY_FINISH_DRAIN,   /* the default: deliver what is queued, finish the objects, in that thread */
    HY_FINISH_DISCARD, /* drop what is queued, finish the objects, in that thread */
    HY_FINISH_KEEP     /* keep both, for a restart or for another thread to take */
};

/* Where a thread is in its life. */
enum hy_thread_state {
    HY_THREAD_NOT_STARTED,
    HY_THREAD_RUNNING,
    HY_THREAD_FINISHING, /* `finished` is being delivered, objects are being finished */
    HY_THREAD_FINISHED
};

/* How a thread stands among those that want the processor. */
enum hy_thread_priority {
    HY_THREAD_PRIORITY_NORMAL,
    HY_THREAD_PRIORITY_IDLE, /* only when nobody else wants the processor */
    HY_THREAD_PRIORITY_LOW,
    HY_THREAD_PRIORITY_HIGH,
    HY_THREAD_PRIORITY_REALTIME /* before all that are not: it must not spin */
};

/* The handle of a thread. */
struct hy_thread {
    HY_INHERITS(hy_object);
    struct {
        hy_signal0 started;        /* emitted in the new thread, before its body */
        hy_signal0 finished;       /* emitted in that thread, after its body */
        hy_signal0 about_to_block; /* emitted in that thread: its loop is about to wait */
        hy_signal0 awake;          /* the same: it begins an iteration, or has waited */
    } events;
    struct hy_thread_private *priv;
};

extern HY_API const struct hy_class hy_thread_class;

/*
 * Makes a thread handle; nothing runs yet, but objects can already be moved to it. name is copied,
 * cut at 31 bytes (for the system at 15), and shown in messages; NULL: "thread". Errors: as
 * hy_object_init(). Thread: that of the parent, any without one; the handle lives there.
 */
HY_API int hy_thread_init(struct hy_thread *thread, const char *name,
                          struct hy_object *parent) HY_MUST_USE;

/*
 * Asks the thread to stop early and to quit, joins it, and ends the handle. With another policy
 * than HY_FINISH_KEEP what still lives in the thread is finished too. From then on the thread
 * cannot be started or joined (-HY_ESHUTDOWN), and counts as finished. If it waits for the calling
 * thread in a call, that call returns -HY_ESHUTDOWN. Do not end a thread from a function that it
 * runs here by hy_call(): that is logged, and waits for ever. Errors: as hy_object_fini(). Thread:
 * home of the handle.
 */
HY_API int hy_thread_fini(struct hy_thread *thread);

/*
 * The body of the thread, in place of the event loop. Errors: -HY_EBUSY (it runs). Thread: home.
 */
HY_API int hy_thread_set_body(struct hy_thread *thread,
                              void (*body)(struct hy_thread *thread, void *context), void *context);
/* The finish policy of its next end. Errors: -HY_EINVAL, -HY_ESHUTDOWN. Thread: any. */
HY_API int hy_thread_set_finish_policy(struct hy_thread *thread, enum hy_finish_policy policy);
/* Bytes of stack, 0 for the system's default. Errors: -HY_EBUSY (it runs). Thread: home. */
HY_API int hy_thread_set_stack_size(struct hy_thread *thread, size_t size);
/* The priority, now or from the next start on. Errors, with nothing changed: -HY_EACCES (the system
 * does not permit it; when it starts, that is logged; many systems let a thread without privileges
 * go down, and not up again), -HY_EINVAL. Thread: home of the handle. */
HY_API int hy_thread_set_priority(struct hy_thread *thread, enum hy_thread_priority priority);
/*
 * The thread's own dispatcher in place of the default; for a thread that was not started by the
 * library, the main one included, in that thread itself before its first loop, timer or notifier.
 * On success the thread owns it, and destroys it when its handle and all that lived in it are gone:
 * a restart uses it again. Errors: -HY_EBUSY (it runs, or has one already), -HY_EINVAL (not of this
 * version). Thread: home.
 */
HY_API int hy_thread_set_dispatcher(struct hy_thread *thread, struct hy_dispatcher *dispatcher);

/*
 * Starts the thread. When it is finishing, waits for its end first; when it runs already,
 * -HY_EBUSY. Errors: -HY_ENOMEM, -HY_EAGAIN (the system has no room for one more thread),
 * -HY_EINVAL (nor for that stack), -HY_EDEADLK (from the finishing thread itself). Thread: home of
 * the handle.
 */
HY_API int hy_thread_start(struct hy_thread *thread) HY_MUST_USE;

/*
 * Ends all loops of the thread; its hy_thread_exec() returns code. It is remembered when the thread
 * has been started but is not yet in its loop, and forgotten when its body has returned: a loop
 * that a slot of `finished` runs ends by its own quit, or a further one of the thread. Before the
 * start it does nothing. Thread: any, also its own.
 */
HY_API void hy_thread_quit(struct hy_thread *thread, int code);

/*
 * Holds a running thread, and lets go of it: when the last hold goes, it quits with 0. The holds
 * are forgotten when it ends; a release without a hold does nothing. Thread: any.
 */
HY_API void hy_thread_hold(struct hy_thread *thread);
HY_API void hy_thread_release(struct hy_thread *thread);

/* Ends the wait of the thread's loop, or else the next one, once; any number of calls may count as
 * one. It does not end the loop. Thread: any. */
HY_API void hy_thread_wake(struct hy_thread *thread);

/* Asks whatever long work runs in the thread to stop early; loops do not care. It has no effect on
 * a thread that does not run, and is forgotten when it ends, before `finished`. Thread: any. */
HY_API void hy_thread_request_interruption(struct hy_thread *thread);
/* Whether the calling thread has been asked to; cheap, to be polled. Thread: any, for itself. */
HY_API bool hy_interruption_requested(void);

/*
 * Waits until the thread has really ended, thread-local destructors included; nothing that is
 * posted to the calling thread is delivered meanwhile. Returns at once when it never started; when
 * it is started anew meanwhile, the end of the run before counts. Of an adopted thread, which the
 * library cannot join, it is the end of all that this library does there.
 * deadline_ns is a point in time (hy_now_ns() + ...), or HY_FOREVER. Errors: -HY_ETIMEDOUT,
 * -HY_EDEADLK (from the thread itself, or it waits for the calling one, in a call, a blocking
 * emission or a join, directly or by way of others), -HY_ESHUTDOWN (the handle has been ended).
 * Thread: any; hy_thread_fini() may end the handle meanwhile.
 */
HY_API int hy_thread_join(struct hy_thread *thread, int64_t deadline_ns);

/* Where the thread is in its life. Thread: any. */
HY_API enum hy_thread_state hy_thread_get_state(const struct hy_thread *thread);
/* The name, never NULL. Thread: any. */
HY_API const char *hy_thread_name(const struct hy_thread *thread);

/*
 * The handle of the calling thread; a foreign thread is adopted. NULL only when there is no memory.
 * Thread: any.
 */
HY_API struct hy_thread *hy_thread_current(void);

/*
 * An object that lives in the thread as long as the handle exists, through restarts too: for what
 * has no object of its own there. Slots of it run in the thread; it can be invoked and called, and
 * what is said to it before a start waits for it. While the thread has finished, posts to it fail
 * with -HY_ESHUTDOWN (HY_FINISH_KEEP: they wait too). It can be neither moved nor finished; what is
 * put under it as a child ends with the run. NULL when the handle has been ended. Thread: any.
 *
 *     hy_call(hy_thread_context(&worker), count_files, &job, sizeof job, HY_FOREVER, NULL);
 */
HY_API struct hy_object *hy_thread_context(const struct hy_thread *thread);

/*
 * Calls function(context) at the end of the calling thread: after `finished` and the end of its
 * objects, before whoever joins returns; the one asked for last comes first. It may use the
 * library; the finish policy deals right afterwards with what it posts and with objects that it
 * makes: they end, or are kept as the others were. A thread that ends with its process, as the
 * main one does, calls nothing. Errors: -HY_ENOMEM, -HY_EINVAL. Thread: any, for itself.
 */
HY_API int hy_thread_at_end(void (*function)(void *context), void *context);

/*
 * Runs the event loop of the calling thread until hy_thread_quit(); returns its code (0 or more by
 * custom), or -HY_ENOMEM, -HY_EMFILE, -HY_EIO when no dispatcher can be made. Thread: any, for
 * itself.
 */
HY_API int hy_thread_exec(void);

/* Now, by the monotonic clock of the calling thread's dispatcher, in nanoseconds. Thread: any. */
HY_API int64_t hy_now_ns(void);

HY_END_DECLS

#endif
