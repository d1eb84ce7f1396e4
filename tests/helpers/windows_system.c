/* SPDX-License-Identifier: MIT */
/*
 * What Windows says of this process. See system.h.
 *
 * There is no fork(): a child is this program once more, which runs its tests up to the same call.
 * The calls before that one only give the results that they had in the parent.
 */
#include "system.h"

#include "check.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <windows.h>

#include <tlhelp32.h>

#define RESULTS       "HALYARD_CHILD_RESULTS" /* of the calls before, a space behind each */
#define RESULTS_BYTES 30000                   /* an environment has room for 32767 */
#define LIMIT_MS      120000

int system_descriptors(void)
{
    DWORD count = 0;

    return GetProcessHandleCount(GetCurrentProcess(), &count) ? (int)count : -1;
}

int system_threads(void)
{
    HANDLE snapshot = CreateToolhelp32Snapshot(TH32CS_SNAPTHREAD, 0);
    THREADENTRY32 entry = {.dwSize = sizeof entry};
    int count = 0;

    for (BOOL more = Thread32First(snapshot, &entry); more; more = Thread32Next(snapshot, &entry))
        count += entry.th32OwnerProcessID == GetCurrentProcessId();
    (void)CloseHandle(snapshot);
    return count;
}

bool system_threads_at_most(int threads)
{
    time_t limit = time(NULL) + 10;

    while (system_threads() > threads)
        if (time(NULL) > limit)
            return false;
    return true;
}

int64_t system_thread_cpu_ns(void)
{
    FILETIME made, ended, kernel, user;

    if (!GetThreadTimes(GetCurrentThread(), &made, &ended, &kernel, &user))
        return 0;
    return 100 * (((int64_t)kernel.dwHighDateTime << 32) + kernel.dwLowDateTime +
                  ((int64_t)user.dwHighDateTime << 32) + user.dwLowDateTime);
}

/* This program once more; its TAP goes nowhere. Its exit status, or -1. */
static int run_again(const char *results)
{
    SECURITY_ATTRIBUTES inherited = {sizeof inherited, NULL, TRUE};
    HANDLE nowhere =
        CreateFileA("NUL", GENERIC_WRITE, FILE_SHARE_WRITE, &inherited, OPEN_EXISTING, 0, NULL);
    STARTUPINFOA start = {.cb = sizeof start, .dwFlags = STARTF_USESTDHANDLES};
    PROCESS_INFORMATION child;
    DWORD status = 0;
    bool ended = false;

    start.hStdInput = GetStdHandle(STD_INPUT_HANDLE);
    start.hStdOutput = nowhere;
    start.hStdError = GetStdHandle(STD_ERROR_HANDLE);
    (void)fflush(NULL);
    (void)SetEnvironmentVariableA(RESULTS, results);
    if (CreateProcessA(NULL, GetCommandLineA(), NULL, NULL, TRUE, 0, NULL, NULL, &start, &child)) {
        ended = WaitForSingleObject(child.hProcess, LIMIT_MS) == WAIT_OBJECT_0;
        if (!ended)
            (void)TerminateProcess(child.hProcess, 1);
        (void)GetExitCodeProcess(child.hProcess, &status);
        (void)CloseHandle(child.hThread);
        (void)CloseHandle(child.hProcess);
    }
    (void)SetEnvironmentVariableA(RESULTS, NULL);
    (void)CloseHandle(nowhere);
    return ended ? (int)status : -1;
}

int system_in_child(int (*function)(void *context), void *context)
{
    static char results[RESULTS_BYTES];
    static const char *past;
    static bool asked;
    size_t length = strlen(results);
    int result;

    if (!asked) {
        past = getenv(RESULTS);
        asked = true;
    }
    if (past != NULL && *past != '\0') { /* a child, on its way to its call */
        char *end;

        result = (int)strtol(past, &end, 10);
        past = end + 1;
        return result;
    }
    if (past != NULL) {
        int code = function(context);

        exit(check_take_failures() != 0 ? 99 : code);
    }
    result = run_again(results);
    (void)snprintf(results + length, sizeof results - length, "%d ", result);
    return result;
}
