/* SPDX-License-Identifier: MIT */
/*
 * Errors are values. A function that fails returns the negative of one of these codes and leaves
 * a message for a person in the calling thread's last error: what failed, on which object, in
 * which threads, and what to do about it.
 */
#ifndef HALYARD_ERROR_H
#define HALYARD_ERROR_H

#include <halyard/base.h>

HY_BEGIN_DECLS

/* Fixed numbers, the same on every system. */
enum hy_error_code {
    HY_OK = 0,
    HY_EINVAL = 1,         /* an argument is not allowed */
    HY_ENOMEM = 2,         /* out of memory; nothing was changed */
    HY_EWRONGTHREAD = 3,   /* the object lives in another thread; nothing was changed */
    HY_ESHUTDOWN = 4,      /* the object is dead, or its thread has finished */
    HY_EBUSY = 5,          /* in use: a thread runs, a loop executes, an object has a parent */
    HY_EEXIST = 6,         /* it is there already */
    HY_ENOENT = 7,         /* it is not there */
    HY_ETIMEDOUT = 8,      /* the deadline passed */
    HY_EAGAIN = 9,         /* not now: a bounded queue is full; try again when told */
    HY_EDEADLK = 10,       /* waiting would never end */
    HY_ENOTSUP = 11,       /* the system or the back end cannot do this */
    HY_EBORROWED = 12,     /* a borrowed payload cannot be queued */
    HY_EADDRINUSE = 13,    /* another program has this address */
    HY_EADDRNOTAVAIL = 14, /* no interface of this machine has this address */
    HY_EACCES = 15,        /* the system does not permit it */
    HY_EMSGSIZE = 16,      /* the message is larger than allowed */
    HY_ECONNREFUSED = 17,  /* nobody listens there */
    HY_EPROTO = 18,        /* the peer broke the protocol */
    HY_EBADF = 19,         /* not an open descriptor */
    HY_ENOTCONN = 20,      /* not open, not bound or not connected */
    HY_EIO = 21,           /* any other failure of the system; the message names it */
    HY_EMFILE = 22,        /* no more descriptors; raise the limit (ulimit -n) */
    HY_ECANCELED = 23      /* given up on request */
};

/* An error as a value: plain bytes, so that it can be the payload of a signal. */
struct hy_error {
    int code;          /* a positive hy_error_code, or HY_OK */
    char message[252]; /* UTF-8, one sentence, ends with NUL */
};

/*
 * The last error of the calling thread; code is HY_OK where there was none. Valid until the next
 * failing call in this thread. Thread: any.
 */
HY_API const struct hy_error *hy_last_error(void);

/*
 * Sets the calling thread's last error and returns code, so that a function can end with
 * `return hy_error_set(-HY_EINVAL, "interval %d is negative; give 0 or more", n)`. code is
 * negative. Thread: any.
 */
HY_API int hy_error_set(int code, const char *format, ...) HY_PRINTF(2, 3);

/*
 * As hy_error_set(), with the code and text of a system error number (errno) appended to the
 * message: "cannot bind 0.0.0.0:80: Permission denied". On Windows what WSAGetLastError() gave is
 * known, too. Returns the negative hy_error_code. Thread: any.
 */
HY_API int hy_error_set_system(int system_errno, const char *format, ...) HY_PRINTF(2, 3);

/* "HY_EINVAL" for HY_EINVAL or -HY_EINVAL; "HY_E?" for an unknown code. Never NULL. Thread: any. */
HY_API const char *hy_error_name(int code);

HY_END_DECLS

#endif
