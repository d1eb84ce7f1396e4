/* SPDX-License-Identifier: MIT */
/*
 * The console's control events as signals: Ctrl-C, Ctrl-Break, and the end of the console, of the
 * session or of the system. Windows calls the handler in a thread of its own, so there is a lock,
 * and notes go through memory: what platform.h calls a pipe is an event, which is set while notes
 * wait, and both ends are its number.
 *
 * The process ends as the handler of a closing console returns; so that one does not return.
 */
#include "platform/win32.h"

#include "platform/platform.h"

#include <halyard/memory.h>
#include <signal.h>

enum {
    NOTES = 64 /* that a pipe has room for */
};

struct pipe {
    struct pipe *next;
    HANDLE event; /* const; manual reset */
    uint32_t first, count;
    uint64_t watched; /* bit number - 1 */
    uint64_t lost;    /* arrivals that found no room */
    uint32_t serials[SIGABRT + 1];
    struct hy__signal_note notes[NOTES];
};

/* All guarded by the lock. */
static uint32_t lock;
static struct pipe *pipes;
static uint32_t watches; /* of all pipes */
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

static BOOL WINAPI handler(DWORD event)
{
    int number = event == CTRL_C_EVENT ? SIGINT : event == CTRL_BREAK_EVENT ? SIGBREAK : SIGTERM;
    bool ends;
    if (!tell(number, &ends) || ends)
        return FALSE; /* the next handler; the last one ends the process */
    if (number == SIGTERM)
        Sleep(INFINITE);
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

int hy__signal_watch(int number, int descriptor)
{
    int rc = 0;
    bool is_first;
    hy__lock(&lock);
    is_first = watches++ == 0;
    hy__unlock(&lock);
    /* Outside the lock, which the handler takes; it is in Windows' list once for each call. */
    if (is_first && !SetConsoleCtrlHandler(handler, TRUE))
        rc = hy__win32_error(GetLastError());
    hy__lock(&lock);
    struct pipe *pipe = find(descriptor);
    if (rc != 0) {
        watches--;
    } else if (pipe != NULL) {
        pipe->serials[number] = ++serial;
        pipe->watched |= bit_of(number);
    }
    hy__unlock(&lock);
    return rc;
}

void hy__signal_unwatch(int number, int descriptor)
{
    bool is_last = false;
    hy__lock(&lock);
    struct pipe *pipe = find(descriptor);
    if (pipe != NULL && (pipe->watched & bit_of(number)) != 0) {
        pipe->watched &= ~bit_of(number);
        pipe->lost &= ~bit_of(number);
        is_last = --watches == 0;
    }
    hy__unlock(&lock);
    if (is_last)
        SetConsoleCtrlHandler(handler, FALSE);
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
