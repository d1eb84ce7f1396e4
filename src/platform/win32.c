/* SPDX-License-Identifier: MIT */
/*
 * Windows: clock, waiting on a word, threads, the end of a thread, errors.
 *
 * There are no forks here, so the generation stays what it is.
 */
#include "platform/win32.h"

#include "platform/platform.h"

#include <errno.h>
#include <halyard/memory.h>
#include <halyard/thread.h>
#include <stdio.h>
#include <string.h>

/* --- time and waiting ------------------------------------------------------------------------- */

int64_t hy__clock_ns(void)
{
    static int64_t known_frequency; /* atomic: relaxed, for it is the same for all who read it */
    int64_t frequency = __atomic_load_n(&known_frequency, __ATOMIC_RELAXED);
    LARGE_INTEGER value;
    if (frequency == 0) {
        QueryPerformanceFrequency(&value);
        frequency = value.QuadPart;
        __atomic_store_n(&known_frequency, frequency, __ATOMIC_RELAXED);
    }
    QueryPerformanceCounter(&value);
    /* In two parts: the product has no room in 64 bits. */
    return value.QuadPart / frequency * HY_SECOND +
           value.QuadPart % frequency * HY_SECOND / frequency;
}

/* Never early; at most some weeks, so that callers look again. */
static DWORD time_left_ms(int64_t deadline_ns)
{
    if (deadline_ns == HY_FOREVER)
        return INFINITE;
    int64_t now_ns = hy__clock_ns();
    if (deadline_ns <= now_ns)
        return 0;
    int64_t left_ns = deadline_ns - now_ns;
    int64_t left_ms = left_ns / HY_MILLISECOND + (left_ns % HY_MILLISECOND != 0 ? 1 : 0);
    return left_ms > INT32_MAX ? INT32_MAX : (DWORD)left_ms;
}

bool hy__futex_wait(uint32_t *word, uint32_t expected, int64_t deadline_ns)
{
    if (WaitOnAddress(word, &expected, sizeof expected, time_left_ms(deadline_ns)))
        return true;
    return GetLastError() != ERROR_TIMEOUT || deadline_ns > hy__clock_ns();
}

void hy__futex_wake(uint32_t *word, int count)
{
    if (count == 1)
        WakeByAddressSingle(word);
    else
        WakeByAddressAll(word);
}

/* --- no forks --------------------------------------------------------------------------------- */

uint32_t hy__generation;

int hy__at_fork(void (*function)(void))
{
    (void)function;
    return 0;
}

/* --- threads ---------------------------------------------------------------------------------- */

struct start {
    void *(*entry)(void *);
    void *context;
};

static DWORD WINAPI thread_entry(void *argument)
{
    struct start start = *(struct start *)argument;
    hy_memory_release(argument);
    start.entry(start.context);
    return 0;
}

int hy__os_thread_start(struct hy__os_thread *ret_thread, void *(*entry)(void *), void *context,
                        size_t stack_size)
{
    struct start *start = hy_memory_allocate(sizeof *start);
    if (start == NULL)
        return ENOMEM;
    *start = (struct start){entry, context};
    HANDLE thread = CreateThread(NULL, stack_size, thread_entry, start,
                                 STACK_SIZE_PARAM_IS_A_RESERVATION, NULL);
    if (thread == NULL) {
        int rc = hy__win32_error(GetLastError());
        hy_memory_release(start);
        return rc;
    }
    ret_thread->id = (uintptr_t)thread;
    return 0;
}

bool hy__os_thread_join(struct hy__os_thread thread, int64_t deadline_ns)
{
    HANDLE handle = (HANDLE)thread.id;
    DWORD rc;
    while ((rc = WaitForSingleObject(handle, time_left_ms(deadline_ns))) == WAIT_TIMEOUT)
        if (deadline_ns <= hy__clock_ns())
            return false;
    CloseHandle(handle);
    return true;
}

/* A function that not every Windows has. */
static FARPROC find_function(const char *name)
{
    HMODULE kernel = GetModuleHandleW(L"kernel32.dll");
    return kernel != NULL ? GetProcAddress(kernel, name) : NULL;
}

void hy__os_thread_set_name(const char *name)
{
    typedef HRESULT(WINAPI * set_description)(HANDLE, PCWSTR); /* Windows 10, 1607 */
    set_description set = (set_description)(void (*)(void))find_function("SetThreadDescription");
    WCHAR wide_name[64];
    if (set != NULL && MultiByteToWideChar(CP_UTF8, 0, name, -1, wide_name, 64) > 0)
        set(GetCurrentThread(), wide_name);
}

void *hy__os_allocate_aligned(size_t alignment, size_t size)
{
    (void)alignment, (void)size;
    return NULL; /* _aligned_malloc() has a free() of its own */
}

uint32_t hy__os_processors(void)
{
    DWORD_PTR allowed = 0, present;
    if (!GetProcessAffinityMask(GetCurrentProcess(), &allowed, &present))
        return 1;
    int count = __builtin_popcountll(allowed);
    return count < 1 ? 1u : (uint32_t)count; /* 0: of a process in several groups */
}

/* The thread that loads the program, and the libraries it is linked to, runs main(). */
static DWORD initial_thread;

static __attribute__((constructor)) void note_initial_thread(void)
{
    initial_thread = GetCurrentThreadId();
}

bool hy__os_thread_is_initial(void)
{
    return GetCurrentThreadId() == initial_thread;
}

uint32_t hy__os_thread_number(void)
{
    return GetCurrentThreadId();
}

int hy__os_thread_set_priority(uint32_t number, int level)
{
    static const int levels[] = {
        [HY_THREAD_PRIORITY_NORMAL] = THREAD_PRIORITY_NORMAL,
        [HY_THREAD_PRIORITY_IDLE] = THREAD_PRIORITY_IDLE,
        [HY_THREAD_PRIORITY_LOW] = THREAD_PRIORITY_BELOW_NORMAL,
        [HY_THREAD_PRIORITY_HIGH] = THREAD_PRIORITY_HIGHEST,
        [HY_THREAD_PRIORITY_REALTIME] = THREAD_PRIORITY_TIME_CRITICAL,
    };
    HANDLE thread = OpenThread(THREAD_SET_INFORMATION, FALSE, number);
    if (thread == NULL)
        return hy__win32_error(GetLastError());
    int rc = SetThreadPriority(thread, levels[level]) ? 0 : hy__win32_error(GetLastError());
    CloseHandle(thread);
    return rc;
}

/* --- end of a thread -----------------------------------------------------------------------------
 *
 * Fiber-local storage: the only one whose values are given to a function in the thread that ends.
 */

/* Made as the library is loaded. Windows has over a thousand of them. */
static DWORD slot = TLS_OUT_OF_INDEXES;

static __attribute__((constructor)) void slot_make(void)
{
    slot = TlsAlloc();
}

void *hy__thread_slot(void)
{
    DWORD error = GetLastError(); /* which a look clears */
    void *value = TlsGetValue(slot);
    SetLastError(error);
    return value;
}

void hy__thread_slot_set(void *value)
{
    (void)TlsSetValue(slot, value);
}

static INIT_ONCE end_once = INIT_ONCE_STATIC_INIT;
static DWORD end_key = FLS_OUT_OF_INDEXES;
static void (*end_function)(void *);

static void WINAPI end_callback(void *value)
{
    typedef BOOLEAN(WINAPI * is_ending)(void);
    static is_ending process_is_ending; /* atomic: relaxed, the same for all */
    is_ending known = __atomic_load_n(&process_is_ending, __ATOMIC_RELAXED);
    if (known == NULL) {
        HMODULE library = GetModuleHandleW(L"ntdll.dll");
        known = library != NULL
                    ? (is_ending)(void (*)(void))GetProcAddress(library, "RtlDllShutdownInProgress")
                    : NULL;
        __atomic_store_n(&process_is_ending, known, __ATOMIC_RELAXED);
    }
    if (value == NULL || (known != NULL && known()))
        return; /* the other threads are gone, whatever they held */
    __atomic_load_n(&end_function, __ATOMIC_RELAXED)(value);
}

static BOOL WINAPI end_key_create(INIT_ONCE *once, void *argument, void **ret_context)
{
    (void)once, (void)argument, (void)ret_context;
    end_key = FlsAlloc(end_callback);
    return end_key != FLS_OUT_OF_INDEXES; /* else the next caller tries again */
}

int hy__at_thread_end(void (*function)(void *), void *value)
{
    /* There is one function in the library; all threads store the same pointer. Relaxed: the once
     * orders it. */
    __atomic_store_n(&end_function, function, __ATOMIC_RELAXED);
    if (!InitOnceExecuteOnce(&end_once, end_key_create, NULL, NULL))
        return hy__win32_error(GetLastError());
    return FlsSetValue(end_key, value) ? 0 : hy__win32_error(GetLastError());
}

void hy__forget_thread_end(void)
{
    FlsSetValue(end_key, NULL);
}

/* --- errors ----------------------------------------------------------------------------------- */

int hy__system_errno(int number)
{
    static const struct {
        int number, meaning;
    } known[] = {
        {0x10000 + ERROR_FILE_NOT_FOUND, ENOENT},
        {0x10000 + ERROR_PATH_NOT_FOUND, ENOENT},
        {0x10000 + ERROR_TOO_MANY_OPEN_FILES, EMFILE},
        {0x10000 + ERROR_ACCESS_DENIED, EACCES},
        {0x10000 + ERROR_INVALID_HANDLE, EBADF},
        {0x10000 + ERROR_NOT_ENOUGH_MEMORY, ENOMEM},
        {0x10000 + ERROR_OUTOFMEMORY, ENOMEM},
        {0x10000 + ERROR_NO_SYSTEM_RESOURCES, ENOMEM},
        {0x10000 + ERROR_COMMITMENT_LIMIT, ENOMEM},
        {0x10000 + ERROR_NOT_SUPPORTED, ENOTSUP},
        {0x10000 + ERROR_CALL_NOT_IMPLEMENTED, ENOTSUP},
        {0x10000 + ERROR_INVALID_PARAMETER, EINVAL},
        {0x10000 + ERROR_ALREADY_EXISTS, EEXIST},
        {0x10000 + ERROR_FILE_EXISTS, EEXIST},
        {0x10000 + ERROR_NO_MORE_USER_HANDLES, EMFILE},
        {0x10000 + ERROR_TIMEOUT, ETIMEDOUT},
        {WSAEINVAL, EINVAL},
        {WSAEFAULT, EINVAL},
        {WSAEBADF, EBADF},
        {WSAENOTSOCK, EBADF},
        {WSAEACCES, EACCES},
        {WSAEMFILE, EMFILE},
        {WSAEWOULDBLOCK, EAGAIN},
        {WSAEMSGSIZE, EMSGSIZE},
        {WSAEAFNOSUPPORT, EAFNOSUPPORT},
        {WSAEOPNOTSUPP, ENOTSUP},
        {WSAEPROTONOSUPPORT, ENOTSUP},
        {WSAEADDRINUSE, EADDRINUSE},
        {WSAEADDRNOTAVAIL, EADDRNOTAVAIL},
        {WSAENOBUFS, ENOBUFS},
        {WSAENOTCONN, ENOTCONN},
        {WSAETIMEDOUT, ETIMEDOUT},
        {WSAECONNREFUSED, ECONNREFUSED},
    };
    if (number < 10000)
        return number;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (known[i].number == number)
            return known[i].meaning;
    return EIO;
}

const char *hy__system_error_text(int system_errno, char *buffer, size_t size)
{
    WCHAR wide_text[256];
    if (system_errno < 10000)
        return strerror(system_errno);
    DWORD code = system_errno >= 0x10000 ? (DWORD)system_errno - 0x10000 : (DWORD)system_errno;
    DWORD length = FormatMessageW(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS, NULL,
                                  code, 0, wide_text, 256, NULL);
    while (length > 0 && wide_text[length - 1] <= L' ') /* it ends with a new line */
        wide_text[--length] = L'\0';
    if (length == 0 ||
        WideCharToMultiByte(CP_UTF8, 0, wide_text, -1, buffer, (int)size, NULL, NULL) <= 0)
        snprintf(buffer, size, "error %lu of Windows", (unsigned long)code);
    return buffer;
}
