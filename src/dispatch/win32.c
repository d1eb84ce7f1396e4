/* SPDX-License-Identifier: MIT */
/*
 * The dispatcher of Windows: a guest in the thread's message queue. See halyard/dispatcher.h.
 *
 * A wake-up is a message to the dispatcher's window, one at a time (`woken`). Who takes it out of
 * the queue tells whose loop runs: our own wait looks at it and passes it by; when the window's
 * procedure is called, a foreign loop has dispatched it, and makes a pass.
 *
 * A foreign loop does not ask us before it waits. So a native timer runs while one may, the beat:
 * it is started as a wait of our own ends, for a handler may start a foreign loop, and ends itself
 * when it finds our own wait in charge; in a foreign loop it stands at the next deadline. In our
 * own wait deadlines are the timeout of the wait, or a waitable timer when they are near.
 */
#include "dispatch/win32_input.h"
#include "dispatch/win32_watches.h"
#include "platform/platform.h"

#include <halyard/log.h>
#include <halyard/memory.h>
#include <halyard/thread.h>

#ifndef CREATE_WAITABLE_TIMER_HIGH_RESOLUTION
#define CREATE_WAITABLE_TIMER_HIGH_RESOLUTION 2 /* Windows 10, 1803 */
#endif

enum {
    WAKE_MESSAGE = WM_APP, /* nobody else sends messages to the window */
    BEAT_TIMER = 1,
    BEAT_MS = 45,  /* not the interval of many a timer */
    RETRY_MS = 10, /* after a pass that failed, or that others are let go before */
    MESSAGES_PER_WAIT = 64,
    WAKES_IN_A_ROW = 8 /* waits that end with the wake-up they found; then all is looked at */
};
#define CLASS_NAME L"halyard"
#define NEAR_NS    (20 * HY_MILLISECOND) /* the timeouts of Windows are up to 16 ms late */

struct win32_dispatcher {
    struct hy_dispatcher base;
    uint32_t woken; /* atomic: a message is on its way */
    uint32_t lost;  /* atomic: the queue had no room for it */
    HWND window;    /* atomic; NULL while the thread does not run */
    /* The thread's. */
    struct hy__win32_watches watches;
    struct hy__win32_input held;
    HANDLE timer; /* for deadlines that are near */
    int64_t deadline_ns;
    bool precise;
    int64_t beat_ns;         /* when the native timer is due; 0: it does not run */
    bool in_charge;          /* our own wait was the last to run the queue, so it comes back */
    hy_ready_function ready; /* of the last wait */
    bool has_run;            /* a foreign loop's last message made a pass */
    bool failed;             /* the last pass of a foreign loop did */
    int waits;               /* our own, on the stack: what runs in them is nested in a handler */
    int wakes;               /* in a row */
    int dispatched;          /* messages of the program, in the wait in progress */
};

static struct win32_dispatcher *self_of(struct hy_dispatcher *dispatcher)
{
    return (struct win32_dispatcher *)(void *)dispatcher;
}

/* --- waking ----------------------------------------------------------------------------------- */

static void post_wake(struct win32_dispatcher *self)
{
    /* Sequentially consistent, against win32_attach(): one of the two sees the other's. */
    HWND window = __atomic_load_n(&self->window, __ATOMIC_SEQ_CST);
    if (window == NULL || PostMessageW(window, WAKE_MESSAGE, 0, 0))
        return;
    /* The queue is full (10,000 messages). Our own wait looks at `lost` when it has emptied it,
     * after this store or before the message that has room now. */
    __atomic_store_n(&self->lost, 1u, __ATOMIC_SEQ_CST);
    PostMessageW(window, WAKE_MESSAGE, 0, 0);
}

static void win32_wake(struct hy_dispatcher *dispatcher)
{
    struct win32_dispatcher *self = self_of(dispatcher);
    /* Sequentially consistent: what the caller did before is seen by whoever takes the message. */
    if (__atomic_exchange_n(&self->woken, 1u, __ATOMIC_SEQ_CST) == 0)
        post_wake(self);
}

/* The message has been taken out of the queue. */
static void take_wake(struct win32_dispatcher *self)
{
    __atomic_store_n(&self->woken, 0u, __ATOMIC_SEQ_CST);
}

static bool take_lost(struct win32_dispatcher *self)
{
    if (__atomic_load_n(&self->lost, __ATOMIC_SEQ_CST) == 0)
        return false;
    __atomic_store_n(&self->lost, 0u, __ATOMIC_SEQ_CST);
    take_wake(self);
    return true;
}

/* --- the beat --------------------------------------------------------------------------------- */

static void beat_set(struct win32_dispatcher *self, int64_t now_ns, int64_t after_ms)
{
    UINT elapse_ms = after_ms < USER_TIMER_MINIMUM   ? USER_TIMER_MINIMUM
                     : after_ms > USER_TIMER_MAXIMUM ? USER_TIMER_MAXIMUM
                                                     : (UINT)after_ms;
    if (SetTimer(self->window, BEAT_TIMER, elapse_ms, NULL) != 0)
        self->beat_ns = now_ns + elapse_ms * HY_MILLISECOND;
}

static void beat_end(struct win32_dispatcher *self)
{
    if (self->beat_ns != 0)
        KillTimer(self->window, BEAT_TIMER);
    self->beat_ns = 0;
}

/* Never early: rounded up. */
static int64_t ms_until(int64_t deadline_ns, int64_t now_ns)
{
    if (deadline_ns <= now_ns)
        return 0;
    int64_t left_ns = deadline_ns - now_ns;
    return left_ns / HY_MILLISECOND + (left_ns % HY_MILLISECOND != 0 ? 1 : 0);
}

/* For a foreign loop. */
static void beat_at_deadline(struct win32_dispatcher *self)
{
    int64_t now_ns = hy__clock_ns();
    if (self->deadline_ns == HY_FOREVER)
        beat_end(self);
    else
        beat_set(self, now_ns, ms_until(self->deadline_ns, now_ns));
}

static void win32_sooner(struct hy_dispatcher *dispatcher, int64_t deadline_ns)
{
    struct win32_dispatcher *self = self_of(dispatcher);
    if (self->in_charge) /* the beat runs */
        return;
    int64_t now_ns = hy__clock_ns(), soonest_ns = now_ns + USER_TIMER_MINIMUM * HY_MILLISECOND;
    int64_t due_ns = deadline_ns > soonest_ns ? deadline_ns : soonest_ns;
    if (self->window != NULL && (self->beat_ns == 0 || self->beat_ns > due_ns))
        beat_set(self, now_ns, ms_until(due_ns, now_ns));
}

/* --- in a foreign loop ------------------------------------------------------------------------ */

/* Posted messages go before all that the user does and sees: those get every second turn. */
static bool steps_back(struct win32_dispatcher *self)
{
    if (!self->has_run || HIWORD(GetQueueStatus(QS_INPUT | QS_PAINT)) == 0)
        return false;
    self->has_run = false;
    beat_set(self, hy__clock_ns(), RETRY_MS);
    return true;
}

/* Returns as hy_guest_prepare(). */
static int run_pass(struct win32_dispatcher *self)
{
    unsigned flags = self->waits > 0 ? (unsigned)HY_GUEST_NESTED : 0u, wait_flags;
    int64_t deadline_ns;
    int rc = hy_guest_dispatch(flags);
    if (rc < 0)
        return rc;
    rc = hy_guest_prepare(flags, &deadline_ns, &wait_flags);
    if (rc < 0)
        return rc;
    self->deadline_ns = deadline_ns;
    /* What was ready may be so still. */
    if ((wait_flags & HY_WAIT_NO_DESCRIPTORS) == 0 && self->ready != NULL &&
        hy__win32_look(&self->watches, self->ready) > 0)
        rc = 1;
    return rc;
}

static void pass(struct win32_dispatcher *self)
{
    if (steps_back(self))
        return;
    self->in_charge = false;
    beat_set(self, hy__clock_ns(), BEAT_MS); /* a handler may run a loop in turn */
    int rc = run_pass(self);
    self->in_charge = false;
    self->has_run = true;
    if (rc < 0) {
        if (!self->failed)
            hy_log(HY_LOG_ERROR, "win32", "Halyard cannot run in this loop of messages: %s",
                   hy_last_error()->message);
        self->failed = true;
        beat_set(self, hy__clock_ns(), RETRY_MS);
        return;
    }
    self->failed = false;
    if (rc > 0)
        win32_wake(&self->base);
    beat_at_deadline(self);
}

static LRESULT CALLBACK window_procedure(HWND window, UINT message, WPARAM wide, LPARAM extra)
{
    struct win32_dispatcher *self =
        (struct win32_dispatcher *)(void *)GetWindowLongPtrW(window, GWLP_USERDATA);
    bool is_wake = message == WAKE_MESSAGE;
    if (self == NULL || (!is_wake && (message != WM_TIMER || wide != BEAT_TIMER)))
        return DefWindowProcW(window, message, wide, extra);
    if (is_wake)
        take_wake(self);
    pass(self);
    return 0;
}

/* --- our own wait ----------------------------------------------------------------------------- */

static bool is_woken(const struct win32_dispatcher *self)
{
    return __atomic_load_n(&self->woken, __ATOMIC_SEQ_CST) != 0;
}

/* A message of the program's. */
static void dispatch(struct win32_dispatcher *self, const MSG *message, unsigned flags)
{
    intptr_t result;
    MSG copy = *message;
    if ((flags & HY_WAIT_NO_USER_INPUT) != 0 && hy__win32_is_input(message) &&
        hy__win32_input_hold(&self->held, message))
        return;
    if (message->message == WM_QUIT) {
        hy_thread_quit(hy_thread_current(), (int)message->wParam);
        self->dispatched++;
        return;
    }
    if (hy_native_filters_apply(&copy, &result)) {
        self->dispatched++;
        return;
    }
    self->dispatched += message->hwnd != NULL ? 1 : 0; /* else nobody gets it */
    TranslateMessage(&copy);
    DispatchMessageW(&copy);
}

/* What was held back comes before what is in the queue. */
static void dispatch_held(struct win32_dispatcher *self, unsigned flags)
{
    MSG message;
    while ((flags & HY_WAIT_NO_USER_INPUT) == 0 && !is_woken(self) &&
           hy__win32_input_take(&self->held, &message))
        dispatch(self, &message, flags);
}

/*
 * Takes messages out of the queue. Whether there was anything but the beat. A wake-up ends it: what
 * was posted is not to wait for one look more; but not every time, for a wake-up is there before
 * whatever the user does.
 */
static bool pump(struct win32_dispatcher *self, unsigned flags)
{
    int dispatched = self->dispatched;
    bool is_wake = false;
    MSG message;
    dispatch_held(self, flags);
    for (int i = 0; i < MESSAGES_PER_WAIT; i++) {
        if (!PeekMessageW(&message, NULL, 0, 0, PM_REMOVE)) {
            self->wakes = 0;
            break;
        }
        bool is_own = message.hwnd != NULL && message.hwnd == self->window;
        if (is_own && message.message == WAKE_MESSAGE) {
            take_wake(self);
            is_wake = true;
            if (self->wakes++ < WAKES_IN_A_ROW)
                break;
            self->wakes = 0;
        } else if (is_own && message.message == WM_TIMER) {
            beat_end(self);
        } else {
            dispatch(self, &message, flags);
            if (is_woken(self)) /* it may have ended the loop */
                break;
        }
    }
    return take_lost(self) || is_wake || self->dispatched != dispatched;
}

/* Sets the waitable timer. In units of 100 ns, negative: from now on. */
static bool timer_set(const struct win32_dispatcher *self, int64_t left_ns)
{
    LARGE_INTEGER left = {.QuadPart = -(left_ns / 100 + 1)};
    return SetWaitableTimer(self->timer, &left, 0, NULL, NULL, FALSE);
}

/* Until there is a message, or the deadline: then *ret_is_over. 0, or an error of Windows. */
static DWORD wait_for_message(struct win32_dispatcher *self, bool *ret_is_over)
{
    DWORD handles = 0, timeout_ms = INFINITE;
    if (self->deadline_ns != HY_FOREVER) {
        int64_t now_ns = hy__clock_ns();
        int64_t left_ms = ms_until(self->deadline_ns, now_ns);
        bool is_near = self->precise || left_ms <= NEAR_NS / HY_MILLISECOND;
        timeout_ms = left_ms > INT32_MAX ? INT32_MAX : (DWORD)left_ms;
        if (left_ms != 0 && left_ms < INT32_MAX && is_near &&
            timer_set(self, self->deadline_ns - now_ns)) {
            handles = 1;
            timeout_ms = INFINITE;
        }
    }
    DWORD rc = MsgWaitForMultipleObjectsEx(handles, &self->timer, timeout_ms, QS_ALLINPUT,
                                           MWMO_INPUTAVAILABLE);
    *ret_is_over = rc != WAIT_OBJECT_0 + handles;
    return rc == WAIT_FAILED ? GetLastError() : 0;
}

/* 0, or an error of Windows. */
static DWORD run_queue(struct win32_dispatcher *self, unsigned flags, bool block)
{
    DWORD error = 0;
    bool is_over = !block;
    self->waits++;
    do {
        if (block)
            error = wait_for_message(self, &is_over);
        /* At the deadline there was no message, and the timers come first. */
        if (!block || !is_over)
            is_over |= pump(self, flags);
    } while (!is_over && error == 0);
    self->waits--;
    return error;
}

static int win32_wait(struct hy_dispatcher *dispatcher, unsigned flags, hy_ready_function ready)
{
    struct win32_dispatcher *self = self_of(dispatcher);
    bool looks = (flags & HY_WAIT_NO_DESCRIPTORS) == 0;
    self->ready = ready;
    bool is_ready = looks && hy__win32_look(&self->watches, ready) > 0;
    if ((flags & HY_WAIT_GUEST) != 0)
        return 0;
    int outer = self->dispatched;
    self->dispatched = 0;
    bool has_held = self->held.count > 0 && (flags & HY_WAIT_NO_USER_INPUT) == 0;
    bool block = (flags & HY_WAIT_BLOCK) != 0 && !is_ready && !has_held;
    DWORD error = run_queue(self, flags, block);
    int dispatched = self->dispatched;
    self->dispatched = outer;
    if (looks)
        (void)hy__win32_collect(&self->watches, ready);
    self->in_charge = true;
    if (self->beat_ns == 0)
        beat_set(self, hy__clock_ns(), BEAT_MS);
    return error == 0 ? dispatched
                      : hy_error_set_system(hy__win32_error(error), "cannot wait for messages");
}

static void win32_set_deadline(struct hy_dispatcher *dispatcher, int64_t deadline_ns, bool precise)
{
    struct win32_dispatcher *self = self_of(dispatcher);
    self->deadline_ns = deadline_ns;
    self->precise = precise;
}

/* --- descriptors -------------------------------------------------------------------------------
 *
 * Looked at in the next wait; in a foreign loop, in the pass that a wake-up brings about.
 */

static void look_soon(struct win32_dispatcher *self)
{
    if (!self->in_charge)
        win32_wake(&self->base);
}

static int win32_watch(struct hy_dispatcher *dispatcher, intptr_t descriptor, unsigned conditions,
                       void *cookie)
{
    struct win32_dispatcher *self = self_of(dispatcher);
    int rc = hy__win32_watch(&self->watches, descriptor, conditions, cookie);
    if (rc == 0)
        look_soon(self);
    return rc;
}

static int win32_change(struct hy_dispatcher *dispatcher, intptr_t descriptor, unsigned conditions,
                        void *cookie)
{
    struct win32_dispatcher *self = self_of(dispatcher);
    int rc = hy__win32_change(&self->watches, descriptor, conditions, cookie);
    if (rc == 0)
        look_soon(self);
    return rc;
}

static int win32_forget(struct hy_dispatcher *dispatcher, intptr_t descriptor)
{
    hy__win32_forget(&self_of(dispatcher)->watches, descriptor);
    return 0;
}

/* --- making and ending ------------------------------------------------------------------------ */

/* Of this copy of the library: classes of windows belong to a module. */
static HINSTANCE this_module(void)
{
    static const char a_place; /* in it */
    HMODULE module = NULL;
    GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS |
                           GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT,
                       (LPCWSTR)(const void *)&a_place, &module);
    return module;
}

static BOOL WINAPI register_class(INIT_ONCE *once, void *argument, void **ret_context)
{
    (void)once, (void)argument, (void)ret_context;
    WNDCLASSW class = {
        .lpfnWndProc = window_procedure, .hInstance = this_module(), .lpszClassName = CLASS_NAME};
    return RegisterClassW(&class) != 0 || GetLastError() == ERROR_CLASS_ALREADY_EXISTS;
}

static HWND window_create(void)
{
    static INIT_ONCE once = INIT_ONCE_STATIC_INIT;
    if (!InitOnceExecuteOnce(&once, register_class, NULL, NULL))
        return NULL;
    return CreateWindowExW(0, CLASS_NAME, CLASS_NAME, 0, 0, 0, 0, 0, HWND_MESSAGE, NULL,
                           this_module(), NULL);
}

static int win32_attach(struct hy_dispatcher *dispatcher)
{
    struct win32_dispatcher *self = self_of(dispatcher);
    HWND window = window_create();
    if (window == NULL)
        return hy_error_set_system(hy__win32_error(GetLastError()),
                                   "cannot make the window of a thread");
    SetWindowLongPtrW(window, GWLP_USERDATA, (LONG_PTR)self);
    __atomic_store_n(&self->window, window, __ATOMIC_SEQ_CST);
    if (is_woken(self)) /* before there was a window */
        post_wake(self);
    beat_set(self, hy__clock_ns(), BEAT_MS); /* the thread's loop may be a foreign one */
    return 0;
}

static void win32_detach(struct hy_dispatcher *dispatcher)
{
    struct win32_dispatcher *self = self_of(dispatcher);
    HWND window = self->window;
    beat_end(self);
    self->in_charge = false;
    __atomic_store_n(&self->window, NULL, __ATOMIC_SEQ_CST);
    DestroyWindow(window);
}

static void win32_destroy(struct hy_dispatcher *dispatcher)
{
    struct win32_dispatcher *self = self_of(dispatcher);
    hy__win32_watches_free(&self->watches);
    hy__win32_input_free(&self->held);
    if (self->timer != NULL)
        CloseHandle(self->timer);
    hy_memory_release(self);
}

static const struct hy_dispatcher_ops win32_ops = {
    .version = HY_DISPATCHER_VERSION,
    .size = sizeof(struct hy_dispatcher_ops),
    .name = "win32",
    .flags = HY_DISPATCHER_HOSTED,
    .attach = win32_attach,
    .detach = win32_detach,
    .watch = win32_watch,
    .change = win32_change,
    .forget = win32_forget,
    .set_deadline = win32_set_deadline,
    .sooner = win32_sooner,
    .wait = win32_wait,
    .wake = win32_wake,
    .destroy = win32_destroy,
};

int hy_dispatcher_create(struct hy_dispatcher **ret_dispatcher)
{
    struct win32_dispatcher *self = hy_memory_allocate_zeroed(sizeof *self);
    if (self == NULL)
        return -HY_ENOMEM;
    self->base.ops = &win32_ops;
    self->deadline_ns = HY_FOREVER;
    self->watches.wake = win32_wake;
    self->watches.dispatcher = &self->base;
    self->timer =
        CreateWaitableTimerExW(NULL, NULL, CREATE_WAITABLE_TIMER_HIGH_RESOLUTION, TIMER_ALL_ACCESS);
    if (self->timer == NULL) /* of an older Windows: as late as its timeouts */
        self->timer = CreateWaitableTimerExW(NULL, NULL, 0, TIMER_ALL_ACCESS);
    if (self->timer == NULL) {
        int rc = hy_error_set_system(hy__win32_error(GetLastError()),
                                     "cannot make a dispatcher of messages");
        win32_destroy(&self->base);
        return rc;
    }
    *ret_dispatcher = &self->base;
    return 0;
}

int hy_dispatcher_create_poll(struct hy_dispatcher **ret_dispatcher)
{
    (void)ret_dispatcher;
    return hy_error_set(-HY_ENOTSUP, "there is no poll() dispatcher on Windows; "
                                     "hy_dispatcher_create() makes one that watches any number of "
                                     "sockets");
}
