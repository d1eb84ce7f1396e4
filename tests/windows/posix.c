/* SPDX-License-Identifier: MIT */
/* The descriptors of the tests, made of sockets. See unistd.h. */
#include "../helpers/check.h"

#include <errno.h>
#include <fcntl.h>
#include <io.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Handles fit into 32 bits. */
static SOCKET socket_of(int descriptor)
{
    return (SOCKET)(intptr_t)descriptor;
}

__attribute__((constructor)) static void start(void)
{
    WSADATA data;

    (void)setvbuf(stdout, NULL, _IONBF, 0); /* what was said before a crash counts */
    (void)WSAStartup(MAKEWORD(2, 2), &data);
}

/* -1, with errno set; or the result. */
static int checked(int result)
{
    if (result >= 0)
        return result;
    errno = WSAGetLastError() == WSAEWOULDBLOCK ? EAGAIN : EBADF;
    return -1;
}

int read(int descriptor, void *buffer, unsigned size)
{
    return checked(recv(socket_of(descriptor), buffer, (int)size, 0));
}

int write(int descriptor, const void *bytes, unsigned size)
{
    int sent = send(socket_of(descriptor), bytes, (int)size, 0);

    if (sent < 0 && WSAGetLastError() == WSAENOTSOCK)
        return _write(descriptor, bytes, size); /* standard output and error */
    return checked(sent);
}

int close(int descriptor)
{
    return checked(closesocket(socket_of(descriptor)));
}

int dup(int descriptor)
{
    WSAPROTOCOL_INFOW information;

    if (WSADuplicateSocketW(socket_of(descriptor), GetCurrentProcessId(), &information) != 0)
        return checked(-1);
    return checked((int)WSASocketW(FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO,
                                   &information, 0, WSA_FLAG_OVERLAPPED));
}

static int not_here(void)
{
    errno = ENOSYS;
    return -1;
}

/* A handle that has just been closed is among the next to be given out. */
int dup2(int descriptor, int number)
{
    int others[256], count = 0, copy;

    (void)close(number);
    while ((copy = dup(descriptor)) != number && copy >= 0 && count < 256)
        others[count++] = copy;
    while (count > 0)
        (void)close(others[--count]);
    return copy == number ? number : not_here();
}

pid_t fork(void)
{
    return not_here();
}

#define MANY_HANDLES (1ul << 24)

int getrlimit(int resource, struct rlimit *ret_limit)
{
    (void)resource;
    *ret_limit = (struct rlimit){MANY_HANDLES, MANY_HANDLES};
    return 0;
}

int setrlimit(int resource, const struct rlimit *limit)
{
    (void)resource;
    if (limit->rlim_cur < MANY_HANDLES)
        return not_here();
    return 0;
}

int pipe2(int ret_ends[2], int flags)
{
    (void)flags;
    ret_ends[0] = ret_ends[1] = -1;
    return not_here();
}

int pipe(int ret_ends[2])
{
    return socketpair(AF_UNIX, SOCK_STREAM, 0, ret_ends);
}

static SOCKET listen_here(struct sockaddr_in *ret_address)
{
    SOCKET listener = socket(AF_INET, SOCK_STREAM, 0);
    int size = sizeof *ret_address;

    *ret_address = (struct sockaddr_in){.sin_family = AF_INET};
    ret_address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(listener, (struct sockaddr *)ret_address, size) != 0 || listen(listener, 1) != 0 ||
        getsockname(listener, (struct sockaddr *)ret_address, &size) != 0) {
        (void)closesocket(listener);
        return INVALID_SOCKET;
    }
    return listener;
}

/* What is written is there to be read at once. */
static void prepare(SOCKET end, int type)
{
    BOOL no_delay = TRUE;
    u_long no_waiting = 1;

    (void)setsockopt(end, IPPROTO_TCP, TCP_NODELAY, (const char *)&no_delay, sizeof no_delay);
    if ((type & SOCK_NONBLOCK) != 0)
        (void)ioctlsocket(end, (long)FIONBIO, &no_waiting);
}

int socketpair(int family, int type, int protocol, int ret_ends[2])
{
    struct sockaddr_in address;
    SOCKET listener = listen_here(&address);
    SOCKET ends[2] = {INVALID_SOCKET, INVALID_SOCKET};

    (void)family;
    (void)protocol;
    if (listener == INVALID_SOCKET)
        return checked(-1);
    ends[0] = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(ends[0], (struct sockaddr *)&address, sizeof address) == 0)
        ends[1] = accept(listener, NULL, NULL);
    (void)closesocket(listener);
    if (ends[1] == INVALID_SOCKET) {
        (void)closesocket(ends[0]);
        return checked(-1);
    }
    for (int i = 0; i < 2; i++) {
        prepare(ends[i], type);
        ret_ends[i] = (int)(intptr_t)ends[i];
    }
    return 0;
}

/* --- waiting ---------------------------------------------------------------------------------- */

static bool is_socket(SOCKET socket)
{
    int type, size = sizeof type;

    return getsockopt(socket, SOL_SOCKET, SO_TYPE, (char *)&type, &size) == 0;
}

/* One handle: an event, or what else can be waited for. */
static int poll_handle(struct pollfd *polled, int timeout_ms)
{
    DWORD rc = WaitForSingleObject((HANDLE)socket_of(polled->fd), (DWORD)timeout_ms);

    polled->revents = rc == WAIT_OBJECT_0 ? polled->events : 0;
    return rc == WAIT_OBJECT_0 ? 1 : rc == WAIT_TIMEOUT ? 0 : checked(-1);
}

static int poll_sockets(struct pollfd *polled, nfds_t count, int timeout_ms)
{
    WSAPOLLFD *inner = calloc(count, sizeof *inner);

    if (inner == NULL)
        return -1;
    for (nfds_t i = 0; i < count; i++)
        inner[i] = (WSAPOLLFD){.fd = socket_of(polled[i].fd), .events = polled[i].events};
    int rc = WSAPoll(inner, count, timeout_ms);
    for (nfds_t i = 0; i < count; i++)
        polled[i].revents = inner[i].revents;
    free(inner);
    return checked(rc);
}

int poll(struct pollfd *descriptors, nfds_t count, int timeout_ms)
{
    if (is_socket(socket_of(descriptors->fd)))
        return poll_sockets(descriptors, count, timeout_ms);
    if (count != 1) /* more is not asked for yet */
        return not_here();
    return poll_handle(descriptors, timeout_ms);
}

int pause(void)
{
    Sleep(INFINITE);
    return -1;
}

/* --- threads and signals ---------------------------------------------------------------------- */

int posix_scheduler(void)
{
    int priority = GetThreadPriority(GetCurrentThread());

    return priority == THREAD_PRIORITY_IDLE            ? SCHED_IDLE
           : priority == THREAD_PRIORITY_TIME_CRITICAL ? SCHED_RR
                                                       : SCHED_OTHER;
}

int getpriority(int which, id_t who)
{
    HANDLE thread =
        OpenThread(THREAD_QUERY_INFORMATION, FALSE, who != 0 ? who : GetCurrentThreadId());
    int priority = GetThreadPriority(thread);

    (void)which;
    (void)CloseHandle(thread);
    return -priority;
}

long syscall(long number)
{
    (void)number;
    return (long)GetCurrentThreadId();
}

int sigaction(int number, const struct sigaction *action, struct sigaction *ret_before)
{
    void (*before)(int) = signal(number, action != NULL ? action->sa_handler : SIG_GET);

    if (ret_before != NULL)
        ret_before->sa_handler = before;
    return before == SIG_ERR ? -1 : 0;
}

static int signal_of(DWORD event)
{
    return event == CTRL_C_EVENT ? SIGINT : event == CTRL_BREAK_EVENT ? SIGBREAK : SIGTERM;
}

/* Called when no other handler wants it: it is the first that was installed. */
static BOOL WINAPI end_process(DWORD event)
{
    (void)TerminateProcess(GetCurrentProcess(), (UINT)(128 + signal_of(event)));
    return TRUE;
}

/* What raise() does: with Windows' own action the exit code would not tell the signal. */
static void end_by_signal(int number)
{
    (void)TerminateProcess(GetCurrentProcess(), (UINT)(128 + number));
}

__attribute__((constructor)) static void install_end_process(void)
{
    (void)SetConsoleCtrlHandler(end_process, TRUE);
    (void)signal(SIGTERM, end_by_signal);
}

/* Windows itself starts a thread with this function, which calls the handlers. A handler of the
 * console's end does not return, so that the process has time to end. */
int kill(int process, int number)
{
    LPTHREAD_START_ROUTINE routine = (LPTHREAD_START_ROUTINE)(void (*)(void))GetProcAddress(
        GetModuleHandleA("kernel32"), "CtrlRoutine");
    DWORD event = number == SIGINT     ? CTRL_C_EVENT
                  : number == SIGBREAK ? CTRL_BREAK_EVENT
                                       : CTRL_CLOSE_EVENT;
    HANDLE thread;

    (void)process;
    if (number != SIGINT && number != SIGBREAK && number != SIGTERM)
        return 0;
    thread = CreateThread(NULL, 0, routine, (void *)(uintptr_t)event, 0, NULL);
    (void)WaitForSingleObject(thread, number == SIGTERM ? 100 : INFINITE);
    (void)CloseHandle(thread);
    return thread != NULL ? 0 : -1;
}
