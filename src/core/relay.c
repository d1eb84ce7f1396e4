/* SPDX-License-Identifier: MIT */
/* A signal connected to a signal: a connection whose context is the target, and whose receiver is
 * the target's owner. */
#include "core/internal.h"

/* What disconnecting and HY_UNIQUE compare; hy__extension_call() emits the target itself, so that
 * the result and the errors of the target come back. */
void hy__relay(void *receiver, const void *payload)
{
    (void)receiver;
    (void)payload;
}

/* As far as descriptions tell; hy_connect_signal() has compared the types themselves. A type may be
 * borrowed in one class and copied in another, but is not both plain and described. */
static bool may_be_one_type(const struct hy_payload *from, const struct hy_payload *to)
{
    if (from->size != to->size || (from->kind == HY_PAYLOAD_NONE) != (to->kind == HY_PAYLOAD_NONE))
        return false;
    return from->kind == to->kind || from->kind == HY_PAYLOAD_BORROWED ||
           to->kind == HY_PAYLOAD_BORROWED;
}

int hy_signal_connect_signal(struct hy_signal_base *signal, struct hy_signal_base *target,
                             unsigned flags)
{
    if (signal == NULL || signal->spec == NULL || target == NULL || target->spec == NULL)
        return hy_error_set(-HY_EINVAL,
                            "a class does not name its signal, so it cannot be %s a signal; list "
                            "it in HY_SIGNALS() and initialise the object",
                            target == NULL || target->spec == NULL ? "reached from"
                                                                   : "connected to");
    const struct hy_payload *from = &signal->spec->payload, *to = &target->spec->payload;
    if (!may_be_one_type(from, to))
        return hy_error_set(-HY_EINVAL, "%s and %s do not carry the same type", from->name,
                            to->name);
    if (signal == target)
        return hy_error_set(-HY_EINVAL,
                            "a signal cannot pass on to itself: an emission of %s "
                            "would never end",
                            signal->spec->name);
    struct hy_connect_options options = {.flags = flags, .context = target};
    return hy_signal_connect_with(signal, target->owner, hy__relay, HY_CONTEXT_, &options, NULL);
}
