/* SPDX-License-Identifier: MIT */
/*
 * Out of memory, at every allocation there is. Each scenario runs in a child process of its own
 * (so that every cache is cold), with the n-th allocation failing, for n = 1, 2, ... until it gets
 * through without reaching it. It must report -HY_ENOMEM or succeed, change nothing half-way, work
 * afterwards, and leave the same number of blocks behind each time it is repeated.
 */
#include "../helpers/allocator.h"
#include "../helpers/probe.h"
#include "../helpers/system.h"
#include "../helpers/worker.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define E(n)   (HY_EVENT_USER + (n))
#define ROUNDS 8
#define PASSES 40 /* of one message each, at worst */
/* Which of the allocations fail: every one; where a process costs a hundred times as much as
 * elsewhere, every eighth of the same ones. */
#ifdef _WIN32
#define STEP 8
#else
#define STEP check_step()
#endif

/* Tries once; 0, or the first failing code after undoing what was done. */
typedef int (*scenario_function)(void);

struct run {
    scenario_function scenario;
    long n;
};

static bool is_allowed(int rc)
{
    return rc >= 0 || rc == -HY_ENOMEM;
}

/* A thread that cannot run its loop says so; here it is asked for. */
static void log_nothing(enum hy_log_level level, const char *category, const char *message)
{
    (void)level;
    (void)category;
    (void)message;
}

/* One child: 0 when the failure was reached, 1 when the scenario is through, 2 when a check failed.
 */
static int run_with_failure(void *context)
{
    const struct run *run = context;
    long blocks[ROUNDS];
    bool reached = false;

    allocator_install();
    hy_log_set_handler(log_nothing);
    for (int i = 0; i < ROUNDS; i++) {
        int rc;

        allocator_fail_at(run->n);
        rc = run->scenario();
        if (i == 0)
            reached = allocator_has_failed();
        allocator_fail_at(0);
        if (!EXPECT(is_allowed(rc)))
            (void)fprintf(stderr, "allocation %ld: %d\n", run->n, rc);
        if (rc < 0)
            EXPECT_INT(hy_last_error()->code, HY_ENOMEM);
        EXPECT_INT(run->scenario(), 0); /* nothing is broken */
        EXPECT_INT(text_copies(), 0);
        blocks[i] = allocator_blocks();
    }
    /* Caches may grow by a block now and then; a leak would in every round. */
    if (!EXPECT(blocks[ROUNDS - 1] - blocks[2] < ROUNDS - 3))
        (void)fprintf(stderr, "allocation %ld: blocks %ld, later %ld\n", run->n, blocks[2],
                      blocks[ROUNDS - 1]);
    return reached ? 0 : 1;
}

static void for_every_allocation(scenario_function scenario)
{
    struct run run = {scenario, 1};
    int status = system_in_child(run_with_failure, &run);

    while (status == 0 && run.n < 2000) {
        run.n += STEP;
        status = system_in_child(run_with_failure, &run);
    }
    if (status != 1)
        fail_msg("allocation %ld: status %d", run.n, status);
    assert_true(run.n > 1); /* it allocates at all, and fails where it does */
}

/* --- scenarios -------------------------------------------------------------------------------- */

static int scenario_create(void)
{
    struct hy_object *object = NULL, *child = NULL;
    int rc = hy_object_create(&source_class, NULL, &object);

    if (rc < 0) {
        EXPECT(object == NULL);
        return rc;
    }
    rc = hy_object_create(&probe_class, object, &child);
    if (rc < 0) {
        EXPECT(child == NULL);
        EXPECT(hy_object_first_child(object) == NULL);
    }
    object_end(object);
    return rc;
}

static int scenario_init(void)
{
    struct source source;
    struct probe probe;
    int rc = hy_object_init(&source.hy, &source_class, NULL);

    if (rc < 0)
        return rc;
    memset(&probe, 0, sizeof probe);
    rc = hy_object_init(&probe.hy, &probe_class, &source.hy);
    if (rc < 0)
        EXPECT(hy_object_first_child(&source.hy) == NULL);
    object_end(&source.hy);
    return rc;
}

/* Makes a pair, or says why not. */
static int pair_init(struct source *source, struct probe *probe)
{
    int rc = hy_object_init(&source->hy, &source_class, NULL);

    if (rc < 0)
        return rc;
    memset(probe, 0, sizeof *probe);
    rc = hy_object_init(&probe->hy, &probe_class, NULL);
    if (rc < 0)
        object_end(&source->hy);
    return rc;
}

static int scenario_connect(void)
{
    struct source source;
    struct probe probe;
    int made = 0, rc = pair_init(&source, &probe);

    if (rc < 0)
        return rc;
    for (; made < 300 && rc >= 0; made += rc >= 0)
        rc = hy_connect(&source.events.number, &probe, probe_number, HY_DIRECT);
    EXPECT_INT(hy_emit_with(&source.events.number, .value = 1), made);
    EXPECT_INT(probe.count, made);
    EXPECT_INT(hy_disconnect(&source.events.number, &probe, probe_number), made);
    object_end(&probe.hy);
    object_end(&source.hy);
    return rc;
}

static int scenario_queued_emit(void)
{
    struct source source;
    struct probe probe;
    struct text text = {NULL};
    char bytes[] = "payload";
    int queued = 0, rc = pair_init(&source, &probe);

    if (rc < 0)
        return rc;
    text.bytes = bytes;
    rc = hy_connect(&source.events.text, &probe, probe_text, HY_QUEUED);
    for (int i = 0; i < 200 && rc >= 0; i++) {
        rc = hy_emit(&source.events.text, &text);
        queued += rc == 1;
    }
    {
        int passes = 0, ran = 0;

        while (ran < queued && passes++ < 1000) {
            int step = hy_process(0, HY_FOREVER);

            if (step > 0)
                ran += step;
            else if (step == -HY_ENOMEM)
                rc = step;
        }
    }
    EXPECT_INT(probe.count, queued);
    object_end(&probe.hy);
    object_end(&source.hy);
    return rc < 0 ? rc : 0;
}

/* The sender ends with calls queued to several receivers: delivered, or dropped for want of memory.
 */
static void slot_context(struct probe *self, const struct number *number, void *context)
{
    (void)context;
    probe_note(self, number->value);
}

static void context_end(void *context)
{
    ++*(int *)context;
}

/* Each context ends once, also that of a connection that could not be made. */
static int scenario_closures(void)
{
    struct source source;
    struct probe probe;
    int tried = 0, made = 0, ends = 0, emitted = 0, rc = pair_init(&source, &probe);
    const struct hy_connect_options options = {
        .flags = HY_QUEUED | HY_KEEP_QUEUED, .context = &ends, .destroy = context_end};

    if (rc < 0)
        return rc;
    for (; tried < 20 && rc >= 0; made += rc >= 0) {
        tried++;
        rc = hy_connect_with(&source.events.number, &probe, slot_context, &options, NULL);
    }
    EXPECT_INT(ends, tried - made);
    if (rc >= 0) {
        rc = hy_signal_block(&source.events.text.sig, true);
        EXPECT(hy_signal_block(&source.events.text.sig, false) >= 0);
    }
    if (rc >= 0)
        rc = emitted = hy_emit_with(&source.events.number, .value = 1);
    EXPECT_INT(hy_object_disconnect(&source.hy, &probe.hy), made);
    for (int i = 0; i < PASSES; i++)
        if (hy_process(0, HY_FOREVER) < 0)
            rc = -HY_ENOMEM;
    EXPECT_INT(ends, tried);
    if (emitted > 0) /* kept, although cut */
        EXPECT_INT(probe.count, emitted);
    object_end(&probe.hy);
    object_end(&source.hy);
    return rc < 0 ? rc : 0;
}

struct watcher {
    HY_INHERITS(hy_object);
    hy_signal(struct number) number;
    int made, cut;
};

static void watcher_changed(struct hy_object *object, const struct hy_signal_spec *signal,
                            bool connected)
{
    struct watcher *self = (struct watcher *)(void *)object;

    (void)signal;
    self->made += connected;
    self->cut += !connected;
}

static const struct hy_class watcher_class =
    HY_CLASS(struct watcher, .connection_changed = watcher_changed,
             .signals = HY_SIGNALS(HY_PLAIN(struct watcher, number)));

/* Away from the owner's thread each change is a message; what was connected has its message for the
 * cut already. */
static int scenario_changes(void)
{
    struct watcher watcher;
    struct probe probe;
    int made = 0, rc;

    memset(&watcher, 0, sizeof watcher);
    memset(&probe, 0, sizeof probe);
    rc = hy_object_init(&watcher.hy, &watcher_class, NULL);
    if (rc < 0)
        return rc;
    rc = hy_object_init(&probe.hy, &probe_class, NULL);
    if (rc < 0) {
        object_end(&watcher.hy);
        return rc;
    }
    rc = hy_object_move_to_thread(&watcher.hy, NULL);
    for (; made < 5 && rc >= 0; made += rc >= 0)
        rc = hy_connect(&watcher.number, &probe, probe_number, HY_AUTO);
    object_end(&probe.hy);
    for (int i = 0; i < 2; i++) { /* one of them may fail */
        int step = hy_object_move_to_thread(&watcher.hy, hy_thread_current());

        if (step < 0)
            rc = step;
    }
    for (int i = 0; i < PASSES; i++)
        if (hy_process(0, HY_FOREVER) < 0)
            rc = -HY_ENOMEM;
    EXPECT_INT(watcher.made, made);
    EXPECT_INT(watcher.cut, made);
    object_end(&watcher.hy);
    return rc;
}

static int scenario_sender_end(void)
{
    enum {
        RECEIVERS = 12
    };
    struct source source;
    struct probe probes[RECEIVERS];
    struct text text = {NULL};
    char bytes[] = "payload";
    int made = 0, rc = hy_object_init(&source.hy, &source_class, NULL);

    if (rc < 0)
        return rc;
    text.bytes = bytes;
    memset(probes, 0, sizeof probes);
    for (; made < RECEIVERS && rc >= 0; made += rc >= 0) {
        rc = hy_object_init(&probes[made].hy, &probe_class, NULL);
        if (rc >= 0) {
            rc = hy_connect(&source.events.text, &probes[made], probe_text, HY_QUEUED);
            if (rc < 0)
                object_end(&probes[made].hy);
        }
    }
    if (rc >= 0)
        rc = hy_emit(&source.events.text, &text);
    object_end(&source.hy);
    for (int i = 0; i < PASSES; i++) {
        int step = hy_process(0, HY_FOREVER);

        if (step < 0)
            rc = step;
    }
    for (int i = 0; i < made; i++) {
        if (rc >= 0 && !allocator_has_failed())
            EXPECT_INT(probes[i].count, 1);
        object_end(&probes[i].hy);
    }
    return rc < 0 ? rc : 0;
}

static int scenario_post(void)
{
    static const char large[5000];
    struct probe probe;
    int posted = 0, ran = 0, rc;

    memset(&probe, 0, sizeof probe);
    rc = hy_object_init(&probe.hy, &probe_class, NULL);
    if (rc < 0)
        return rc;
    for (int i = 0; i < 200 && rc >= 0; i++) {
        rc = hy_post(&probe.hy, E(1), large, i % 10 == 0 ? sizeof large : 16, HY_PRIORITY_NORMAL);
        posted += rc == 0;
    }
    for (int passes = 0; ran < posted && passes < 1000; passes++) {
        int step = hy_process(0, HY_FOREVER);

        if (step > 0)
            ran += step;
        else if (step < 0)
            rc = step;
    }
    EXPECT_INT(probe.count, posted);
    object_end(&probe.hy);
    return rc;
}

static bool merge_all(void *older, const void *newer)
{
    (void)older;
    (void)newer;
    return true;
}

static int scenario_event_type(void)
{
    static const struct hy_payload payload =
        HY_DESCRIBED_PAYLOAD(struct text, text_copy, text_destroy);
    static const struct hy_event_type type = {
        .name = "text", .payload = &payload, .compress = merge_all};
    char bytes[] = "payload";
    struct text text = {bytes};
    struct probe probe;
    uint32_t number = 0;
    int rc = hy_event_type_register(&type, &number);

    if (rc < 0) {
        EXPECT_INT(number, 0);
        return rc;
    }
    memset(&probe, 0, sizeof probe);
    rc = hy_object_init(&probe.hy, &probe_class, NULL);
    if (rc < 0)
        return rc;
    for (int i = 0; i < 100 && rc >= 0; i++)
        rc = hy_post(&probe.hy, number, &text, sizeof text, HY_PRIORITY_NORMAL);
    for (int i = 0; i < 100; i++)
        if (hy_process(0, HY_FOREVER) == -HY_ENOMEM)
            rc = -HY_ENOMEM;
    EXPECT(rc < 0 || probe.count == 1);
    object_end(&probe.hy);
    return rc;
}

static bool pass_on(struct hy_object *filter, struct hy_object *receiver, struct hy_event *event)
{
    (void)receiver;
    (void)event;
    probe_note((struct probe *)(void *)filter, 1);
    return false;
}

static int scenario_filters(void)
{
    struct probe probe, filter;
    struct hy_event event = {.type = E(1)};
    int installed = 0, rc;

    memset(&probe, 0, sizeof probe);
    memset(&filter, 0, sizeof filter);
    rc = hy_object_init(&probe.hy, &probe_class, NULL);
    if (rc < 0)
        return rc;
    rc = hy_object_init(&filter.hy, &probe_class, NULL);
    if (rc >= 0) {
        rc = hy_object_install_filter(&probe.hy, &filter.hy, pass_on);
        installed += rc >= 0;
        if (rc >= 0)
            rc = hy_object_install_filter(&probe.hy, &filter.hy, pass_on); /* once more */
        if (rc >= 0) {
            rc = hy_thread_install_filter(&filter.hy, pass_on);
            installed += rc >= 0;
        }
        EXPECT_INT(hy_send(&probe.hy, &event), 1);
        EXPECT_INT(filter.count, installed);
        EXPECT_INT(hy_posted_flush(&probe.hy, HY_EVENT_ANY), 0);
        if (rc >= 0)
            EXPECT_INT(hy_thread_remove_filter(&filter.hy), 0);
        object_end(&filter.hy);
    }
    object_end(&probe.hy);
    return rc;
}

static void invoked(struct hy_object *receiver, const void *payload)
{
    (void)payload;
    probe_note((struct probe *)(void *)receiver, 1);
}

static int scenario_invoke(void)
{
    static const struct hy_payload description =
        HY_DESCRIBED_PAYLOAD(struct text, text_copy, text_destroy);
    char bytes[] = "payload";
    struct text text = {bytes};
    struct probe probe;
    int rc;

    memset(&probe, 0, sizeof probe);
    rc = hy_object_init(&probe.hy, &probe_class, NULL);
    if (rc < 0)
        return rc;
    for (int i = 0; i < 100 && rc >= 0; i++)
        rc = hy_invoke(&probe.hy, invoked, &description, &text);
    object_end(&probe.hy); /* what is queued is dropped */
    for (int i = 0; i < 100; i++)
        if (hy_process(0, HY_FOREVER) == -HY_ENOMEM)
            rc = -HY_ENOMEM;
    return rc;
}

/* Starts a thread with the probe in it; undoes all on failure. The thread may end early, when its
 * loop finds no memory, and the probe with it: it is reached by the reference. */
static int helper_start(struct worker *worker, void *context, struct hy_ref *ret_ref)
{
    int rc = hy_thread_init(&worker->thread, "oom", NULL);

    if (rc < 0)
        return rc;
    memset(&worker->probe, 0, sizeof worker->probe);
    worker->probe.context = context;
    rc = hy_object_init(&worker->probe.hy, &probe_class, NULL);
    if (rc >= 0) {
        struct hy_ref ref = hy_ref_to(&worker->probe.hy);

        rc = hy_object_move_to_thread(&worker->probe.hy, &worker->thread);
        if (rc < 0)
            EXPECT(hy_object_is_here(&worker->probe.hy));
        if (rc >= 0)
            rc = hy_thread_start(&worker->thread);
        if (rc < 0)
            object_end(&worker->probe.hy);
        if (rc >= 0 && ret_ref != NULL)
            *ret_ref = ref;
        else
            hy_ref_release(&ref);
    }
    if (rc < 0)
        hy_thread_fini(&worker->thread);
    return rc;
}

/* How many messages were dropped there. */
static uint64_t helper_stop(struct worker *worker)
{
    hy_thread_quit(&worker->thread, 0);
    EXPECT_INT(hy_thread_join(&worker->thread, HY_FOREVER), 0);
    uint64_t dropped = hy_thread_get_counters(&worker->thread).dropped;
    hy_thread_fini(&worker->thread);
    return dropped;
}

static int scenario_thread(void)
{
    struct worker worker;
    int rc = helper_start(&worker, NULL, NULL);

    if (rc >= 0)
        helper_stop(&worker);
    return rc;
}

static int scenario_move(void)
{
    struct worker worker;
    struct probe root, child;
    int posted = 0, rc = helper_start(&worker, NULL, NULL);

    if (rc < 0)
        return rc;
    memset(&root, 0, sizeof root);
    memset(&child, 0, sizeof child);
    rc = hy_object_init(&root.hy, &probe_class, NULL);
    if (rc >= 0) {
        rc = hy_object_init(&child.hy, &probe_class, &root.hy);
        for (int i = 0; i < 5 && rc >= 0; i++) {
            rc = hy_post(&child.hy, E(1), NULL, 0, HY_PRIORITY_NORMAL);
            posted += rc >= 0;
        }
        if (rc >= 0)
            rc = hy_object_move_to_thread(&root.hy, &worker.thread);
        if (rc == -HY_ESHUTDOWN && allocator_has_failed())
            rc = hy_error_set(-HY_ENOMEM, "the other thread could not run its loop, and ended");
        if (rc < 0) { /* nothing has changed */
            EXPECT(hy_object_is_here(&root.hy));
            allocator_fail_at(0);
            wait_drain();
            EXPECT_INT(child.count, posted);
            object_end(&root.hy);
        }
    }
    helper_stop(&worker);
    return rc;
}

static void ask_elsewhere(struct hy_object *receiver, const void *payload)
{
    struct probe *probe = (struct probe *)(void *)receiver;
    int rc = hy_object_destroy_later(*(struct hy_object *const *)payload);

    EXPECT(is_allowed(rc));
    __atomic_store_n((int *)probe->context, rc < 0 ? rc : 1, __ATOMIC_RELEASE);
}

static int scenario_destroy_later(void)
{
    static const struct hy_payload description = HY_PLAIN_PAYLOAD(struct hy_object *);
    struct worker worker;
    struct hy_object *victim = NULL;
    struct hy_ref there = {NULL};
    int finis = 0, asked = 0, rc = helper_start(&worker, &asked, &there);

    if (rc < 0)
        return rc;
    rc = hy_object_create(&probe_class, NULL, &victim);
    if (rc >= 0) {
        ((struct probe *)(void *)victim)->fini_count = &finis;
        rc = hy_ref_invoke(there, ask_elsewhere, &description, &victim);
        if (rc == -HY_ESHUTDOWN && allocator_has_failed())
            rc = hy_error_set(-HY_ENOMEM, "the other thread could not run its loop, and ended");
    }
    uint64_t dropped = helper_stop(&worker); /* drains, also when the loop could not run */
    hy_ref_release(&there);
    if (asked == 1) {
        allocator_fail_at(0);
        EXPECT(wait_count(&finis, 1));
    } else if (victim != NULL) {
        EXPECT_INT(finis, 0);
        /* A thread that cannot run its loop ends at once; what comes as it closes is dropped. */
        if (rc >= 0 && asked == 0 && dropped == 1 && allocator_has_failed())
            rc = hy_error_set(-HY_ENOMEM, "the other thread could not run its loop, and ended");
        EXPECT(rc < 0 || asked < 0);
        object_end(victim);
        if (rc >= 0)
            rc = hy_error_set(asked, "in the other thread");
    }
    return rc;
}

static int double_it(struct hy_object *receiver, void *argument)
{
    (void)receiver;
    *(int64_t *)argument *= 2;
    return 3;
}

/* The other thread may end before it gets there, when its loop finds no memory. */
static int or_out_of_memory(int rc)
{
    return rc == -HY_ESHUTDOWN && allocator_has_failed()
               ? hy_error_set(-HY_ENOMEM, "the other thread could not run its loop, and ended")
               : rc;
}

static int scenario_call(void)
{
    struct worker worker;
    struct hy_ref there = {NULL};
    int64_t number = 21;
    int result = 0, rc = helper_start(&worker, NULL, &there);

    if (rc < 0)
        return rc;
    rc = or_out_of_memory(
        hy_ref_call(there, double_it, &number, sizeof number, HY_FOREVER, &result));
    EXPECT_INT(number, rc == 0 ? 42 : 21);
    EXPECT_INT(result, rc == 0 ? 3 : 0);
    hy_ref_release(&there);
    helper_stop(&worker);
    return rc;
}

/* Connects, moves, starts; the receiver stays here when that fails. */
static int blocking_start(struct source *source, struct worker *worker)
{
    struct hy_connect_options options = {.flags = HY_BLOCKING, .timeout_ns = HY_SECOND * 60};
    int rc = hy_connect_with(&source->events.text, &worker->probe, probe_text, &options, NULL);

    if (rc >= 0)
        rc = hy_object_move_to_thread(&worker->probe.hy, &worker->thread);
    if (rc >= 0)
        rc = hy_thread_start(&worker->thread);
    return rc;
}

/* With a time-out, so that the payload is copied. */
static int scenario_blocking(void)
{
    struct source source;
    struct worker worker;
    char bytes[] = "payload";
    struct text text = {bytes};
    int rc = hy_thread_init(&worker.thread, "oom", NULL);

    if (rc < 0)
        return rc;
    rc = pair_init(&source, &worker.probe);
    if (rc < 0) {
        hy_thread_fini(&worker.thread);
        return rc;
    }
    rc = blocking_start(&source, &worker);
    if (rc >= 0) {
        rc = hy_emit(&source.events.text, &text);
        rc = or_out_of_memory(rc == 0 ? -HY_ESHUTDOWN : rc); /* 0: it had ended even before */
        helper_stop(&worker);
        EXPECT_INT(worker.probe.count, rc == 1 ? 1 : 0);
    } else {
        object_end(&worker.probe.hy);
        hy_thread_fini(&worker.thread);
    }
    object_end(&source.hy);
    return rc < 0 ? rc : 0;
}

static int scenario_bounded(void)
{
    struct source source;
    struct probe probe;
    struct hy_connection connection;
    struct hy_connection_counters counts = {0};
    struct hy_connect_options options = {
        .flags = HY_BOUNDED | HY_QUEUED, .limit = 3, .overflow = HY_OVERFLOW_DROP_OLDEST};
    char bytes[] = "payload";
    struct text text = {bytes};
    uint64_t queued = 0;
    int rc = pair_init(&source, &probe);

    if (rc < 0)
        return rc;
    rc = hy_connect_with(&source.events.text, &probe, probe_text, &options, &connection);
    for (int i = 0; i < 200 && rc >= 0; i++) {
        rc = hy_emit(&source.events.text, &text);
        queued += rc == 1;
    }
    if (queued > 0) {
        EXPECT_INT(hy_connection_get_counters(connection, &counts), 0);
        EXPECT_INT(counts.accepted, queued);
        EXPECT_INT(counts.waiting, queued < 3 ? queued : 3);
        EXPECT_INT(text_copies(), counts.waiting);
    }
    object_end(&source.hy);
    object_end(&probe.hy);
    for (int i = 0; i < 100 && text_copies() > 0; i++)
        if (hy_process(0, HY_FOREVER) == -HY_ENOMEM)
            rc = -HY_ENOMEM;
    return rc < 0 ? rc : 0;
}

static int scenario_timers(void)
{
    enum {
        MANY = 100
    };
    struct hy_timer timers[MANY];
    struct probe probe;
    int made = 0, running = 0, rc;

    memset(&probe, 0, sizeof probe);
    rc = hy_object_init(&probe.hy, &probe_class, NULL);
    if (rc < 0)
        return rc;
    for (; made < MANY && rc >= 0; made += rc >= 0)
        rc = hy_timer_init(&timers[made], &probe.hy);
    for (int i = 0; i < made && rc >= 0; i++) {
        rc = hy_connect(&timers[i].events.timeout, &probe, probe_nothing, HY_DIRECT);
        if (rc >= 0)
            rc = hy_timer_start_at(&timers[i], i);
        if (rc >= 0)
            running++;
        else
            EXPECT(!hy_timer_is_running(&timers[i]));
    }
    for (int i = 0; i < 100 && probe.count < running; i++) {
        int step = hy_process(0, HY_FOREVER);

        if (step < 0)
            rc = step;
    }
    EXPECT_INT(probe.count, running);
    object_end(&probe.hy);
    return rc < 0 ? rc : 0;
}

static void notifier_ready(struct probe *self, const struct hy_readiness *readiness)
{
    char byte;

    EXPECT_INT(read((int)readiness->descriptor, &byte, 1), 1);
    probe_note(self, 1);
}

static int scenario_notifiers(void)
{
    enum {
        MANY = 40
    };
    struct hy_notifier notifiers[MANY];
    int ends[MANY][2], opened = 0, watched = 0, rc;
    struct probe probe;

    memset(&probe, 0, sizeof probe);
    rc = hy_object_init(&probe.hy, &probe_class, NULL);
    if (rc < 0)
        return rc;
    for (; opened < MANY && rc >= 0; opened++) {
        struct hy_notifier *notifier = &notifiers[opened];

        EXPECT_INT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends[opened]), 0);
        EXPECT_INT(write(ends[opened][1], "x", 1), 1);
        rc = hy_notifier_init(notifier, &probe.hy);
        if (rc >= 0)
            rc = hy_connect(&notifier->events.ready, &probe, notifier_ready, HY_DIRECT);
        if (rc >= 0)
            rc = hy_notifier_watch(notifier, ends[opened][0], HY_READABLE);
        watched += rc >= 0;
    }
    for (int i = 0; i < 100 && probe.count < watched; i++) {
        int step = hy_process(0, HY_FOREVER);

        if (step < 0)
            rc = step;
    }
    EXPECT_INT(probe.count, watched);
    object_end(&probe.hy);
    for (int i = 0; i < opened; i++) {
        (void)close(ends[i][0]);
        (void)close(ends[i][1]);
    }
    return rc < 0 ? rc : 0;
}

static int scenario_loop(void)
{
    struct hy_loop loop;
    struct hy_timer timer;
    int rc = hy_timer_init(&timer, NULL);

    if (rc < 0)
        return rc;
    rc = hy_loop_init(&loop);
    if (rc >= 0)
        rc = hy_timer_start(&timer, 0);
    if (rc >= 0)
        rc = hy_process(0, HY_FOREVER);
    hy_timer_fini(&timer);
    return rc < 0 ? rc : 0;
}

static void at_the_end(void *context)
{
    (void)count_up(context);
}

static int at_end_rc;

static void body_asks_for_the_end(struct hy_thread *thread, void *context)
{
    (void)thread;
    at_end_rc = hy_thread_at_end(at_the_end, context);
}

static int scenario_at_end(void)
{
    struct hy_thread thread;
    int called = 0, rc = hy_thread_init(&thread, "ends", NULL);

    if (rc < 0)
        return rc;
    at_end_rc = 0;
    EXPECT_INT(hy_thread_set_body(&thread, body_asks_for_the_end, &called), 0);
    rc = hy_thread_start(&thread);
    if (rc >= 0) {
        EXPECT_INT(hy_thread_join(&thread, HY_FOREVER), 0);
        EXPECT_INT(called, at_end_rc == 0);
        EXPECT(is_allowed(at_end_rc));
    }
    hy_thread_fini(&thread);
    if (rc >= 0 && at_end_rc < 0) /* the message was of that thread */
        return hy_error_set(at_end_rc, "out of memory there");
    return rc;
}

static void *foreign(void *context)
{
    int *result = context;

    *result = hy_thread_current() != NULL ? 0 : hy_last_error()->code;
    return NULL;
}

static int scenario_adopt(void)
{
    pthread_t thread;
    int code = -1;

    EXPECT_INT(pthread_create(&thread, NULL, foreign, &code), 0);
    EXPECT_INT(pthread_join(thread, NULL), 0);
    return code == 0 ? 0 : hy_error_set(-code, "out of memory there");
}

/* What may be the first call of the library in a thread; it needs a record for it. */
static struct source *first_source;
static struct probe *first_probe;

static int first_loop(void)
{
    struct hy_loop loop;

    return hy_loop_init(&loop);
}

static int first_depth_limit(void)
{
    return hy_loop_set_depth_limit(5);
}

static int first_exec(void)
{
    int rc;

    hy_thread_quit(first_probe->context, 0); /* of another thread: this one's loop goes on */
    rc = hy_process(0, HY_FOREVER);
    return rc < 0 ? rc : 0;
}

static int first_emission(void)
{
    return hy_emit_with(&first_source->events.number, .value = 1);
}

static int first_check(void)
{
    int rc = hy_object_check_thread(&first_probe->hy, "use");

    EXPECT(rc == -HY_EWRONGTHREAD || rc == -HY_ENOMEM);
    return rc == -HY_ENOMEM ? rc : 0;
}

static int first_flush(void)
{
    return hy_posted_flush(NULL, HY_EVENT_ANY);
}

static int first_removal(void)
{
    int rc = hy_thread_remove_filter(&first_probe->hy);

    EXPECT(rc == -HY_EWRONGTHREAD || rc == -HY_ENOMEM);
    return rc == -HY_ENOMEM ? rc : 0;
}

static bool pass_native(struct hy_native_filter *filter, void *native_event, intptr_t *result)
{
    (void)filter;
    (void)native_event;
    (void)result;
    return false;
}

static int first_native_filter(void)
{
    struct hy_native_filter filter = {.filter = pass_native};
    int rc = hy_native_filter_install(&filter);

    if (rc < 0)
        return rc;
    EXPECT(hy_native_filter_remove(&filter) >= 0);
    return 0;
}

static int first_native_removal(void)
{
    int rc = hy_native_filter_remove(NULL);

    return rc == -HY_ENOMEM ? rc : 0;
}

static int first_guest(void)
{
    int64_t deadline_ns;
    int rc = hy_guest_prepare(0, &deadline_ns, NULL);

    return rc < 0 ? rc : 0;
}

static int first_guest_dispatch(void)
{
    int rc = hy_guest_dispatch(0);

    return rc < 0 ? rc : 0;
}

static int first_request(void)
{
    return hy_object_destroy_later(&first_probe->hy);
}

struct first_call {
    int (*function)(void);
    int rc;
};

static void *makes_first_call(void *context)
{
    struct first_call *call = context;

    call->rc = call->function();
    if (call->rc < 0)
        EXPECT_INT(hy_last_error()->code, -call->rc);
    return NULL;
}

static int scenario_first_calls(void)
{
    static int (*const functions[])(void) = {
        first_loop,    first_depth_limit,    first_exec,    first_emission,
        first_check,   first_flush,          first_removal, first_native_filter,
        first_request, first_native_removal, first_guest,   first_guest_dispatch,
    };
    struct source source;
    struct probe probe;
    int rc = pair_init(&source, &probe);

    if (rc < 0)
        return rc;
    probe.context = hy_thread_current();
    first_source = &source;
    first_probe = &probe;
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        struct first_call call = {functions[i], -1};
        pthread_t thread;

        EXPECT_INT(pthread_create(&thread, NULL, makes_first_call, &call), 0);
        EXPECT_INT(pthread_join(thread, NULL), 0);
        if (call.rc < 0)
            rc = hy_error_set(call.rc, "in the other thread");
    }
    object_end(&probe.hy); /* before its request is served */
    object_end(&source.hy);
    for (int i = 0; i < 5; i++)
        if (hy_process(0, HY_FOREVER) == -HY_ENOMEM)
            rc = -HY_ENOMEM;
    return rc;
}

static void note_signal(struct probe *self, const struct hy_unix_signal_info *info)
{
    probe_note(self, info->number);
}

static int scenario_unix_signal(void)
{
    struct hy_unix_signal signals;
    struct probe probe;
    int rc = hy_unix_signal_init(&signals, NULL);

    if (rc < 0)
        return rc;
    memset(&probe, 0, sizeof probe);
    rc = hy_object_init(&probe.hy, &probe_class, &signals.hy);
    if (rc >= 0)
        rc = hy_connect(&signals.events.arrived, &probe, note_signal, HY_AUTO);
    if (rc >= 0)
        rc = hy_unix_signal_watch(&signals, SIGUSR1);
    if (rc >= 0) {
        EXPECT_INT(raise(SIGUSR1), 0);
        rc = hy_process(0, HY_FOREVER);
        if (rc >= 0)
            EXPECT_INT(probe.count, 1);
    }
    hy_unix_signal_fini(&signals);
    EXPECT(signal(SIGUSR1, SIG_DFL) == SIG_DFL);
    return rc < 0 ? rc : 0;
}

static void quit_app(struct probe *self)
{
    (void)self;
    hy_app_quit(0);
}

static int scenario_app(void)
{
    struct hy_app app;
    struct hy_timer timer;
    struct probe probe;
    int rc = hy_app_init(&app);

    if (rc < 0) {
        EXPECT(hy_app_instance() == NULL);
        return rc;
    }
    memset(&probe, 0, sizeof probe);
    rc = hy_object_init(&probe.hy, &probe_class, &app.hy);
    if (rc >= 0)
        rc = hy_timer_init(&timer, &probe.hy);
    if (rc >= 0)
        rc = hy_connect(&timer.events.timeout, &probe, quit_app, HY_AUTO);
    if (rc >= 0)
        rc = hy_timer_start(&timer, 0);
    if (rc >= 0)
        rc = hy_app_exec(&app);
    hy_app_fini(&app);
    return rc;
}

static int scenario_park(void)
{
    struct probe root, child;
    int rc;

    memset(&root, 0, sizeof root);
    memset(&child, 0, sizeof child);
    rc = hy_object_init(&root.hy, &probe_class, NULL);
    if (rc < 0)
        return rc;
    rc = hy_post(&root.hy, E(1), NULL, 0, HY_PRIORITY_NORMAL);
    if (rc >= 0)
        rc = hy_object_move_to_thread(&root.hy, NULL);
    if (rc >= 0) {
        int made = hy_object_init(&child.hy, &probe_class, &root.hy);

        rc = made;
        if (rc >= 0)
            rc = hy_object_move_to_thread(&root.hy, hy_thread_current());
        if (rc < 0) /* still parked: ended where it is */
            EXPECT(!hy_object_is_here(&root.hy));
        else
            wait_drain();
    } else {
        EXPECT(hy_object_is_here(&root.hy));
    }
    object_end(&root.hy);
    return rc;
}

static void note_call(struct probe *self)
{
    probe_note(self, 1);
}

static int scenario_after(void)
{
    struct hy_timer timer;
    struct probe probe;
    int asked = 0, rc;

    memset(&probe, 0, sizeof probe);
    rc = hy_object_init(&probe.hy, &probe_class, NULL);
    if (rc < 0)
        return rc;
    for (int i = 0; i < 50 && rc >= 0; i++) {
        rc = hy_after(i % 3, &probe, note_call);
        asked += rc >= 0;
    }
    for (int i = 0; i < 1000 && probe.count < asked; i++)
        if (hy_process(0, HY_FOREVER) == -HY_ENOMEM)
            rc = -HY_ENOMEM;
    EXPECT_INT(probe.count, asked);
    if (rc >= 0)
        rc = hy_after(HY_SECOND, &probe, note_call); /* ends with the receiver */
    if (rc >= 0)
        rc = hy_timer_init(&timer, &probe.hy);
    if (rc >= 0)
        rc = hy_timer_request_start(&timer, HY_SECOND);
    for (int i = 0; i < 3; i++)
        if (hy_process(0, HY_FOREVER) == -HY_ENOMEM)
            rc = -HY_ENOMEM;
    object_end(&probe.hy);
    return rc;
}

static int scenario_log_filter(void)
{
    int rc = hy_log_set_filter("udp=error,*=off");

    EXPECT_INT(hy_log_is_enabled(HY_LOG_WARNING, "udp"), rc < 0);
    hy_log_set_level(HY_LOG_INFO);
    return rc;
}

struct oom_job {
    struct hy_job job;
    int ran, told, released;
};

static void job_work(struct hy_job *job)
{
    (void)count_up(&((struct oom_job *)(void *)job)->ran);
}

static void job_done(struct hy_object *receiver, struct hy_job *job, int result)
{
    (void)receiver;
    EXPECT(result == 0 || result == -HY_ENOMEM);
    (void)count_up(&((struct oom_job *)(void *)job)->told);
}

static void job_release(struct hy_job *job)
{
    (void)count_up(&((struct oom_job *)(void *)job)->released);
}

/* A job that was accepted is told and released, whatever the memory is like. */
static int scenario_pool(void)
{
    enum {
        JOBS = 10
    };
    struct hy_pool_limits limits = {.threads = 2};
    struct oom_job jobs[JOBS];
    struct hy_pool pool;
    struct probe probe;
    int accepted = 0, rc;

    memset(jobs, 0, sizeof jobs);
    memset(&probe, 0, sizeof probe);
    rc = hy_object_init(&probe.hy, &probe_class, NULL);
    if (rc < 0)
        return rc;
    rc = hy_pool_init(&pool, &limits, &probe.hy);
    for (; accepted < JOBS && rc >= 0; accepted += rc >= 0) {
        jobs[accepted].job =
            (struct hy_job){.work = job_work, .done = job_done, .release = job_release};
        rc = hy_pool_submit(&pool, &jobs[accepted].job, &probe.hy, NULL);
    }
    for (int i = 0; i < accepted; i++) {
        int idle = 0;

        while (count_get(&jobs[i].released) == 0 && EXPECT(idle++ < 20000)) {
            int step = hy_process(HY_PROCESS_WAIT, hy_now_ns() + HY_MILLISECOND);

            if (step < 0)
                rc = step;
        }
        EXPECT_INT(jobs[i].told, 1);
        EXPECT_INT(jobs[i].released, 1);
    }
    object_end(&probe.hy);
    for (int i = accepted; i < JOBS; i++)
        EXPECT_INT(jobs[i].released + jobs[i].told, 0);
    return rc < 0 ? rc : 0;
}

/* The poll dispatcher, by itself: watching takes memory now and then. */
static int scenario_poll(void)
{
    enum {
        MANY = 40
    };
    struct hy_dispatcher *dispatcher;
    int ends[MANY][2], watched = 0, rc = hy_dispatcher_create_poll(&dispatcher);

    if (rc < 0)
        return rc;
    for (int i = 0; i < MANY; i++)
        EXPECT_INT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends[i]), 0);
    while (watched < MANY && rc >= 0) {
        rc = dispatcher->ops->watch(dispatcher, ends[watched][0], HY_READABLE, &ends[watched]);
        watched += rc >= 0;
    }
    if (rc < 0) { /* nothing half done: it can be watched after all */
        EXPECT_INT(dispatcher->ops->watch(dispatcher, ends[watched][0], HY_READABLE, ends), 0);
        (void)hy_error_set(rc, "what failed before");
    }
    for (int i = 0; i < MANY; i++) {
        EXPECT_INT(dispatcher->ops->forget(dispatcher, ends[i][0]), 0);
        (void)close(ends[i][0]);
        (void)close(ends[i][1]);
    }
    dispatcher->ops->destroy(dispatcher);
    return rc;
}

/* What cannot be measured, watched or traced is left out; what is observed goes on. */
static int observed_work(void)
{
    struct hy_object_counters counts;
    struct hy_ref ref;
    struct worker worker;
    int rc = helper_start(&worker, NULL, &ref);

    if (rc < 0)
        return rc;
    for (uint32_t i = 0; i < 5 && rc >= 0; i++)
        rc = hy_ref_post(ref, E(i), NULL, 0, HY_PRIORITY_NORMAL);
    if (rc >= 0)
        rc = hy_ref_get_counters(ref, &counts);
    if (rc == -HY_ESHUTDOWN && allocator_has_failed())
        rc = hy_error_set(-HY_ENOMEM, "the other thread could not run its loop, and ended");
    helper_stop(&worker);
    if (rc >= 0 && hy_ref_get_counters(ref, &counts) >= 0)
        EXPECT_INT(counts.waiting, 0);
    hy_ref_release(&ref);
    return rc < 0 ? rc : 0;
}

static int scenario_measuring(void)
{
    struct hy_watchdog watchdog;
    int rc = hy_watchdog_init(&watchdog, 100 * HY_MILLISECOND, NULL);

    if (rc < 0)
        return rc;
    hy_diagnostics_set_measuring(true);
    rc = observed_work();
    hy_diagnostics_set_measuring(false);
    EXPECT_INT(hy_watchdog_fini(&watchdog), 0);
    return rc;
}

#ifdef _WIN32
#define NOWHERE "NUL"
#else
#define NOWHERE "/dev/null"
#endif

static int scenario_trace(void)
{
    int rc = hy_trace_start(NOWHERE);

    if (rc < 0)
        return rc;
    rc = observed_work();
    EXPECT_INT(hy_trace_stop(), 0);
    return rc;
}

#define SCENARIO(name)                                                                             \
    static void test_oom_##name(void **state)                                                      \
    {                                                                                              \
        (void)state;                                                                               \
        for_every_allocation(scenario_##name);                                                     \
    }

static void test_oom_poll(void **state)
{
    (void)state;
    SKIP_ON_WINDOWS("there is no dispatcher on poll() on Windows");
    for_every_allocation(scenario_poll);
}

SCENARIO(create)
SCENARIO(init)
SCENARIO(connect)
SCENARIO(queued_emit)
SCENARIO(closures)
SCENARIO(changes)
SCENARIO(sender_end)
SCENARIO(post)
SCENARIO(invoke)
SCENARIO(thread)
SCENARIO(move)
SCENARIO(destroy_later)
SCENARIO(timers)
SCENARIO(notifiers)
SCENARIO(loop)
SCENARIO(app)
SCENARIO(event_type)
SCENARIO(filters)
SCENARIO(park)
SCENARIO(after)
SCENARIO(log_filter)
SCENARIO(pool)
SCENARIO(at_end)
SCENARIO(adopt)
SCENARIO(first_calls)
SCENARIO(unix_signal)
SCENARIO(call)
SCENARIO(blocking)
SCENARIO(bounded)
SCENARIO(measuring)
SCENARIO(trace)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_oom_create),      TEST(test_oom_init),        TEST(test_oom_connect),
        TEST(test_oom_queued_emit), TEST(test_oom_closures),    TEST(test_oom_changes),
        TEST(test_oom_sender_end),  TEST(test_oom_post),        TEST(test_oom_invoke),
        TEST(test_oom_thread),      TEST(test_oom_move),        TEST(test_oom_destroy_later),
        TEST(test_oom_timers),      TEST(test_oom_notifiers),   TEST(test_oom_loop),
        TEST(test_oom_app),         TEST(test_oom_call),        TEST(test_oom_blocking),
        TEST(test_oom_bounded),     TEST(test_oom_event_type),  TEST(test_oom_filters),
        TEST(test_oom_park),        TEST(test_oom_after),       TEST(test_oom_log_filter),
        TEST(test_oom_pool),        TEST(test_oom_poll),        TEST(test_oom_at_end),
        TEST(test_oom_adopt),       TEST(test_oom_unix_signal), TEST(test_oom_first_calls),
        TEST(test_oom_measuring),   TEST(test_oom_trace),
    };

    return cmocka_run_group_tests_name("oom", tests, NULL, NULL);
}
