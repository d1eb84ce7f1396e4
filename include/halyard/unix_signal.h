/* SPDX-License-Identifier: MIT */
/*
 * Signals of the system (SIGCHLD, SIGHUP, SIGUSR1, ...) as signals of an object.
 *
 * A small handler writes each arrival into a pipe, and the object's loop reads it: slots run as
 * ordinary slots, and may do what they like. No signal is blocked, so child processes start with a
 * clean mask. Several objects, in any threads, may watch the same signal; each is told. What the
 * program had installed before comes back when the last of them stops. Like all signals of the
 * system, several that arrive close together may be told as one; of a flood that the pipe cannot
 * hold (some thousands) at least one is told of each signal, with nothing but its number. So for
 * SIGCHLD ask waitpid(pid, &status, WNOHANG) about each child of yours; this header waits for none.
 *
 * On Windows there are three, the console's: SIGINT (Ctrl-C), SIGBREAK (Ctrl-Break) and SIGTERM
 * (its window is closed, the user logs off, or the system shuts down: the process has a few seconds
 * then, and ends as main() returns).
 *
 *     hy_unix_signal_init(&self->reload, &self->hy);
 *     hy_connect(&self->reload.events.arrived, self, server_reload, HY_AUTO);
 *     hy_unix_signal_watch(&self->reload, SIGHUP);
 */
#ifndef HALYARD_UNIX_SIGNAL_H
#define HALYARD_UNIX_SIGNAL_H

#include <halyard/notifier.h>

HY_BEGIN_DECLS

/* The payload of `arrived`: of siginfo_t (POSIX.1-2017, <signal.h>). */
struct hy_unix_signal_info {
    int32_t number; /* SIGCHLD, ... */
    int32_t code;   /* why: SI_USER, CLD_EXITED, ... */
    int32_t pid;    /* who sent it, or which child; 0: the system */
    uint32_t uid;
    int32_t status; /* SIGCHLD: exit status or signal of the child */
};

/* Watches any number of signals. */
struct hy_unix_signal {
    HY_INHERITS(hy_object);
    struct {
        hy_signal(struct hy_unix_signal_info) arrived; /* plain; one that is watched has come */
    } events;
    /* The library's: guard home thread. */
    struct hy_notifier notifier_;
    int32_t pipe_[2];
    uint64_t watched_; /* bit n - 1: signal n */
};

extern HY_API const struct hy_class hy_unix_signal_class;

/* Makes an object that watches nothing. Errors: as hy_object_init(). Thread: home of parent. */
HY_API int hy_unix_signal_init(struct hy_unix_signal *self, struct hy_object *parent) HY_MUST_USE;
/* Stops watching and ends it. Errors and thread: as hy_object_fini(). */
HY_API int hy_unix_signal_fini(struct hy_unix_signal *self);

/* Watches the signal too; one it watches already is no error. Errors: -HY_EINVAL (there is no such
 * signal, or it cannot be caught: SIGKILL, SIGSTOP; or it tells of a fault: SIGSEGV, SIGBUS,
 * SIGFPE, SIGILL), -HY_EBUSY (64 objects watch it), -HY_EWRONGTHREAD, -HY_EMFILE, -HY_ENOMEM.
 * Thread: home. */
HY_API int hy_unix_signal_watch(struct hy_unix_signal *self, int number);
/* Stops watching it; what has arrived and has not been told is forgotten. Errors: -HY_ENOENT,
 * -HY_EWRONGTHREAD. Thread: home. */
HY_API int hy_unix_signal_unwatch(struct hy_unix_signal *self, int number);

HY_END_DECLS

#endif
