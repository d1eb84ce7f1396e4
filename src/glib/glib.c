/* SPDX-License-Identifier: MIT */
/*
 * The dispatcher that is a guest in a GMainContext.
 *
 * An inner dispatcher of the usual kind does the system's part. GLib watches its descriptor, or the
 * one that stands for a wait without descriptors: one GSource polls whichever is right.
 *
 * Two may run the context. Our own wait, for a Halyard loop: it runs one round of GLib's sources
 * and looks at the inner dispatcher; the source has nothing to do then. Or a foreign loop, as the
 * outermost, in a slot, or in a GLib callback that our own wait called: then the source makes the
 * passes. Which of them it is, tells g_main_depth(), the number of GLib callbacks on the stack: a
 * round of our own wait is at the depth at which that wait began, a loop nested in it is deeper.
 *
 * The source steps back once after each pass, by not being ready for one round, whatever its
 * descriptors say: GLib looks at the other sources then, down to the lowest priority. (With a lower
 * priority it would not be asked at all while others are busy.) For that it polls by
 * g_source_add_poll(); with g_source_add_unix_fd() GLib itself decides what is ready.
 *
 * A source may be destroyed by anybody who finds it. GLib says so by ending its callback's context;
 * without a source no GLib loop would serve Halyard any more, so it is made again, and that logged.
 *
 * GLib ends the program when it runs out of memory; what is allocated here does not.
 */
#include <errno.h>
#include <halyard/glib.h>
#include <halyard/log.h>
#include <halyard/loop.h>
#include <halyard/memory.h>
#include <poll.h>
#include <pthread.h>

enum {
    ALL,   /* the wake-up, the deadline, what is watched */
    QUIET, /* without what is watched */
    POLLS,
    RETRY_MS = 10 /* after a pass that failed */
};

struct glib_dispatcher {
    struct hy_dispatcher base;
    struct hy_dispatcher *inner;  /* const */
    GMainContext *context;        /* const; a reference */
    struct glib_dispatcher *next; /* guard: guests_lock */
    /* The thread's. */
    GPollFD polls[POLLS]; /* what events is 0 of is not polled */
    GSource *source;      /* while the thread runs, else NULL */
    GThread *owner;       /* whose thread that is */
    int priority;
    int wait_depth; /* g_main_depth() at which our own wait runs the context; -1: it does not */
    bool preparing; /* the source's prepare calls hooks: GLib can run no loop inside it */
    bool steps_back;
    bool failed; /* the last pass did: not at once again */
};

struct guest_source {
    GSource base;
    struct glib_dispatcher *dispatcher;
};

/* One guest a context. */
static pthread_mutex_t guests_lock = PTHREAD_MUTEX_INITIALIZER;
static struct glib_dispatcher *guests;

static struct glib_dispatcher *self_of(struct hy_dispatcher *dispatcher)
{
    return (struct glib_dispatcher *)(void *)dispatcher;
}

/* --- the source ---------------------------------------------------------------------------------
 */

/* What GLib is to poll from now on; NULL: nothing. */
static void set_polled(struct glib_dispatcher *self, const GPollFD *polled)
{
    for (int i = 0; i < POLLS; i++) {
        self->polls[i].events = &self->polls[i] == polled ? G_IO_IN : 0;
        self->polls[i].revents = 0; /* GLib leaves it as it was when it does not poll */
    }
}

static const GPollFD *polled_in(const struct glib_dispatcher *self, unsigned wait_flags)
{
    return &self->polls[(wait_flags & HY_WAIT_NO_DESCRIPTORS) != 0 ? QUIET : ALL];
}

/* Whether this round of the context is our own wait's. depth: of who runs the round. */
static bool is_own_round(const struct glib_dispatcher *self, int depth)
{
    return self->wait_depth == depth;
}

static unsigned guest_flags(const struct glib_dispatcher *self)
{
    return self->wait_depth >= 0 ? (unsigned)HY_GUEST_NESTED : 0u;
}

static gboolean source_prepare(GSource *source, gint *timeout_ms)
{
    struct glib_dispatcher *self = ((struct guest_source *)(void *)source)->dispatcher;
    *timeout_ms = -1;
    if (self->owner != g_thread_self() || is_own_round(self, g_main_depth()))
        return FALSE;
    if (self->steps_back) {
        *timeout_ms = 0;
        return FALSE;
    }
    if (G_UNLIKELY(self->failed)) {
        *timeout_ms = RETRY_MS;
        set_polled(self, NULL);
        return FALSE;
    }
    int64_t deadline_ns;
    unsigned wait_flags;
    bool preparing = self->preparing;
    self->preparing = true;
    int pending = hy_guest_prepare(guest_flags(self), &deadline_ns, &wait_flags);
    self->preparing = preparing;
    if (pending < 0)
        return FALSE;
    set_polled(self, polled_in(self, wait_flags));
    self->inner->ops->set_deadline(self->inner, deadline_ns, true);
    return pending > 0;
}

static gboolean source_check(GSource *source)
{
    struct glib_dispatcher *self = ((struct guest_source *)(void *)source)->dispatcher;
    if (self->owner != g_thread_self() || is_own_round(self, g_main_depth()))
        return FALSE;
    if (self->steps_back) {
        self->steps_back = false;
        return FALSE;
    }
    return self->failed || self->polls[ALL].revents != 0 || self->polls[QUIET].revents != 0;
}

static gboolean source_dispatch(GSource *source, GSourceFunc callback, gpointer context)
{
    struct glib_dispatcher *self = ((struct guest_source *)(void *)source)->dispatcher;
    (void)callback;
    (void)context;
    if (self->owner != g_thread_self() || is_own_round(self, g_main_depth() - 1))
        return G_SOURCE_CONTINUE;
    bool failed = self->failed;
    self->failed = false;
    self->steps_back = true;
    int rc = hy_guest_dispatch(guest_flags(self));
    if (rc < 0) {
        self->failed = true;
        if (!failed)
            hy_log(HY_LOG_ERROR, "glib", "Halyard cannot run in this GLib loop: %s",
                   hy_last_error()->message);
    }
    return G_SOURCE_CONTINUE;
}

static GSourceFuncs source_functions = {
    .prepare = source_prepare,
    .check = source_check,
    .dispatch = source_dispatch,
};

/* --- attaching ----------------------------------------------------------------------------------
 */

static void source_was_destroyed(gpointer context);

static void source_make(struct glib_dispatcher *self)
{
    self->source = g_source_new(&source_functions, sizeof(struct guest_source));
    ((struct guest_source *)(void *)self->source)->dispatcher = self;
    g_source_set_name(self->source, "halyard");
    g_source_set_can_recurse(self->source, TRUE);
    g_source_set_priority(self->source, self->priority);
    g_source_set_callback(self->source, NULL, self, source_was_destroyed);
    set_polled(self, &self->polls[ALL]);
    for (int i = 0; i < POLLS; i++)
        g_source_add_poll(self->source, &self->polls[i]);
    g_source_attach(self->source, self->context);
}

static void source_drop(struct glib_dispatcher *self)
{
    GSource *source = self->source;
    self->source = NULL; /* it is meant */
    g_source_destroy(source);
    g_source_unref(source);
}

static void source_make_again(struct glib_dispatcher *self)
{
    source_drop(self);
    source_make(self);
}

static void source_was_destroyed(gpointer context)
{
    struct glib_dispatcher *self = context;
    if (self->source == NULL)
        return;
    if (self->owner == g_thread_self()) {
        source_make_again(self);
        hy_log(HY_LOG_WARNING, "glib",
               "somebody has destroyed Halyard's source in this GMainContext; it is made again: "
               "look for a g_source_remove() of a wrong number");
    } else { /* the source is its own thread's */
        hy_log(HY_LOG_ERROR, "glib",
               "another thread has destroyed Halyard's source in a GMainContext, whose GLib loops "
               "run without Halyard now: look for a g_source_remove() of a wrong number");
    }
}

static int glib_attach(struct hy_dispatcher *dispatcher)
{
    struct glib_dispatcher *self = self_of(dispatcher);
    if (!g_main_context_acquire(self->context))
        return hy_error_set(-HY_EBUSY, "another thread runs this GMainContext; give the dispatcher "
                                       "to that one, or make a context for this thread");
    /* The default context is what a thread without one finds. */
    if (self->context != g_main_context_default())
        g_main_context_push_thread_default(self->context);
    g_main_context_release(self->context);
    self->owner = g_thread_self();
    self->steps_back = self->failed = false;
    source_make(self);
    return 0;
}

static void glib_detach(struct hy_dispatcher *dispatcher)
{
    struct glib_dispatcher *self = self_of(dispatcher);
    source_drop(self);
    self->owner = NULL;
    /* Unless somebody left another one on top, or GLib has dropped them all at the thread's end. */
    if (g_main_context_get_thread_default() == self->context)
        g_main_context_pop_thread_default(self->context);
}

/* --- waiting ------------------------------------------------------------------------------------
 */

/* One round of GLib's sources. */
static void run_context(struct glib_dispatcher *self, bool block)
{
    int outer_depth = self->wait_depth;
    self->wait_depth = g_main_depth();
    g_main_context_iteration(self->context, block);
    self->wait_depth = outer_depth;
}

/* Where GLib cannot run: in a hook that its prepare calls, and before the thread has begun. */
static int wait_alone(const struct glib_dispatcher *self, unsigned flags)
{
    struct pollfd polled = {.fd = polled_in(self, flags)->fd, .events = POLLIN};
    if (poll(&polled, 1, -1) < 0 && errno != EINTR)
        return hy_error_set_system(errno, "cannot wait for events");
    return 0;
}

static int glib_wait(struct hy_dispatcher *dispatcher, unsigned flags, hy_ready_function ready)
{
    struct glib_dispatcher *self = self_of(dispatcher);
    bool block = (flags & HY_WAIT_BLOCK) != 0;
    int rc = 0;
    if ((flags & HY_WAIT_GUEST) == 0) {
        if (self->source != NULL && G_UNLIKELY(g_source_is_destroyed(self->source)))
            source_make_again(self);
        set_polled(self, polled_in(self, flags));
        if (self->source != NULL && !self->preparing)
            run_context(self, block);
        else if (block)
            rc = wait_alone(self, flags);
    }
    if (rc == 0)
        rc = self->inner->ops->wait(self->inner, flags & (unsigned)HY_WAIT_NO_DESCRIPTORS, ready);
    self->polls[ALL].revents = self->polls[QUIET].revents = 0;
    return rc;
}

static void glib_set_deadline(struct hy_dispatcher *dispatcher, int64_t deadline_ns, bool precise)
{
    struct hy_dispatcher *inner = self_of(dispatcher)->inner;
    inner->ops->set_deadline(inner, deadline_ns, precise);
}

static void glib_wake(struct hy_dispatcher *dispatcher)
{
    struct hy_dispatcher *inner = self_of(dispatcher)->inner;
    inner->ops->wake(inner);
}

/* --- descriptors -------------------------------------------------------------------------------
 */

static int glib_watch(struct hy_dispatcher *dispatcher, intptr_t descriptor, unsigned conditions,
                      void *cookie)
{
    struct hy_dispatcher *inner = self_of(dispatcher)->inner;
    return inner->ops->watch(inner, descriptor, conditions, cookie);
}

static int glib_change(struct hy_dispatcher *dispatcher, intptr_t descriptor, unsigned conditions,
                       void *cookie)
{
    struct hy_dispatcher *inner = self_of(dispatcher)->inner;
    return inner->ops->change(inner, descriptor, conditions, cookie);
}

static int glib_forget(struct hy_dispatcher *dispatcher, intptr_t descriptor)
{
    struct hy_dispatcher *inner = self_of(dispatcher)->inner;
    return inner->ops->forget(inner, descriptor);
}

/* --- making and ending --------------------------------------------------------------------------
 */

static bool guests_add(struct glib_dispatcher *self)
{
    pthread_mutex_lock(&guests_lock);
    struct glib_dispatcher *guest = guests;
    while (guest != NULL && guest->context != self->context)
        guest = guest->next;
    if (guest == NULL) {
        self->next = guests;
        guests = self;
    }
    pthread_mutex_unlock(&guests_lock);
    return guest == NULL;
}

static void guests_remove(struct glib_dispatcher *self)
{
    pthread_mutex_lock(&guests_lock);
    struct glib_dispatcher **link = &guests;
    while (*link != NULL && *link != self)
        link = &(*link)->next;
    if (*link != NULL)
        *link = self->next;
    pthread_mutex_unlock(&guests_lock);
}

static void glib_destroy(struct hy_dispatcher *dispatcher)
{
    struct glib_dispatcher *self = self_of(dispatcher);
    guests_remove(self);
    if (self->inner != NULL)
        self->inner->ops->destroy(self->inner);
    g_main_context_unref(self->context);
    hy_memory_release(self);
}

static const struct hy_dispatcher_ops glib_ops = {
    .version = HY_DISPATCHER_VERSION,
    .size = sizeof(struct hy_dispatcher_ops),
    .name = "glib",
    .flags = HY_DISPATCHER_HOSTED,
    .attach = glib_attach,
    .detach = glib_detach,
    .watch = glib_watch,
    .change = glib_change,
    .forget = glib_forget,
    .set_deadline = glib_set_deadline,
    .wait = glib_wait,
    .wake = glib_wake,
    .destroy = glib_destroy,
};

static int make_inner(struct glib_dispatcher *self)
{
    static const unsigned flags[POLLS] = {[QUIET] = HY_WAIT_NO_DESCRIPTORS};
    int rc = hy_dispatcher_create(&self->inner);
    if (rc < 0)
        return rc;
    const struct hy_dispatcher_ops *ops = self->inner->ops;
    if (ops->descriptor == NULL)
        return hy_error_set(-HY_ENOTSUP, "dispatcher \"%s\" has no descriptor for GLib to watch",
                            ops->name);
    for (int i = 0; i < POLLS; i++) {
        rc = ops->descriptor(self->inner, flags[i]);
        if (rc < 0)
            return rc;
        self->polls[i].fd = rc;
    }
    return 0;
}

int hy_dispatcher_create_glib(GMainContext *context, struct hy_dispatcher **ret_dispatcher)
{
    struct glib_dispatcher *self = hy_memory_allocate_zeroed(sizeof *self);
    if (self == NULL)
        return -HY_ENOMEM;
    self->base.ops = &glib_ops;
    self->context = g_main_context_ref(context != NULL ? context : g_main_context_default());
    self->priority = G_PRIORITY_DEFAULT;
    self->wait_depth = -1;
    int rc = make_inner(self);
    if (rc == 0 && !guests_add(self))
        rc =
            hy_error_set(-HY_EEXIST, "this GMainContext has a Halyard thread as its guest already; "
                                     "give each thread a context of its own");
    if (rc < 0) {
        glib_destroy(&self->base);
        return rc;
    }
    *ret_dispatcher = &self->base;
    return 0;
}

int hy_dispatcher_set_glib_priority(struct hy_dispatcher *dispatcher, int priority)
{
    if (dispatcher == NULL || dispatcher->ops != &glib_ops)
        return hy_error_set(-HY_EINVAL, "only a dispatcher of hy_dispatcher_create_glib() has a "
                                        "priority among GLib's sources");
    struct glib_dispatcher *self = self_of(dispatcher);
    self->priority = priority;
    if (self->source != NULL)
        g_source_set_priority(self->source, priority);
    return 0;
}
