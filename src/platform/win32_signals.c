/* SPDX-License-Identifier: MIT */
/*
 * The console's control events as signals: Ctrl-C, Ctrl-Break, and the end of the console, of the
 * session or of the system. Windows calls the handler in a thread of its own, so there is a lock,
 * and notes go through memory: what platform.h calls a pipe is an event, which is set while notes
 * wait, and both ends are its number.
 *
 * The process ends as the handler of a closing console returns, and is ended some seconds later: so
 * that one returns when nobody watches any more, and a moment for main() to return has passed.
 *
 * Windows may hold a lock of its own while it calls handlers, so the handler is installed once and
 * stays: without a watch it hands on.
 */
#include "platform/win32.h"

#include "platform/platform.h"

#include <halyard/memory.h>
#include <signal.h>

enum {
    NOTES = 64,  /* that a pipe has room for */
    NUMBERS = 32 /* of signals */
};
#define MOST_NS   (20 * HY_SECOND) /* that Windows waits for a handler */
#define MOMENT_MS 1000

struct pipe {
    struct pipe *next;
    HANDLE event; /* const; manual reset */
    uint32_t first, count;
    uint64_t watched; /* bit number - 1 */
    uint64_t lost;    /* arrivals that found no room */
    uint32_t serials[NUMBERS];
    struct hy__signal_note notes[NOTES];
};

/* All guarded by the lock. */
static uint32_t lock;
static struct pipe *pipes;
static uint32_t endings; /* watches of SIGTERM; read atomically by the handler, which waits on it */
static uint32_t serial;
static int ending_count; /* hy__signals_end_process_at(); 0: off */

static uint64_t bit_of(int number)
{
    return UINT64_C(1) << (number - 1);
}

static struct pipe *find(int descriptor)
{
    struct pipe *pipe = pipes;
    while (pipe != NULL && (intptr_t)pipe->event != descriptor)
        pipe = pipe->next;
    return pipe;
}

/* --- the handler ------------------------------------------------------------------------------ */

static void put(struct pipe *pipe, int number)
{
    if (pipe->count < NOTES)
        pipe->notes[(pipe->first + pipe->count++) % NOTES] =
            (struct hy__signal_note){.number = number, .serial = pipe->serials[number]};
    else
        pipe->lost |= bit_of(number);
    SetEvent(pipe->event);
}

/* Whether anybody was told, or the process shall end. */
static bool tell(int number, bool *ret_ends)
{
    bool told = false;
    hy__lock(&lock);
    *ret_ends = ending_count > 0 && --ending_count == 0;
    for (struct pipe *pipe = pipes; pipe != NULL; pipe = pipe->next)
        if ((pipe->watched & bit_of(number)) != 0) {
            put(pipe, number);
            told = true;
        }
    hy__unlock(&lock);
    return told;
}

static void await_end(void)
{
    int64_t limit_ns = hy__clock_ns() + MOST_NS;
    uint32_t count;
    /* Relaxed: nothing is read that the count would publish. */
    while ((count = __atomic_load_n(&endings, __ATOMIC_RELAXED)) != 0 &&
           hy__futex_wait(&endings, count, limit_ns)) {
    }
    Sleep(MOMENT_MS);
}

static BOOL WINAPI handler(DWORD event)
{
    int number = event == CTRL_C_EVENT ? SIGINT : event == CTRL_BREAK_EVENT ? SIGBREAK : SIGTERM;
    bool ends;
    if (!tell(number, &ends) || ends)
        return FALSE; /* the next handler; the last one ends the process */
    if (number == SIGTERM)
        await_end();
    return TRUE;
}

void hy__signals_end_process_at(int count)
{
    hy__lock(&lock);
    ending_count = count;
    hy__unlock(&lock);
}

void hy__signal_send(int number)
{
    bool ends;
    if (!tell(number, &ends) || ends)
        raise(number);
}

/* --- watching --------------------------------------------------------------------------------- */

bool hy__signal_is_valid(int number)
{
    return number == SIGINT || number == SIGBREAK || number == SIGTERM;
}

static BOOL WINAPI install(INIT_ONCE *once, void *argument, void **ret_context)
{
    (void)once, (void)argument, (void)ret_context;
    return SetConsoleCtrlHandler(handler, TRUE);
}

int hy__signal_watch(int number, int descriptor)
{
    static INIT_ONCE once = INIT_ONCE_STATIC_INIT;
    if (!InitOnceExecuteOnce(&once, install, NULL, NULL))
        return hy__win32_error(GetLastError());
    hy__lock(&lock);
    struct pipe *pipe = find(descriptor);
    if (pipe != NULL && (pipe->watched & bit_of(number)) == 0) {
        pipe->serials[number] = ++serial;
        pipe->watched |= bit_of(number);
        if (number == SIGTERM)
            __atomic_add_fetch(&endings, 1, __ATOMIC_RELAXED);
    }
    hy__unlock(&lock);
    return 0;
}

void hy__signal_unwatch(int number, int descriptor)
{
    hy__lock(&lock);
    struct pipe *pipe = find(descriptor);
    if (pipe != NULL && (pipe->watched & bit_of(number)) != 0) {
        pipe->watched &= ~bit_of(number);
        pipe->lost &= ~bit_of(number);
        if (number == SIGTERM && __atomic_sub_fetch(&endings, 1, __ATOMIC_RELAXED) == 0)
            hy__futex_wake(&endings, INT32_MAX);
    }
    hy__unlock(&lock);
}

bool hy__signal_is_current(int descriptor, const struct hy__signal_note *note)
{
    hy__lock(&lock);
    const struct pipe *pipe = find(descriptor);
    bool is_current = pipe != NULL && (pipe->watched & bit_of(note->number)) != 0 &&
                      pipe->serials[note->number] == note->serial;
    hy__unlock(&lock);
    return is_current;
}

bool hy__signal_take_lost(int number, int descriptor)
{
    hy__lock(&lock);
    struct pipe *pipe = find(descriptor);
    bool was_lost = pipe != NULL && (pipe->lost & bit_of(number)) != 0;
    if (was_lost)
        pipe->lost &= ~bit_of(number);
    hy__unlock(&lock);
    return was_lost;
}

void hy__signals_forget(void)
{
}

/* --- pipes ------------------------------------------------------------------------------------ */

int hy__signal_pipe_open(int ret_pipe[2])
{
    struct pipe *pipe = hy_memory_allocate_zeroed(sizeof *pipe);
    if (pipe == NULL)
        return (int)(0x10000 + ERROR_NOT_ENOUGH_MEMORY);
    pipe->event = CreateEventW(NULL, TRUE, FALSE, NULL);
    if (pipe->event == NULL) {
        int rc = hy__win32_error(GetLastError());
        hy_memory_release(pipe);
        return rc;
    }
    hy__lock(&lock);
    pipe->next = pipes;
    pipes = pipe;
    hy__unlock(&lock);
    /* Handles have 32 significant bits. */
    ret_pipe[0] = ret_pipe[1] = (int)(intptr_t)pipe->event;
    return 0;
}

bool hy__signal_pipe_read(int descriptor, struct hy__signal_note *ret_note)
{
    hy__lock(&lock);
    struct pipe *pipe = find(descriptor);
    bool is_there = pipe != NULL && pipe->count > 0;
    if (is_there) {
        *ret_note = pipe->notes[pipe->first];
        pipe->first = (pipe->first + 1) % NOTES;
        pipe->count--;
    } else if (pipe != NULL) {
        ResetEvent(pipe->event);
    }
    hy__unlock(&lock);
    return is_there;
}

void hy__signal_pipe_close(int ends[2])
{
    hy__lock(&lock);
    struct pipe *pipe = find(ends[0]), **link = &pipes;
    while (*link != NULL && *link != pipe)
        link = &(*link)->next;
    if (*link != NULL)
        *link = pipe->next;
    hy__unlock(&lock);
    if (pipe != NULL) {
        CloseHandle(pipe->event);
        hy_memory_release(pipe);
    }
    ends[0] = ends[1] = -1;
}
