/* SPDX-License-Identifier: MIT */
/*
 * What is of Windows only: the thread's message queue and its window, foreign loops, native events,
 * handles that can be waited for. It needs no desktop; test_win32_desktop.c does.
 */
#include "../helpers/probe.h"
#include "../helpers/worker.h"

#include <stdlib.h>
#include <winsock2.h>

#include <windows.h>

#define E(n) (HY_EVENT_USER + (n))

static struct probe probe;

static void begin(void)
{
    probe_init(&probe, NULL);
}

static void end(void)
{
    object_end(&probe.hy);
}

/* --- what goes through the queue ---------------------------------------------------------------
 */

/* Of the messages that the thread takes out of its queue, those to windows of Halyard. */
static struct {
    int wakes, timers;
    HWND window;
    WPARAM timer;
    bool is_one; /* window, and one timer of it */
} taken;

static LRESULT CALLBACK note_message(int code, WPARAM wide, LPARAM extra)
{
    const MSG *message = (const MSG *)(void *)extra;
    WCHAR name[16];

    if (code == HC_ACTION && wide == PM_REMOVE && message->hwnd != NULL &&
        GetClassNameW(message->hwnd, name, 16) > 0 && lstrcmpW(name, L"halyard") == 0) {
        if (taken.window == NULL)
            taken.window = message->hwnd;
        taken.is_one &= taken.window == message->hwnd;
        if (message->message == WM_TIMER) {
            if (taken.timers++ == 0)
                taken.timer = message->wParam;
            taken.is_one &= taken.timer == message->wParam;
        } else {
            taken.wakes++;
        }
    }
    return CallNextHookEx(NULL, code, wide, extra);
}

static HHOOK watch_queue(void)
{
    HHOOK hook = SetWindowsHookExW(WH_GETMESSAGE, note_message, NULL, GetCurrentThreadId());

    assert_non_null(hook);
    taken = (typeof(taken)){.is_one = true};
    return hook;
}

enum {
    POSTS = 1000,
    TIMERS = 10000
};

static void post_many(void *context)
{
    (void)context;
    for (int i = 0; i < POSTS; i++)
        EXPECT_INT(hy_post(&probe.hy, E(0), NULL, 0, HY_PRIORITY_NORMAL), 0);
}

static void count_event(struct probe *self, struct hy_event *event)
{
    (void)event;
    count_up(self->context);
}

/* However many posts: one message stands in the queue, and it stands for all of them. */
static void test_dw01_dw02_many_posts_are_one_message(void **state)
{
    struct worker worker;
    MSG message, wake = {.message = WM_NULL};
    int delivered = 0;
    HHOOK hook;

    (void)state;
    begin();
    probe.on_event = count_event;
    probe.context = &delivered;
    wait_drain();
    worker_start(&worker, "poster");
    hook = watch_queue();
    run_there(&worker.probe.hy, post_many, NULL);
    while (PeekMessageW(&message, NULL, 0, 0, PM_REMOVE))
        if (taken.wakes == 1 && wake.message == WM_NULL)
            wake = message;
    EXPECT_INT(taken.wakes, 1);
    EXPECT_INT(delivered, 0);
    DispatchMessageW(&wake);
    EXPECT(delivered > 0);
    EXPECT(wait_count(&delivered, POSTS));
    worker_stop(&worker);
    EXPECT(UnhookWindowsHookEx(hook));
    end();
}

/* --- foreign loops -----------------------------------------------------------------------------
 */

static bool turn(void)
{
    MSG message;
    bool is_more = GetMessageW(&message, NULL, 0, 0) > 0;

    DispatchMessageW(&message);
    return is_more;
}

static void run_foreign_loop(const int *count, int at_least)
{
    while (count_get(count) < at_least && turn()) {
    }
}

static struct hy_timer *timers;
static int fired;

static void timer_fired(struct probe *self)
{
    (void)self;
    count_up(&fired);
}

static void timers_init(int count, int64_t interval_ns)
{
    timers = calloc((size_t)count, sizeof *timers);
    assert_non_null(timers);
    fired = 0;
    for (int i = 0; i < count; i++) {
        assert_ok(hy_timer_init(&timers[i], NULL));
        assert_ok(hy_connect(&timers[i].events.timeout, &probe, timer_fired, HY_DIRECT));
        assert_ok(hy_timer_start(&timers[i], interval_ns + i));
    }
}

static void timers_end(int count)
{
    for (int i = 0; i < count; i++)
        object_end(&timers[i].hy);
    free(timers);
}

/* Rules: TM-01. */
static void test_ten_thousand_timers_are_one_of_windows(void **state)
{
    HHOOK hook;

    (void)state;
    begin();
    hook = watch_queue();
    timers_init(TIMERS, 30 * HY_MILLISECOND);
    run_foreign_loop(&fired, 3 * TIMERS);
    EXPECT(taken.timers >= 3);
    EXPECT(taken.is_one);
    timers_end(TIMERS);
    EXPECT(UnhookWindowsHookEx(hook));
    end();
}

static void test_dw04_a_timer_fires_once_a_pass(void **state)
{
    (void)state;
    begin();
    timers_init(1, HY_MILLISECOND);
    wait_busy_until_ns(hy_now_ns() + 20 * HY_MILLISECOND); /* many intervals long */
    EXPECT_INT(hy_process(0, HY_FOREVER), 1);
    EXPECT_INT(fired, 1);
    timers_end(1);
    end();
}

static int64_t due_ns;
static int early;

static void tick(struct hy_timer *self)
{
    int64_t now_ns = hy_now_ns();

    early += now_ns < due_ns ? 1 : 0;
    count_up(&fired);
    due_ns = now_ns + 3 * HY_MILLISECOND;
    EXPECT_INT(hy_timer_start_once(self, 3 * HY_MILLISECOND), 0);
}

/* Departs: DW-05: short and precise ones are a waitable timer of the thread's own wait; nothing is
 * posted that could come twice. */
static void test_dw05_short_intervals_are_never_early(void **state)
{
    struct hy_timer timer;

    (void)state;
    begin();
    fired = early = 0;
    assert_ok(hy_timer_init(&timer, NULL));
    assert_ok(hy_connect(&timer.events.timeout, &timer, tick, HY_DIRECT));
    due_ns = hy_now_ns() + 3 * HY_MILLISECOND;
    assert_ok(hy_timer_start_once(&timer, 3 * HY_MILLISECOND));
    EXPECT(wait_count(&fired, 20));
    run_foreign_loop(&fired, 40);
    EXPECT_INT(early, 0);
    object_end(&timer.hy);
    end();
}

static void stop_itself(struct hy_timer *self)
{
    if (count_up(&fired) == 3)
        hy_timer_stop(self);
}

static void test_dw06_a_zero_timer_ends_as_it_is_stopped(void **state)
{
    struct hy_timer timer;

    (void)state;
    begin();
    fired = 0;
    assert_ok(hy_timer_init(&timer, NULL));
    assert_ok(hy_connect(&timer.events.timeout, &timer, stop_itself, HY_DIRECT));
    assert_ok(hy_timer_start(&timer, 0));
    run_foreign_loop(&fired, 3);
    wait_drain();
    EXPECT_INT(fired, 3);
    object_end(&timer.hy);
    end();
}

/* --- native events -----------------------------------------------------------------------------
 */

static int filtered, keys;

static bool filter_keys(struct hy_native_filter *self, void *native_event, intptr_t *result)
{
    const MSG *message = native_event;

    (void)self;
    (void)result;
    if (message->message != WM_KEYDOWN)
        return false;
    filtered++;
    return message->wParam == 'X';
}

static char typed[64];

static LRESULT CALLBACK note_keys(HWND window, UINT message, WPARAM wide, LPARAM extra)
{
    if (message == WM_KEYDOWN) {
        typed[keys++] = (char)wide;
        typed[keys] = '\0';
        return 0;
    }
    if (message == WM_USER) { /* what no user does */
        typed[keys++] = '-';
        typed[keys] = '\0';
        return 0;
    }
    return DefWindowProcW(window, message, wide, extra);
}

static HWND window_create(void)
{
    WNDCLASSW class = {.lpfnWndProc = note_keys, .lpszClassName = L"keys"};
    HWND window;

    RegisterClassW(&class);
    window = CreateWindowExW(0, L"keys", L"", 0, 0, 0, 0, 0, HWND_MESSAGE, NULL, NULL, NULL);
    assert_non_null(window);
    keys = filtered = 0;
    typed[0] = '\0';
    return window;
}

static void test_a_native_filter_sees_messages_first(void **state)
{
    struct hy_native_filter filter = {.filter = filter_keys};
    HWND window;

    (void)state;
    begin();
    window = window_create();
    assert_ok(hy_native_filter_install(&filter));
    EXPECT(PostMessageW(window, WM_KEYDOWN, 'A', 0));
    EXPECT(PostMessageW(window, WM_KEYDOWN, 'X', 0));
    EXPECT(PostMessageW(window, WM_KEYDOWN, 'B', 0));
    wait_drain();
    EXPECT_INT(filtered, 3);
    assert_string_equal(typed, "AB");
    assert_ok(hy_native_filter_remove(&filter));
    DestroyWindow(window);
    end();
}

/* Rules: EL-18. */
static void test_user_input_waits_in_order_while_it_is_excluded(void **state)
{
    HWND window;

    (void)state;
    begin();
    window = window_create();
    for (char key = 'A'; key <= 'Z'; key++) {
        EXPECT(PostMessageW(window, WM_KEYDOWN, (WPARAM)key, 0));
        if (key == 'C')
            EXPECT(PostMessageW(window, WM_USER, 0, 0));
        while (hy_process(HY_PROCESS_EXCLUDE_USER_INPUT, HY_FOREVER) > 0) {
        }
    }
    assert_string_equal(typed, "-");
    EXPECT(PostMessageW(window, WM_KEYDOWN, '!', 0)); /* comes behind those that wait */
    wait_drain();
    assert_string_equal(typed, "-ABCDEFGHIJKLMNOPQRSTUVWXYZ!");
    EXPECT(PostMessageW(window, WM_KEYDOWN, '?', 0));
    while (hy_process(HY_PROCESS_EXCLUDE_USER_INPUT, HY_FOREVER) > 0) {
    }
    while (keys < 29) /* a wait does not wait for more than that */
        EXPECT(hy_process(HY_PROCESS_WAIT, HY_FOREVER) >= 0);
    assert_string_equal(typed, "-ABCDEFGHIJKLMNOPQRSTUVWXYZ!?");
    DestroyWindow(window);
    end();
}

static void test_wm_quit_ends_the_loops_of_the_thread(void **state)
{
    (void)state;
    begin();
    PostQuitMessage(7);
    EXPECT_INT(hy_thread_exec(), 7);
    end();
}

/* --- handles -----------------------------------------------------------------------------------
 */

enum {
    EVENTS = 200,
    SOCKETS = 500,
    LAYOUTS = 11
};

struct watcher {
    HY_INHERITS(hy_object);
    struct hy_notifier notifier;
    HANDLE event;
    int calls;
    void (*on_ready)(struct watcher *self);
};

static const struct hy_class watcher_class = HY_CLASS(struct watcher, .base = NULL);
static struct watcher watchers[EVENTS + SOCKETS];
static int watcher_calls;

static void watcher_ready(struct watcher *self, const struct hy_readiness *readiness)
{
    EXPECT_INT(readiness->conditions, HY_READABLE);
    self->calls++;
    watcher_calls++;
    if (self->on_ready != NULL)
        self->on_ready(self);
}

static void watcher_init(struct watcher *watcher, intptr_t descriptor)
{
    assert_ok(hy_object_init(&watcher->hy, &watcher_class, NULL));
    assert_ok(hy_notifier_init(&watcher->notifier, &watcher->hy));
    assert_ok(hy_connect(&watcher->notifier.events.ready, watcher, watcher_ready, HY_DIRECT));
    assert_ok(hy_notifier_watch(&watcher->notifier, descriptor, HY_READABLE));
}

static void events_init(BOOL manual_reset)
{
    watcher_calls = 0;
    for (int i = 0; i < EVENTS; i++) {
        watchers[i] = (struct watcher){.event = CreateEventW(NULL, manual_reset, FALSE, NULL)};
        watcher_init(&watchers[i], (intptr_t)watchers[i].event);
    }
    wait_drain(); /* all are waited for */
}

static void events_end(void)
{
    for (int i = 0; i < EVENTS; i++) {
        object_end(&watchers[i].hy);
        CloseHandle(watchers[i].event);
    }
}

static bool all_were_called(void *context)
{
    return watcher_calls >= *(int *)context;
}

static void test_dw09_two_hundred_events(void **state)
{
    int wanted = EVENTS;

    (void)state;
    events_init(FALSE);
    for (int i = 0; i < EVENTS; i++)
        EXPECT(SetEvent(watchers[i].event));
    EXPECT(wait_for(all_were_called, &wanted));
    wait_drain();
    EXPECT_INT(watcher_calls, EVENTS); /* an automatic event is told once */
    for (int i = 0; i < EVENTS; i++)
        EXPECT_INT(watchers[i].calls, 1);
    events_end();
}

static void test_an_event_that_stays_set_is_told_in_every_pass(void **state)
{
    (void)state;
    events_init(TRUE);
    EXPECT(SetEvent(watchers[3].event));
    wait_count(&watchers[3].calls, 1);
    for (int i = 0; i < 5; i++)
        EXPECT_INT(hy_process(0, HY_FOREVER), 1);
    EXPECT(ResetEvent(watchers[3].event));
    EXPECT_INT(hy_process(0, HY_FOREVER), 0);
    events_end();
}

/* Whether the layout disables the watcher at this place of the ready ones. */
static bool is_disabled(int layout, int place, int count)
{
    switch (layout) {
    case 0: /* none */
        return false;
    case 1: /* all */
        return true;
    case 2: /* the first */
        return place == 0;
    case 3: /* the last */
        return place == count - 1;
    case 4: /* the middle */
        return place == count / 2;
    case 5: /* the first half */
        return place < count / 2;
    case 6: /* the second half */
        return place >= count / 2;
    case 7: /* every second */
        return place % 2 == 0;
    case 8:
        return place % 2 == 1;
    case 9: /* all but the ends */
        return place != 0 && place != count - 1;
    default: /* both ends */
        return place == 0 || place == count - 1;
    }
}

static int layout;
static bool has_disabled;

/* The first one that is called disables some, itself perhaps among them. */
static void disable_some(struct watcher *self)
{
    (void)self;
    if (has_disabled)
        return;
    has_disabled = true;
    for (int i = 0; i < EVENTS; i++)
        if (is_disabled(layout, i, EVENTS))
            EXPECT_INT(hy_notifier_unwatch(&watchers[i].notifier), 0);
}

static bool the_others_were_called(void *context)
{
    (void)context;
    for (int i = 0; i < EVENTS; i++)
        if (watchers[i].calls == 0 && !is_disabled(layout, i, EVENTS))
            return false;
    return true;
}

static void run_layout(void)
{
    int wanted = 0;

    events_init(FALSE);
    has_disabled = false;
    for (int i = 0; i < EVENTS; i++) {
        watchers[i].on_ready = disable_some;
        EXPECT(SetEvent(watchers[i].event));
        wanted += is_disabled(layout, i, EVENTS) ? 0 : 1;
    }
    EXPECT(wait_for(the_others_were_called, NULL));
    wait_drain();
    /* Whoever disabled may be one of those: it was called before. */
    EXPECT(watcher_calls == wanted || watcher_calls == wanted + 1);
    for (int i = 0; i < EVENTS; i++)
        if (!is_disabled(layout, i, EVENTS))
            EXPECT_INT(watchers[i].calls, 1);
    events_end();
}

static void test_dw08_any_may_be_disabled_in_a_callback(void **state)
{
    (void)state;
    for (layout = 0; layout < LAYOUTS; layout++)
        run_layout();
}

/* --- sockets -----------------------------------------------------------------------------------
 */

static SOCKET socket_open(struct sockaddr_in *ret_address)
{
    SOCKET socket_ = socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP);
    int size = sizeof *ret_address;

    assert_true(socket_ != INVALID_SOCKET);
    *ret_address = (struct sockaddr_in){.sin_family = AF_INET};
    ret_address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(socket_, (struct sockaddr *)ret_address, size), 0);
    assert_int_equal(getsockname(socket_, (struct sockaddr *)ret_address, &size), 0);
    return socket_;
}

static SOCKET sockets[SOCKETS];
static struct sockaddr_in addresses[SOCKETS];

static void send_to(int place)
{
    EXPECT_INT(sendto(sockets[(place + 1) % SOCKETS], "x", 1, 0,
                      (struct sockaddr *)&addresses[place], sizeof addresses[place]),
               1);
}

static void receive(struct watcher *self)
{
    char byte[8];

    EXPECT_INT(recv((SOCKET)self->notifier.descriptor_, byte, sizeof byte, 0), 1);
}

/* Rules: DW-09. */
static void test_dw09_five_hundred_sockets_beside_the_events(void **state)
{
    int wanted = 3 * SOCKETS + EVENTS;

    (void)state;
    events_init(FALSE);
    for (int i = 0; i < SOCKETS; i++) {
        struct watcher *watcher = &watchers[EVENTS + i];

        sockets[i] = socket_open(&addresses[i]);
        *watcher = (struct watcher){.on_ready = receive};
        watcher_init(watcher, (intptr_t)sockets[i]);
    }
    for (int round = 0; round < 3; round++)
        for (int i = 0; i < SOCKETS; i++)
            send_to(i);
    for (int i = 0; i < EVENTS; i++)
        EXPECT(SetEvent(watchers[i].event));
    EXPECT(wait_for(all_were_called, &wanted));
    wait_drain();
    EXPECT_INT(watcher_calls, wanted);
    for (int i = 0; i < SOCKETS; i++) {
        EXPECT_INT(watchers[EVENTS + i].calls, 3);
        object_end(&watchers[EVENTS + i].hy);
        closesocket(sockets[i]);
    }
    events_end();
}

static void test_dw07_a_socket_keeps_its_mode(void **state)
{
    struct watcher watcher = {.calls = 0};
    struct sockaddr_in address;
    SOCKET blocking;
    DWORD limit_ms = 20;
    char byte[8];

    (void)state;
    blocking = socket_open(&address);
    EXPECT_INT(
        setsockopt(blocking, SOL_SOCKET, SO_RCVTIMEO, (const char *)&limit_ms, sizeof limit_ms), 0);
    watcher_init(&watcher, (intptr_t)blocking);
    EXPECT_INT(hy_process(0, HY_FOREVER), 0);
    EXPECT_INT(recv(blocking, byte, sizeof byte, 0), -1);
    EXPECT_INT(WSAGetLastError(), WSAETIMEDOUT); /* it waited */
    object_end(&watcher.hy);
    closesocket(blocking);
}

static void watch_there(void *context)
{
    watcher_init(context, ((struct watcher *)context)->notifier.descriptor_);
}

static void end_there(void *context)
{
    object_end(&((struct watcher *)context)->hy);
}

/* A second thread watches what the first does. */
static void test_dw07_two_threads_watch_one_socket(void **state)
{
    static struct watcher here, there;
    struct sockaddr_in address;
    struct worker worker;

    (void)state;
    sockets[0] = socket_open(&address);
    addresses[0] = address;
    sockets[1] = socket_open(&addresses[1]);
    here = there = (struct watcher){.calls = 0};
    there.notifier.descriptor_ = (intptr_t)sockets[0];
    worker_start(&worker, "second");
    watcher_init(&here, (intptr_t)sockets[0]);
    run_there(&worker.probe.hy, watch_there, &there);
    send_to(0);
    EXPECT(wait_count(&here.calls, 1));
    EXPECT(wait_count(&there.calls, 1));
    run_there(&worker.probe.hy, end_there, &there);
    object_end(&here.hy);
    worker_stop(&worker);
    closesocket(sockets[0]);
    closesocket(sockets[1]);
}

/* --- threads -----------------------------------------------------------------------------------
 */

static int ends;

static void thread_finished(struct probe *self)
{
    (void)self;
    count_up(&ends);
}

static DWORD WINAPI foreign_thread(void *context)
{
    struct hy_thread *self = hy_thread_current(); /* adopted */

    EXPECT(self != NULL);
    EXPECT(hy_connect(&self->events.finished, (struct probe *)context, thread_finished,
                      HY_DIRECT) >= 0);
    return 0;
}

/* Rules: TD-06. */
static void test_adopted_threads_of_windows_tell_their_end(void **state)
{
    HANDLE threads[20];

    (void)state;
    begin();
    ends = 0;
    for (int i = 0; i < 20; i++) {
        threads[i] = CreateThread(NULL, 0, foreign_thread, &probe, 0, NULL);
        assert_non_null(threads[i]);
    }
    for (int i = 0; i < 20; i++) {
        EXPECT_INT(WaitForSingleObject(threads[i], INFINITE), WAIT_OBJECT_0);
        CloseHandle(threads[i]);
    }
    EXPECT_INT(count_get(&ends), 20);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_dw01_dw02_many_posts_are_one_message),
        TEST(test_ten_thousand_timers_are_one_of_windows),
        TEST(test_dw04_a_timer_fires_once_a_pass),
        TEST(test_dw05_short_intervals_are_never_early),
        TEST(test_dw06_a_zero_timer_ends_as_it_is_stopped),
        TEST(test_a_native_filter_sees_messages_first),
        TEST(test_user_input_waits_in_order_while_it_is_excluded),
        TEST(test_wm_quit_ends_the_loops_of_the_thread),
        TEST(test_dw09_two_hundred_events),
        TEST(test_an_event_that_stays_set_is_told_in_every_pass),
        TEST(test_dw08_any_may_be_disabled_in_a_callback),
        TEST(test_dw09_five_hundred_sockets_beside_the_events),
        TEST(test_dw07_a_socket_keeps_its_mode),
        TEST(test_dw07_two_threads_watch_one_socket),
        TEST(test_adopted_threads_of_windows_tell_their_end),
    };
    WSADATA data;

    if (WSAStartup(MAKEWORD(2, 2), &data) != 0)
        return 1;
    return cmocka_run_group_tests_name("win32", tests, NULL, NULL);
}
