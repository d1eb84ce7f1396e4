/* SPDX-License-Identifier: MIT */
/*
 * Signals of the system as signals of an object: a pipe, which the handler of the platform writes
 * to, and a notifier on it, which moves with the object as its child. What was written for a watch
 * that has ended since is known by its serial and passed over.
 */
#include "core/internal.h"

#include <errno.h>

enum {
    NOTES_PER_PASS = 64 /* so that a flood of signals leaves the loop its other work */
};

static bool is_watched(const struct hy_unix_signal *self, int number)
{
    return number >= 1 && number <= 64 && (self->watched_ >> (number - 1) & 1) != 0;
}

static void emit(struct hy_unix_signal *self, const struct hy__signal_note *note)
{
    struct hy_unix_signal_info info = {note->number, note->code, note->pid, note->uid,
                                       note->status};
    hy_emit(&self->events.arrived, &info);
}

/* Those for which the pipe had no room: told once, without their circumstances. */
static void tell_lost(struct hy_unix_signal *self, struct hy_ref ref)
{
    for (int number = 1; number <= 64 && hy_ref_get(ref) != NULL; number++)
        if (is_watched(self, number) && hy__signal_take_lost(number, self->pipe_[1])) {
            struct hy__signal_note note = {.number = number};
            emit(self, &note);
        }
}

static void pipe_is_readable(struct hy_unix_signal *self)
{
    /* A slot may end this object, or move it to another thread, where the rest is told. */
    struct hy_ref ref = hy_ref_to(&self->hy);
    struct hy__signal_note note;
    for (int i = 0; i < NOTES_PER_PASS && hy_ref_get(ref) != NULL; i++) {
        if (!hy__signal_pipe_read(self->pipe_[0], &note)) {
            tell_lost(self, ref);
            break;
        }
        if (hy__signal_is_current(self->pipe_[1], &note))
            emit(self, &note);
    }
    hy_ref_release(&ref);
}

uint64_t hy__unix_signal_discard(struct hy_unix_signal *self)
{
    uint64_t numbers = 0;
    struct hy__signal_note note;
    while (hy__signal_pipe_read(self->pipe_[0], &note))
        numbers |= UINT64_C(1) << (note.number - 1);
    for (int number = 1; number <= 64; number++)
        if (is_watched(self, number) && hy__signal_take_lost(number, self->pipe_[1]))
            numbers |= UINT64_C(1) << (number - 1);
    return numbers;
}

static void unix_signal_fini(struct hy_object *object)
{
    struct hy_unix_signal *self = (struct hy_unix_signal *)(void *)object;
    for (int number = 1; number <= 64; number++)
        if (is_watched(self, number))
            hy__signal_unwatch(number, self->pipe_[1]);
    self->watched_ = 0;
    hy_object_fini(&self->notifier_.hy); /* before its descriptor closes */
    hy__signal_pipe_close(self->pipe_);
}

static const struct hy_signal_spec unix_signal_signals[] = {
    HY_PLAIN(struct hy_unix_signal, events.arrived)};

const struct hy_class hy_unix_signal_class =
    HY_CLASS(struct hy_unix_signal, .fini = unix_signal_fini, .signals = unix_signal_signals,
             .signal_count = 1);

int hy_unix_signal_init(struct hy_unix_signal *self, struct hy_object *parent)
{
    int rc = hy_object_init(&self->hy, &hy_unix_signal_class, parent);
    if (rc < 0)
        return rc;
    self->notifier_.hy.anchor = NULL;
    self->pipe_[0] = self->pipe_[1] = -1;
    self->watched_ = 0;
    rc = hy_notifier_init(&self->notifier_, &self->hy);
    if (rc == 0)
        rc = hy_connect(&self->notifier_.events.ready, self, pipe_is_readable, HY_DIRECT);
    if (rc < 0)
        hy_object_fini(&self->hy);
    return rc;
}

int hy_unix_signal_fini(struct hy_unix_signal *self)
{
    return hy_object_fini(&self->hy);
}

static int open_pipe(struct hy_unix_signal *self)
{
    if (self->pipe_[0] >= 0)
        return 0;
    int system_errno = hy__signal_pipe_open(self->pipe_);
    if (system_errno != 0)
        return hy_error_set_system(system_errno, "cannot make a pipe for signals");
    int rc = hy_notifier_watch(&self->notifier_, self->pipe_[0], HY_READABLE);
    if (rc < 0)
        hy__signal_pipe_close(self->pipe_);
    return rc;
}

int hy_unix_signal_watch(struct hy_unix_signal *self, int number)
{
    int rc = hy__object_check_alive(&self->hy, "watch a signal with");
    if (rc < 0)
        return rc;
    if (!hy__signal_is_valid(number))
        return hy_error_set(-HY_EINVAL,
                            "signal %d cannot be watched: there is none of that number, it cannot "
                            "be caught, or it tells of a fault",
                            number);
    if (is_watched(self, number))
        return 0;
    rc = open_pipe(self);
    if (rc < 0)
        return rc;
    int system_errno = hy__signal_watch(number, self->pipe_[1]);
    if (system_errno == EBUSY)
        return hy_error_set(-HY_EBUSY, "64 objects watch signal %d already", number);
    if (system_errno != 0)
        return hy_error_set_system(system_errno, "cannot watch signal %d", number);
    self->watched_ |= UINT64_C(1) << (number - 1);
    return 0;
}

int hy_unix_signal_unwatch(struct hy_unix_signal *self, int number)
{
    int rc = hy__object_check_alive(&self->hy, "stop watching a signal with");
    if (rc < 0)
        return rc;
    if (!is_watched(self, number))
        return hy_error_set(-HY_ENOENT, "%s does not watch signal %d", hy__object_text(&self->hy),
                            number);
    self->watched_ &= ~(UINT64_C(1) << (number - 1));
    hy__signal_unwatch(number, self->pipe_[1]);
    return 0;
}
