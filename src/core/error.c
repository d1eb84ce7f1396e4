/* SPDX-License-Identifier: MIT */
/* The calling thread's last error, names of codes, and the translation of system error numbers. */
#include "core/internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static __thread struct hy_error last_error;

const struct hy_error *hy_last_error(void)
{
    return &last_error;
}

static size_t set_message(int code, const char *format, va_list arguments)
{
    /* A message may quote the last one: format into a buffer first. */
    char message[sizeof last_error.message];
    vsnprintf(message, sizeof message, format, arguments);
    last_error.code = code < 0 ? -code : code;
    memcpy(last_error.message, message, sizeof message);
    return strlen(last_error.message);
}

int hy_error_set(int code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    set_message(code, format, arguments);
    va_end(arguments);
    return code;
}

static int code_of_system(int system_errno)
{
    switch (hy__system_errno(system_errno)) {
    case ENOMEM:
    case ENOBUFS:
        return -HY_ENOMEM;
    case EINVAL:
    case EAFNOSUPPORT:
        return -HY_EINVAL;
    case EEXIST:
        return -HY_EEXIST;
    case ENOENT:
        return -HY_ENOENT;
    case EADDRINUSE:
        return -HY_EADDRINUSE;
    case EADDRNOTAVAIL:
        return -HY_EADDRNOTAVAIL;
    case EACCES:
    case EPERM:
        return -HY_EACCES;
    case EMSGSIZE:
        return -HY_EMSGSIZE;
    case ECONNREFUSED:
        return -HY_ECONNREFUSED;
    case EBADF:
        return -HY_EBADF;
    case ENOTCONN:
        return -HY_ENOTCONN;
    case EMFILE:
    case ENFILE:
        return -HY_EMFILE;
    case EAGAIN:
        return -HY_EAGAIN;
    case ETIMEDOUT:
        return -HY_ETIMEDOUT;
    case ENOTSUP:
    case ENOSYS:
        return -HY_ENOTSUP;
    default:
        return -HY_EIO;
    }
}

int hy_error_set_system(int system_errno, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int code = code_of_system(system_errno);
    size_t length = set_message(code, format, arguments);
    va_end(arguments);
    char text[128];
    snprintf(last_error.message + length, sizeof last_error.message - length, ": %s",
             hy__system_error_text(system_errno, text, sizeof text));
    return code;
}

const char *hy_error_name(int code)
{
    static const char *const names[] = {
        [HY_OK] = "HY_OK",
        [HY_EINVAL] = "HY_EINVAL",
        [HY_ENOMEM] = "HY_ENOMEM",
        [HY_EWRONGTHREAD] = "HY_EWRONGTHREAD",
        [HY_ESHUTDOWN] = "HY_ESHUTDOWN",
        [HY_EBUSY] = "HY_EBUSY",
        [HY_EEXIST] = "HY_EEXIST",
        [HY_ENOENT] = "HY_ENOENT",
        [HY_ETIMEDOUT] = "HY_ETIMEDOUT",
        [HY_EAGAIN] = "HY_EAGAIN",
        [HY_EDEADLK] = "HY_EDEADLK",
        [HY_ENOTSUP] = "HY_ENOTSUP",
        [HY_EBORROWED] = "HY_EBORROWED",
        [HY_EADDRINUSE] = "HY_EADDRINUSE",
        [HY_EADDRNOTAVAIL] = "HY_EADDRNOTAVAIL",
        [HY_EACCES] = "HY_EACCES",
        [HY_EMSGSIZE] = "HY_EMSGSIZE",
        [HY_ECONNREFUSED] = "HY_ECONNREFUSED",
        [HY_EPROTO] = "HY_EPROTO",
        [HY_EBADF] = "HY_EBADF",
        [HY_ENOTCONN] = "HY_ENOTCONN",
        [HY_EIO] = "HY_EIO",
        [HY_EMFILE] = "HY_EMFILE",
        [HY_ECANCELED] = "HY_ECANCELED",
    };
    unsigned index = code < 0 ? 0u - (unsigned)code : (unsigned)code;
    return index < sizeof names / sizeof names[0] ? names[index] : "HY_E?";
}

#define HY_TEXT2_(x) #x
#define HY_TEXT_(x)  HY_TEXT2_(x)
const char *hy_version(void)
{
    return HY_TEXT_(HY_VERSION_MAJOR) "." HY_TEXT_(HY_VERSION_MINOR) "." HY_TEXT_(HY_VERSION_PATCH);
}
