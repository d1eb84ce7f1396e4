/* SPDX-License-Identifier: MIT */
/*
 * Windows: what a signal across threads costs beside the bare message that carries it, and how late
 * timers come while the processors are busy.
 *
 *     bench_win32 [round_trip | timers]
 *
 * Pairs are interleaved; what is printed are medians, and for timers the distribution.
 */
#include <halyard/halyard.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <windows.h>

enum {
    PAIRS = 31,
    TRIPS = 500,
    TICKS = 200,
    LOADS = 2
};

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

static double quantile(double *values, int count, double part)
{
    qsort(values, (size_t)count, sizeof *values, compare);
    int place = (int)(part * (count - 1) + 0.5);
    return values[place];
}

static void check(int rc, const char *what)
{
    if (rc < 0) {
        fprintf(stderr, "%s: %s\n", what, hy_last_error()->message);
        exit(1);
    }
}

/* --- a bare message to a window there and back -------------------------------------------------
 */

enum {
    PING = WM_USER,
    STOP
};

static struct {
    HANDLE ready;
    DWORD here;
    HWND there;
} bare;

static DWORD WINAPI bare_thread(void *argument)
{
    MSG message;
    (void)argument;
    bare.there = CreateWindowExW(0, L"STATIC", L"", 0, 0, 0, 0, 0, HWND_MESSAGE, NULL, NULL, NULL);
    SetEvent(bare.ready);
    while (GetMessageW(&message, NULL, 0, 0) > 0 && message.message != STOP)
        if (message.message == PING)
            PostMessageW((HWND)message.lParam, PING, 0, 0);
    return 0;
}

/* Microseconds a trip. */
static double bare_round_trip(HWND here)
{
    int64_t begin_ns = hy_now_ns();
    MSG message;
    for (int i = 0; i < TRIPS; i++) {
        PostMessageW(bare.there, PING, 0, (LPARAM)here);
        while (GetMessageW(&message, NULL, 0, 0) > 0 && message.message != PING)
            DispatchMessageW(&message); /* Halyard's, if any */
    }
    return (double)(hy_now_ns() - begin_ns) / TRIPS / 1e3;
}

/* --- a queued signal there and back ------------------------------------------------------------
 */

struct player {
    HY_INHERITS(hy_object);
    struct {
        hy_signal(int) ball;
    } events;
    int left;
};

static const struct hy_signal_spec player_signals[] = {HY_PLAIN(struct player, events.ball)};
static const struct hy_class player_class =
    HY_CLASS(struct player, .signals = player_signals, .signal_count = 1);

static void player_return(struct player *self, const int *ball)
{
    hy_emit(&self->events.ball, ball);
}

static void player_count(struct player *self, const int *ball)
{
    if (--self->left > 0)
        hy_emit(&self->events.ball, ball);
    else
        hy_thread_quit(hy_thread_current(), 0);
}

static struct player here, there;
static struct hy_thread thread;

static void players_begin(void)
{
    check(hy_object_init(&here.hy, &player_class, NULL), "object");
    check(hy_object_init(&there.hy, &player_class, NULL), "object");
    check(hy_thread_init(&thread, "there", NULL), "thread");
    check(hy_object_move_to_thread(&there.hy, &thread), "move");
    check(hy_connect(&here.events.ball, &there, player_return, HY_AUTO), "connect");
    check(hy_connect(&there.events.ball, &here, player_count, HY_AUTO), "connect");
    check(hy_thread_start(&thread), "start");
}

static double signal_round_trip(void)
{
    int ball = 1;
    int64_t begin_ns = hy_now_ns();
    here.left = TRIPS;
    hy_emit(&here.events.ball, &ball);
    hy_thread_exec();
    return (double)(hy_now_ns() - begin_ns) / TRIPS / 1e3;
}

static void bench_round_trip(void)
{
    static double bare_us[PAIRS], signal_us[PAIRS], ratios[PAIRS];
    HWND window = CreateWindowExW(0, L"STATIC", L"", 0, 0, 0, 0, 0, HWND_MESSAGE, NULL, NULL, NULL);
    bare.ready = CreateEventW(NULL, FALSE, FALSE, NULL);
    HANDLE bare_handle = CreateThread(NULL, 0, bare_thread, NULL, 0, NULL);
    WaitForSingleObject(bare.ready, INFINITE);
    players_begin();
    for (int i = 0; i < PAIRS; i++) {
        bare_us[i] = bare_round_trip(window);
        signal_us[i] = signal_round_trip();
        ratios[i] = signal_us[i] / bare_us[i];
    }
    printf("round trip of a bare message    %8.1f us\n", quantile(bare_us, PAIRS, 0.5));
    printf("round trip of a queued signal   %8.1f us\n", quantile(signal_us, PAIRS, 0.5));
    printf("ratio (median of %d pairs)      %8.2f\n", PAIRS, quantile(ratios, PAIRS, 0.5));
    PostMessageW(bare.there, STOP, 0, 0);
    WaitForSingleObject(bare_handle, INFINITE);
    hy_thread_fini(&thread);
    hy_object_fini(&here.hy);
}

/* --- timers ------------------------------------------------------------------------------------
 */

struct clock {
    HY_INHERITS(hy_object);
    struct hy_timer timer;
    int64_t next_ns, interval_ns;
    int count, early;
    double late_ms[TICKS];
};

static void timer_report(const char *what, int interval_ms, int early, double *late_ms)
{
    printf("%3d ms %-8s early %d; late by (ms) median %6.2f, 90 %% %6.2f, most %6.2f\n",
           interval_ms, what, early, quantile(late_ms, TICKS, 0.5), quantile(late_ms, TICKS, 0.9),
           quantile(late_ms, TICKS, 1));
}

/* What Windows does by itself: a waitable timer, and a thread that waits for nothing else. */
static void bench_bare_timer(int interval_ms)
{
    static double late_ms[TICKS];
    enum {
        HIGH_RESOLUTION = 2
    };
    HANDLE timer = CreateWaitableTimerExW(NULL, NULL, HIGH_RESOLUTION, TIMER_ALL_ACCESS);
    LARGE_INTEGER left = {.QuadPart = -10000LL * interval_ms};
    int early = 0;
    for (int i = 0; i < TICKS; i++) {
        int64_t due_ns = hy_now_ns() + interval_ms * HY_MILLISECOND;
        SetWaitableTimer(timer, &left, 0, NULL, NULL, FALSE);
        WaitForSingleObject(timer, INFINITE);
        int64_t now_ns = hy_now_ns();
        early += now_ns < due_ns ? 1 : 0;
        late_ms[i] = (double)(now_ns - due_ns) / 1e6;
    }
    timer_report("bare", interval_ms, early, late_ms);
    CloseHandle(timer);
}

static const struct hy_class clock_class = HY_CLASS(struct clock, .base = NULL);

static void clock_tick(struct clock *self)
{
    int64_t now_ns = hy_now_ns();
    self->early += now_ns < self->next_ns ? 1 : 0;
    self->late_ms[self->count++] = (double)(now_ns - self->next_ns) / 1e6;
    if (self->count == TICKS) {
        hy_thread_quit(hy_thread_current(), 0);
        return;
    }
    self->next_ns = now_ns + self->interval_ns;
    check(hy_timer_start_once(&self->timer, self->interval_ns), "timer");
}

static uint32_t is_loaded; /* atomic */

static DWORD WINAPI load_thread(void *argument)
{
    volatile uint64_t sum = 0;
    (void)argument;
    while (__atomic_load_n(&is_loaded, __ATOMIC_RELAXED) != 0)
        sum += 1;
    return 0;
}

static void bench_timer(int interval_ms, unsigned accuracy)
{
    static struct clock clock;
    memset(&clock, 0, sizeof clock);
    clock.interval_ns = interval_ms * HY_MILLISECOND;
    check(hy_object_init(&clock.hy, &clock_class, NULL), "object");
    check(hy_timer_init(&clock.timer, &clock.hy), "timer");
    check(hy_timer_set_accuracy(&clock.timer, accuracy), "accuracy");
    check(hy_connect(&clock.timer.events.timeout, &clock, clock_tick, HY_DIRECT), "connect");
    clock.next_ns = hy_now_ns() + clock.interval_ns;
    check(hy_timer_start_once(&clock.timer, clock.interval_ns), "timer");
    hy_thread_exec();
    timer_report(accuracy == HY_TIMER_PRECISE ? "precise" : "coarse", interval_ms, clock.early,
                 clock.late_ms);
    hy_object_fini(&clock.hy);
}

static void bench_timers(void)
{
    static const int intervals_ms[] = {1, 5, 15, 20, 50};
    HANDLE loads[LOADS];
    is_loaded = 1;
    for (int i = 0; i < LOADS; i++)
        loads[i] = CreateThread(NULL, 0, load_thread, NULL, 0, NULL);
    printf("timers, with %d threads that keep the processors busy\n", LOADS);
    for (size_t i = 0; i < sizeof intervals_ms / sizeof intervals_ms[0]; i++) {
        bench_bare_timer(intervals_ms[i]);
        bench_timer(intervals_ms[i], HY_TIMER_PRECISE);
        bench_timer(intervals_ms[i], HY_TIMER_COARSE);
    }
    __atomic_store_n(&is_loaded, 0u, __ATOMIC_RELAXED);
    WaitForMultipleObjects(LOADS, loads, TRUE, INFINITE);
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IONBF, 0);
    if (argc < 2 || strcmp(argv[1], "round_trip") == 0)
        bench_round_trip();
    if (argc < 2 || strcmp(argv[1], "timers") == 0)
        bench_timers();
    return 0;
}
