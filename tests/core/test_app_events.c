/* SPDX-License-Identifier: MIT */
/*
 * The application and events: asking whether to quit, its end, threads without it. Rules AP-04,
 * AP-05, AP-10, AP-15. Each case runs in a child process of its own.
 */
#include "../helpers/allocator.h"
#include "../helpers/probe.h"
#include "../helpers/system.h"
#include "../helpers/worker.h"

#include <string.h>

#define E(n) (HY_EVENT_USER + (n))

static struct hy_app app;
static struct probe probe, filter; /* live in the main thread */
static struct worker worker;
static bool veto;
static int seen_by_thread, seen_by_object, about;

static void note_about(struct probe *self)
{
    (void)self;
    about++;
}

static void begin(void)
{
    EXPECT_INT(hy_app_init(&app), 0);
    probe_init(&probe, NULL);
    probe_init(&filter, NULL);
    EXPECT_INT(hy_connect(&app.events.about_to_quit, &probe, note_about, HY_AUTO), 0);
}

static void end(void)
{
    object_end(&probe.hy);
    object_end(&filter.hy);
    hy_app_fini(&app);
}

static void post(uint32_t number)
{
    EXPECT_INT(hy_post(&probe.hy, E(number), NULL, 0, HY_PRIORITY_NORMAL), 0);
}

static bool filter_of_thread(struct hy_object *self, struct hy_object *receiver,
                             struct hy_event *event)
{
    (void)self;
    seen_by_thread += event->type == HY_EVENT_QUIT && receiver == &app.hy;
    return false;
}

static bool filter_of_app(struct hy_object *self, struct hy_object *receiver,
                          struct hy_event *event)
{
    (void)self;
    EXPECT(receiver == &app.hy);
    seen_by_object += event->type == HY_EVENT_QUIT;
    return veto;
}

static void install_filters(void)
{
    EXPECT_INT(hy_thread_install_filter(&filter.hy, filter_of_thread), 0);
    EXPECT_INT(hy_object_install_filter(&app.hy, &filter.hy, filter_of_app), 0);
}

/* --- asking ----------------------------------------------------------------------------------- */

static void ask(struct probe *self, struct hy_event *event)
{
    (void)self;
    if (event->type == E(1)) {
        veto = true;
        EXPECT_INT(hy_app_request_quit(), 0);
        EXPECT_INT(seen_by_thread, 1);
        EXPECT_INT(seen_by_object, 1); /* at once */
        post(2);
    } else if (event->type == E(2)) {
        EXPECT_INT(about, 0); /* it did not quit */
        veto = false;
        EXPECT_INT(hy_app_request_quit(), 1);
        EXPECT_INT(seen_by_object, 2);
    }
}

static int case_request_quit(void *context)
{
    (void)context;
    EXPECT_INT(hy_app_request_quit(), -HY_ESHUTDOWN); /* there is no application */
    begin();
    install_filters();
    struct hy_event unknown = {.type = E(7)};
    EXPECT_INT(hy_send(&app.hy, &unknown), 0); /* ignored */
    EXPECT_INT(hy_app_request_quit(), 0);      /* nothing that could quit */
    EXPECT_INT(seen_by_thread, 0);
    probe.on_event = ask;
    post(1);
    EXPECT_INT(hy_app_exec(&app), 0);
    EXPECT_INT(about, 1);
    EXPECT_INT(seen_by_thread, 2);
    EXPECT_INT(hy_app_request_quit(), 0);
    end();
    EXPECT_INT(hy_app_request_quit(), -HY_ESHUTDOWN);
    return 0;
}

static void request_twice(void *context)
{
    (void)context;
    EXPECT_INT(hy_app_request_quit(), 1); /* posted */
    EXPECT_INT(hy_app_request_quit(), 1);
    EXPECT_INT(seen_by_thread, 0);
}

static void request_once(void *context)
{
    (void)context;
    veto = false;
    EXPECT_INT(hy_app_request_quit(), 1);
}

static void let_worker_ask(struct probe *self, struct hy_event *event)
{
    (void)self;
    if (event->type == E(1)) {
        veto = true;
        run_there(&worker.probe.hy, request_twice, NULL);
        EXPECT_INT(hy_posted_count(&app.hy, HY_EVENT_QUIT), 2);
        post(2);
        post(3); /* in the next pass but one */
    } else if (event->type == E(3)) {
        EXPECT_INT(seen_by_object, 1); /* PE-14: a second one adds nothing */
        EXPECT_INT(hy_posted_count(&app.hy, HY_EVENT_QUIT), 0);
        run_there(&worker.probe.hy, request_once, NULL);
    }
}

static int case_request_from_another_thread(void *context)
{
    (void)context;
    begin();
    install_filters();
    worker_start(&worker, "asker");
    probe.on_event = let_worker_ask;
    post(1);
    EXPECT_INT(hy_app_exec(&app), 0);
    EXPECT_INT(seen_by_object, 2);
    hy_thread_fini(&worker.thread);
    end();
    return 0;
}

static void end_app(struct probe *self, struct hy_event *event)
{
    (void)self;
    (void)event;
    hy_app_quit(4);
}

static int case_quit_has_no_veto(void *context)
{
    (void)context;
    begin();
    install_filters();
    veto = true;
    probe.on_event = end_app;
    post(1);
    EXPECT_INT(hy_app_exec(&app), 4);
    EXPECT_INT(seen_by_thread + seen_by_object, 0);
    end();
    return 0;
}

/* --- the end of the application --------------------------------------------------------------- */

static void events_in_fini(struct probe *self)
{
    struct hy_event event = {.type = E(7)};

    (void)self;
    EXPECT_INT(hy_send(&probe.hy, &event), 1); /* delivered */
    EXPECT_INT(hy_send(&app.hy, &event), -HY_ESHUTDOWN);
    EXPECT_INT(hy_post(&app.hy, E(8), NULL, 0, HY_PRIORITY_NORMAL), -HY_ESHUTDOWN);
    EXPECT_INT(hy_app_request_quit(), -HY_ESHUTDOWN);
    post(9);
}

static int case_events_while_it_ends(void *context)
{
    struct probe child;

    (void)context;
    begin();
    probe_init(&child, &app.hy);
    child.on_fini = events_in_fini;
    hy_app_fini(&app);
    EXPECT(PROBE_SAW(&probe, E(7)));
    wait_drain();
    EXPECT(PROBE_SAW(&probe, E(7), E(9)));
    object_end(&probe.hy);
    object_end(&filter.hy);
    return 0;
}

static void post_to_worker(uint32_t number)
{
    EXPECT_INT(hy_post(&worker.probe.hy, E(number), NULL, 0, HY_PRIORITY_NORMAL), 0);
    flush_there(&worker.probe.hy);
}

static int case_workers_do_without(void *context)
{
    (void)context;
    worker_start(&worker, "alone");
    post_to_worker(1);
    begin();
    post_to_worker(2);
    end(); /* which joins the threads that this one has started */
    hy_thread_fini(&worker.thread);
    EXPECT(PROBE_SAW(&worker.probe, E(1), E(2)));
    worker_start(&worker, "alone again");
    post_to_worker(3);
    worker_stop(&worker);
    EXPECT(PROBE_SAW(&worker.probe, E(3)));
    return 0;
}

#define CHILD(name, function)                                                                      \
    static void name(void **state)                                                                 \
    {                                                                                              \
        (void)state;                                                                               \
        assert_int_equal(system_in_child(function, NULL), 0);                                      \
    }

CHILD(test_ap04_a_request_can_be_stopped, case_request_quit)
/* Rules: AP-04, PE-14. */
CHILD(test_ap04_a_request_of_another_thread_is_posted, case_request_from_another_thread)
CHILD(test_ap05_quit_cannot_be_stopped, case_quit_has_no_veto)
/* Delivered, or refused with an error; never swallowed. */
CHILD(test_ap10_events_while_the_application_ends, case_events_while_it_ends)
CHILD(test_ap15_workers_do_without_an_application, case_workers_do_without)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_ap04_a_request_can_be_stopped),
        TEST(test_ap04_a_request_of_another_thread_is_posted),
        TEST(test_ap05_quit_cannot_be_stopped),
        TEST(test_ap10_events_while_the_application_ends),
        TEST(test_ap15_workers_do_without_an_application),
    };

    allocator_install();
    return cmocka_run_group_tests_name("app-events", tests, NULL, NULL);
}
