/* SPDX-License-Identifier: MIT */
/*
 * Foreign modal loops of Windows, and what a user types: with real windows, so it needs a desktop.
 * Whatever loop runs in a slot, posts, timers and notifiers go on in it.
 */
#include "../helpers/probe.h"
#include "../helpers/worker.h"

#include <windows.h>

enum {
    TICKS = 5
};

/* What goes on while the modal loop runs. */
static struct {
    struct probe probe;
    struct hy_timer timer;
    struct hy_notifier notifier;
    struct worker worker;
    HANDLE event;
    int ticks, posts, signals;
    bool is_inside;      /* the modal loop */
    void (*leave)(void); /* ends it */
    void (*enter)(void); /* runs it */
} modal;

static HWND window;
static char typed[32];
static int keys;

static LRESULT CALLBACK procedure(HWND hwnd, UINT message, WPARAM wide, LPARAM extra)
{
    if (message == WM_CHAR) {
        typed[keys++] = (char)wide;
        typed[keys] = '\0';
        return 0;
    }
    return DefWindowProcW(hwnd, message, wide, extra);
}

static void window_open(void)
{
    WNDCLASSW class = {.lpfnWndProc = procedure, .lpszClassName = L"desktop"};

    RegisterClassW(&class);
    window = CreateWindowExW(0, L"desktop", L"Halyard", WS_OVERLAPPEDWINDOW | WS_VISIBLE, 10, 10,
                             300, 200, NULL, NULL, NULL, NULL);
    assert_non_null(window);
    SetForegroundWindow(window);
    SetFocus(window);
    keys = 0;
    typed[0] = '\0';
}

/* --- what goes on ------------------------------------------------------------------------------
 */

static void post_one(void *context)
{
    (void)context;
    EXPECT_INT(hy_post(&modal.probe.hy, HY_EVENT_USER, NULL, 0, HY_PRIORITY_NORMAL), 0);
    EXPECT(SetEvent(modal.event));
}

static void post_from_there(struct hy_object *there, const void *payload)
{
    (void)there;
    (void)payload;
    post_one(NULL);
}

static void timer_fired(struct probe *self)
{
    (void)self;
    modal.ticks++;
    EXPECT_INT(hy_invoke(&modal.worker.probe.hy, post_from_there, NULL, NULL), 0);
    if (modal.is_inside && modal.ticks >= TICKS && modal.posts >= TICKS - 1 &&
        modal.signals >= TICKS - 1)
        modal.leave();
}

static void event_came(struct probe *self, struct hy_event *event)
{
    (void)self;
    (void)event;
    modal.posts += modal.is_inside ? 1 : 0;
}

static void event_is_set(struct probe *self)
{
    (void)self;
    modal.signals += modal.is_inside ? 1 : 0;
}

/* The slot in which the loop runs. */
static void enter_modal(struct hy_object *object, const void *payload)
{
    (void)object;
    (void)payload;
    modal.ticks = 0;
    modal.is_inside = true;
    modal.enter();
    modal.is_inside = false;
    hy_thread_quit(hy_thread_current(), 0);
}

static void run_modal(void (*enter)(void), void (*leave)(void))
{
    window_open();
    modal.enter = enter;
    modal.leave = leave;
    modal.posts = modal.signals = 0;
    probe_init(&modal.probe, NULL);
    modal.probe.on_event = event_came;
    modal.event = CreateEventW(NULL, FALSE, FALSE, NULL);
    assert_ok(hy_timer_init(&modal.timer, &modal.probe.hy));
    assert_ok(hy_notifier_init(&modal.notifier, &modal.probe.hy));
    assert_ok(hy_connect(&modal.timer.events.timeout, &modal.probe, timer_fired, HY_DIRECT));
    assert_ok(hy_connect(&modal.notifier.events.ready, &modal.probe, event_is_set, HY_DIRECT));
    assert_ok(hy_notifier_watch(&modal.notifier, (intptr_t)modal.event, HY_READABLE));
    worker_start(&modal.worker, "poster");
    assert_ok(hy_timer_start(&modal.timer, 20 * HY_MILLISECOND));
    assert_ok(hy_invoke(&modal.probe.hy, enter_modal, NULL, NULL));
    EXPECT_INT(hy_thread_exec(), 0);
    EXPECT(modal.ticks >= TICKS);
    EXPECT(modal.posts >= TICKS - 1);
    EXPECT(modal.signals >= TICKS - 1);
    worker_stop(&modal.worker);
    object_end(&modal.probe.hy);
    CloseHandle(modal.event);
    DestroyWindow(window);
}

/* --- modal loops -------------------------------------------------------------------------------
 */

static void box_open(void)
{
    EXPECT_INT(MessageBoxW(window, L"Shall we go on?", L"Question", MB_OKCANCEL), IDOK);
}

static void box_close(void)
{
    HWND box = FindWindowW(NULL, L"Question");

    if (box != NULL)
        EXPECT(PostMessageW(box, WM_COMMAND, IDOK, 0));
}

/* Rules: DW-03. */
static void test_dw03_a_message_box(void **state)
{
    (void)state;
    run_modal(box_open, box_close);
}

static void menu_open(void)
{
    HMENU menu = CreatePopupMenu();

    AppendMenuW(menu, MF_STRING, 1, L"One");
    AppendMenuW(menu, MF_STRING, 2, L"Two");
    EXPECT_INT(TrackPopupMenu(menu, TPM_RETURNCMD, 50, 50, 0, window, NULL), 0);
    DestroyMenu(menu);
}

static void menu_close(void)
{
    EndMenu();
}

static void test_dw03_a_menu(void **state)
{
    (void)state;
    run_modal(menu_open, menu_close);
}

static void move_begin(void)
{
    SendMessageW(window, WM_SYSCOMMAND, SC_MOVE, 0); /* by the keyboard */
}

static void move_end(void)
{
    EXPECT(PostMessageW(window, WM_KEYDOWN, VK_RETURN, 0));
}

static void test_dw03_a_window_being_moved(void **state)
{
    (void)state;
    run_modal(move_begin, move_end);
}

/* --- input -------------------------------------------------------------------------------------
 */

static void type(const char *text)
{
    for (; *text != '\0'; text++) {
        INPUT strokes[2] = {{.type = INPUT_KEYBOARD}, {.type = INPUT_KEYBOARD}};

        strokes[0].ki.wScan = strokes[1].ki.wScan = (WORD)*text;
        strokes[0].ki.dwFlags = KEYEVENTF_UNICODE;
        strokes[1].ki.dwFlags = KEYEVENTF_UNICODE | KEYEVENTF_KEYUP;
        EXPECT_INT(SendInput(2, strokes, sizeof strokes[0]), 2);
    }
}

static bool all_typed(void *context)
{
    return keys == *(const int *)context;
}

/* Rules: EL-18. */
static void test_what_a_user_types_waits_while_it_is_excluded(void **state)
{
    int wanted = 5;

    (void)state;
    window_open();
    wait_drain();
    type("abc");
    for (int i = 0; i < 20; i++)
        EXPECT(hy_process(HY_PROCESS_EXCLUDE_USER_INPUT, HY_FOREVER) >= 0);
    EXPECT_INT(keys, 0);
    type("de");
    EXPECT(wait_for(all_typed, &wanted));
    assert_string_equal(typed, "abcde");
    DestroyWindow(window);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_dw03_a_message_box),
        TEST(test_dw03_a_menu),
        TEST(test_dw03_a_window_being_moved),
        TEST(test_what_a_user_types_waits_while_it_is_excluded),
    };

    if (CreateWindowExW(0, L"STATIC", L"", WS_OVERLAPPED, 0, 0, 0, 0, NULL, NULL, NULL, NULL) ==
        NULL) {
        printf("1..0 # SKIP there is no desktop to show a window on\n");
        return 0;
    }
    return cmocka_run_group_tests_name("win32_desktop", tests, NULL, NULL);
}
