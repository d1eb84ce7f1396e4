/* SPDX-License-Identifier: MIT */
/* The application object: signals of the system, the main loop, the order of shutdown, holds. */
#include "core/internal.h"

#include <signal.h>

struct hy_app_private {
    struct hy_thread_record *record;
    struct hy_unix_signal signals;
    bool executing; /* guard */
    uint32_t holds; /* guard */
};

enum {
    /* How many times SIGINT or SIGTERM must come during a shutdown to end the process at once. */
    SIGNALS_TO_END = 3
};
static const int signals_watched[] = {
    SIGINT,
    SIGTERM,
#ifdef SIGHUP
    SIGHUP,
#endif
#ifdef SIGBREAK /* Windows: Ctrl-Break */
    SIGBREAK,
#endif
};
#define SIGNALS_WATCHED (sizeof signals_watched / sizeof signals_watched[0])

static struct hy_app *instance; /* atomic; written under the guard */
static uint32_t guard;          /* for those who quit: application and loop stay while it is held */
/* Atomic: hy_app_fail() was called; outlives a fini on purpose until the next init. */
static uint32_t failed;

struct hy_app *hy_app_instance(void)
{
    return __atomic_load_n(&instance, __ATOMIC_ACQUIRE);
}

static void signal_arrived(struct hy_app *app, const struct hy_unix_signal_info *info)
{
    int number = info->number;
    hy_emit(&app->events.unix_signal, &number);
#ifdef SIGHUP
    if (number == SIGHUP)
        return;
#endif
    hy_app_quit(0);
}

static void set_instance(struct hy_app *app)
{
    hy__lock(&guard);
    __atomic_store_n(&instance, app, __ATOMIC_RELEASE);
    hy__unlock(&guard);
}

/* In a forked child: the parent's application is none of its business. */
void hy__app_forget(void)
{
    instance = NULL;
    guard = 0;
    failed = 0;
}

static void app_fini(struct hy_object *object)
{
    struct hy_app *app = (struct hy_app *)(void *)object;
    if (app->priv->executing) /* by a handler of its own loop, which ends now */
        hy_app_quit(0);
    hy__signals_end_process_at(SIGNALS_TO_END);
    hy__threads_stop(app->priv->record);
    hy__signals_end_process_at(0);
    uint64_t unheard = hy__unix_signal_discard(&app->priv->signals);
    for (size_t i = 0; i < SIGNALS_WATCHED; i++)
        (void)hy_unix_signal_unwatch(&app->priv->signals, signals_watched[i]);
    unheard |= hy__unix_signal_discard(&app->priv->signals); /* and in between */
    hy_object_fini(&app->priv->signals.hy);
    /* What came since the loop ended has its usual effect, as it would without an application. */
    for (size_t i = 0; i < SIGNALS_WATCHED; i++)
        if ((unheard >> (signals_watched[i] - 1) & 1) != 0)
            hy__signal_send(signals_watched[i]);
    set_instance(NULL);
    hy_memory_release(app->priv);
    app->priv = NULL;
}

static void app_event(struct hy_object *object, struct hy_event *event)
{
    (void)object;
    if (event->type == HY_EVENT_QUIT) /* no filter stopped it */
        hy_app_quit(0);
    else
        hy_event_ignore(event);
}

static const struct hy_signal_spec app_signals[] = {
    HY_PLAIN(struct hy_app, events.unix_signal),
    HY_NO_PAYLOAD(struct hy_app, events.about_to_quit)};

const struct hy_class hy_app_class = HY_CLASS(struct hy_app, .fini = app_fini, .event = app_event,
                                              .signals = app_signals, .signal_count = 2);

static int watch_signals(struct hy_app *app)
{
    struct hy_app_private *priv = app->priv;
    int rc = hy_unix_signal_init(&priv->signals, &app->hy);
    if (rc == 0)
        rc = hy_connect(&priv->signals.events.arrived, app, signal_arrived, HY_DIRECT);
    for (size_t i = 0; rc == 0 && i < SIGNALS_WATCHED; i++)
        rc = hy_unix_signal_watch(&priv->signals, signals_watched[i]);
    return rc;
}

int hy_app_init(struct hy_app *app)
{
    if (hy_app_instance() != NULL)
        return hy_error_set(-HY_EEXIST, "there is an application object already");
    struct hy_thread_record *record = hy__record();
    struct hy_app_private *priv = record != NULL ? hy_memory_allocate_zeroed(sizeof *priv) : NULL;
    if (priv == NULL)
        return -HY_ENOMEM;
    /* Without the fini of the class until everything is there. */
    static const struct hy_class unfinished =
        HY_CLASS(struct hy_app, .signals = app_signals, .signal_count = 2);
    int rc = hy_object_init(&app->hy, &unfinished, NULL);
    if (rc < 0) {
        hy_memory_release(priv);
        return rc;
    }
    priv->record = record;
    app->priv = priv;
    rc = hy_object_set_name(&app->hy, "application");
    if (rc == 0)
        rc = watch_signals(app);
    if (rc < 0) {
        hy_object_fini(&app->hy);
        hy_memory_release(priv);
        return rc;
    }
    app->hy.type = &hy_app_class;
    __atomic_store_n(&failed, 0u, __ATOMIC_SEQ_CST);
    set_instance(app);
    return 0;
}

/* What was asked to be destroyed later has no loop to wait for any more. */
static void serve_deletes(struct hy_thread_record *record)
{
    while (record != NULL && record->loop == NULL && record->deletes != NULL)
        hy__record_serve_deletes(record);
}

int hy_app_fini(struct hy_app *app)
{
    bool exists = app == hy_app_instance(); /* else there may be no priv */
    struct hy_thread_record *record = exists ? app->priv->record : NULL;
    if (record != hy__record_if_any())
        record = NULL; /* hy_object_fini() refuses */
    serve_deletes(record);
    int rc = hy_object_fini(&app->hy);
    if (rc == 0)
        serve_deletes(record);
    return rc;
}

/* From the first a quit counts, and one from before does not; from the second none does. */
static void set_executing(struct hy_app_private *priv, bool executing)
{
    hy__lock(&guard);
    priv->executing = executing;
    hy__record_clear_quit(priv->record);
    hy__unlock(&guard);
}

static void shut_down(struct hy_app *app, struct hy_ref ref)
{
    struct hy_app_private *priv = app->priv;
    struct hy_thread_record *record = priv->record;
    hy__signals_end_process_at(SIGNALS_TO_END);
    set_executing(priv, false);
    hy_emit0(&app->events.about_to_quit);
    hy__threads_stop(record);
    hy__record_drain(record); /* what the threads posted here in their last moments */
    hy__signals_end_process_at(0);
    if (hy_ref_get(ref) != NULL) /* a second Ctrl-C asked for what has just been done */
        hy__unix_signal_discard(&priv->signals);
}

int hy_app_exec(struct hy_app *app)
{
    int rc = hy__object_check_alive(&app->hy, "run");
    if (rc < 0)
        return rc;
    struct hy_app_private *priv = app->priv;
    struct hy_thread_record *record = priv->record;
    if (priv->executing || record->loop != NULL) /* only this thread changes them */
        return hy_error_set(-HY_EBUSY,
                            "the application's loop runs already, or inside another one");
    /* hy_app_fail() sets `failed` and then looks, under the guard, whether there is a loop to quit;
     * this says under the guard that there is one, and then looks at `failed`. */
    struct hy_ref ref = hy_ref_to(&app->hy); /* user code may end the application */
    set_executing(priv, true);
    int code = __atomic_load_n(&failed, __ATOMIC_SEQ_CST) != 0 ? 1 : hy__thread_exec(record);
    if (hy__record_is_lost(record))
        return code; /* a child, forked in a slot: there is nothing here to shut down */
    if (hy_ref_get(ref) != NULL)
        shut_down(app, ref);
    hy_ref_release(&ref);
    return code;
}

/* Guard held: the record, with a reference, of a loop that was asked to quit, or NULL. */
static struct hy_thread_record *request_quit(int code)
{
    if (instance == NULL || !instance->priv->executing)
        return NULL;
    struct hy_thread_record *record = instance->priv->record;
    hy__record_ref(record);
    hy__record_set_quit(record, code);
    return record;
}

static void wake_and_unref(struct hy_thread_record *record)
{
    if (record != NULL)
        hy__record_rouse(record);
    hy__record_unref(record);
}

void hy_app_quit(int code)
{
    hy__lock(&guard);
    struct hy_thread_record *record = request_quit(code);
    hy__unlock(&guard);
    wake_and_unref(record);
}

void hy_app_hold(void)
{
    hy__lock(&guard);
    if (instance != NULL)
        instance->priv->holds++;
    hy__unlock(&guard);
}

void hy_app_release(void)
{
    struct hy_thread_record *record = NULL;
    hy__lock(&guard);
    if (instance != NULL && instance->priv->holds != 0 && --instance->priv->holds == 0)
        record = request_quit(0);
    hy__unlock(&guard);
    wake_and_unref(record);
}

int hy_app_request_quit(void)
{
    bool executing = false;
    hy__lock(&guard); /* the application does not end meanwhile */
    struct hy_ref app = hy_ref_to(instance != NULL ? &instance->hy : NULL);
    if (app.anchor != NULL)
        executing = instance->priv->executing;
    hy__unlock(&guard);
    if (app.anchor == NULL)
        return hy_error_set(-HY_ESHUTDOWN, "there is no application to quit");
    struct hy_thread_record *record = hy__record_if_any();
    int rc = 0;
    if (executing && hy__anchor_home(app.anchor) == record) {
        struct hy_event event = {.type = HY_EVENT_QUIT};
        /* Only this thread could have ended it since, or be ending it. */
        rc = app.anchor->object == NULL
                 ? hy_error_set(-HY_ESHUTDOWN, "the application is being finished")
                 : hy__event_send(record, app.anchor->object, &event) == HY__EVENT_TAKEN;
    } else if (executing) {
        rc = hy_ref_post(app, HY_EVENT_QUIT, NULL, 0, HY_PRIORITY_NORMAL);
        rc = rc < 0 ? rc : 1;
    }
    hy_ref_release(&app);
    return rc;
}

void hy_app_fail(int rc)
{
    const struct hy_error *last = hy_last_error();
    bool is_of_rc = last->code != HY_OK && (rc >= 0 || last->code == -rc);
    hy_log(HY_LOG_ERROR, "application", "%s", is_of_rc ? last->message : hy_error_name(rc));
    __atomic_store_n(&failed, 1u, __ATOMIC_SEQ_CST);
    hy_app_quit(1);
}
