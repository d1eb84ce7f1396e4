/* SPDX-License-Identifier: MIT */
/* What the tests of the network use besides posix.c. See unistd.h. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>

/* The system's own, before they get other names. */
static int raw_setsockopt(SOCKET handle, int level, int option, const void *value, int size)
{
    return setsockopt(handle, level, option, value, size);
}

static int raw_getsockname(SOCKET handle, struct sockaddr *ret_address, int *size)
{
    return getsockname(handle, ret_address, size);
}

static int raw_recv(SOCKET handle, void *data, size_t size)
{
    return recv(handle, data, (int)size, 0);
}

static SOCKET raw_socket(int family, int type, int protocol)
{
    return socket(family, type, protocol);
}

static int raw_bind(SOCKET handle, const struct sockaddr *address, int size)
{
    return bind(handle, address, size);
}

static int raw_connect(SOCKET handle, const struct sockaddr *address, int size)
{
    return connect(handle, address, size);
}

static int raw_sendto(SOCKET handle, const void *data, size_t size, const struct sockaddr *to,
                      int to_size)
{
    return sendto(handle, data, (int)size, 0, to, to_size);
}

static int raw_shutdown(SOCKET handle, int how)
{
    return shutdown(handle, how);
}

#include <arpa/inet.h>

static SOCKET socket_of(int descriptor)
{
    return (SOCKET)(intptr_t)descriptor;
}

static int checked(int result)
{
    if (result >= 0)
        return result;
    switch (WSAGetLastError()) {
    case WSAEWOULDBLOCK:
    case WSAETIMEDOUT:
        errno = EAGAIN;
        break;
    case WSAECONNRESET:
    case WSAECONNABORTED:
        errno = ECONNRESET;
        break;
    default:
        errno = EIO;
    }
    return -1;
}

int posix_socket(int family, int type, int protocol)
{
    SOCKET handle = raw_socket(family, type & ~(SOCK_CLOEXEC | SOCK_NONBLOCK), protocol);

    return handle != INVALID_SOCKET ? (int)(intptr_t)handle : checked(-1);
}

int posix_bind(int descriptor, const struct sockaddr *address, socklen_t size)
{
    return checked(raw_bind(socket_of(descriptor), address, size));
}

int posix_connect(int descriptor, const struct sockaddr *address, socklen_t size)
{
    return checked(raw_connect(socket_of(descriptor), address, size));
}

int posix_getsockname(int descriptor, struct sockaddr *ret_address, socklen_t *size)
{
    return checked(raw_getsockname(socket_of(descriptor), ret_address, size));
}

int posix_setsockopt(int descriptor, int level, int option, const void *value, socklen_t size)
{
    if (level == SOL_SOCKET && (option == SO_RCVTIMEO || option == SO_SNDTIMEO)) {
        const struct timeval *limit = value;
        DWORD limit_ms = (DWORD)(limit->tv_sec * 1000 + limit->tv_usec / 1000);

        return checked(
            raw_setsockopt(socket_of(descriptor), level, option, &limit_ms, sizeof limit_ms));
    }
    return checked(raw_setsockopt(socket_of(descriptor), level, option, value, size));
}

ssize_t posix_sendto(int descriptor, const void *data, size_t size, int flags,
                     const struct sockaddr *to, socklen_t to_size)
{
    (void)flags;
    return checked(raw_sendto(socket_of(descriptor), data, size, to, to_size));
}

ssize_t posix_send(int descriptor, const void *data, size_t size, int flags)
{
    return posix_sendto(descriptor, data, size, flags, NULL, 0);
}

ssize_t posix_recv(int descriptor, void *data, size_t size, int flags)
{
    WSAPOLLFD polled = {.fd = socket_of(descriptor), .events = POLLIN};

    if ((flags & MSG_DONTWAIT) != 0 && WSAPoll(&polled, 1, 0) == 0) {
        errno = EAGAIN;
        return -1;
    }
    return checked(raw_recv(socket_of(descriptor), data, size));
}

int posix_shutdown(int descriptor, int how)
{
    return checked(raw_shutdown(socket_of(descriptor), how));
}

/* --- pages ------------------------------------------------------------------------------------ */

void *mmap(void *address, size_t size, int protection, int flags, int descriptor, off_t offset)
{
    void *memory = VirtualAlloc(address, size, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);

    (void)protection;
    (void)flags;
    (void)descriptor;
    (void)offset;
    return memory != NULL ? memory : MAP_FAILED;
}

int mprotect(void *address, size_t size, int protection)
{
    DWORD before;

    return VirtualProtect(address, size, protection == PROT_NONE ? PAGE_NOACCESS : PAGE_READWRITE,
                          &before)
               ? 0
               : -1;
}

int munmap(void *address, size_t size)
{
    (void)size;
    return VirtualFree(address, 0, MEM_RELEASE) ? 0 : -1;
}

long sysconf(int name)
{
    SYSTEM_INFO info;

    (void)name;
    GetSystemInfo(&info);
    return (long)info.dwPageSize;
}

/* --- open handles ----------------------------------------------------------------------------- */

struct posix_folder {
    DWORD left;
    struct dirent entry;
};

DIR *opendir(const char *path)
{
    DIR *folder = calloc(1, sizeof *folder);

    (void)path;
    if (folder != NULL)
        (void)GetProcessHandleCount(GetCurrentProcess(), &folder->left);
    return folder;
}

struct dirent *readdir(DIR *folder)
{
    if (folder->left == 0)
        return NULL;
    folder->entry.number = folder->left--;
    return &folder->entry;
}

int closedir(DIR *folder)
{
    free(folder);
    return 0;
}
