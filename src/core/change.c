/* SPDX-License-Identifier: MIT */
/*
 * hy_class.connection_changed: the owner of a signal hears of each connection that is made or cut.
 *
 * In the owner's thread it is called at once, from elsewhere by a message; the one for the cut is
 * reserved when connecting, so that it cannot fail. The two may be on their way at the same time,
 * from different threads: `told` makes sure that the cut is told last. Whoever comes second, of the
 * one that has told the making and the one that cuts, tells the cut.
 */
#include "core/internal.h"

enum { /* hy__extension.told */
    MADE_IS_TOLD = 1 << 0,
    IS_CUT = 1 << 1
};

static const struct hy_payload nothing = {.kind = HY_PAYLOAD_NONE, .name = "nothing"};

bool hy__change_is_wanted(const struct hy_signal_base *signal)
{
    for (const struct hy_class *type = signal->owner->type; type != NULL; type = type->base)
        if (type->connection_changed != NULL)
            return true;
    return false;
}

static int make(struct hy__message **ret_message)
{
    struct hy__message *message;
    int rc = hy__message_make(NULL, NULL, &message);
    if (rc < 0)
        return rc;
    message->kind = HY__MESSAGE_CHANGED;
    message->description = &nothing;
    message->to.extension = NULL;
    *ret_message = message;
    return 0;
}

static bool is_here(const struct hy_anchor *anchor)
{
    return hy__anchor_home(anchor) == hy__record_if_any();
}

int hy__change_prepare(struct hy__extension *extension, struct hy__message **ret_made)
{
    int rc = make(&extension->notice);
    if (rc == 0 && !is_here(extension->sender))
        rc = make(ret_made); /* on failure the notice goes with the extension */
    if (rc == 0)
        extension->watched = true;
    return rc;
}

/* The hook of each class, the most derived first. In the owner's thread. */
static void call_hooks(struct hy__extension *extension, bool connected, bool from_loop)
{
    struct hy_anchor *anchor = extension->sender;
    struct hy_object *object = anchor->object;
    struct hy_thread_record *record = hy__record_if_any();
    if (object == NULL) /* its own end is not told */
        return;
    struct hy__frame frame;
    hy__frame_push(record, &frame, anchor, from_loop);
    for (const struct hy_class *type = object->type; type != NULL && !frame.gone; type = type->base)
        if (type->connection_changed != NULL)
            type->connection_changed(object, extension->spec, connected);
    hy__frame_pop(record, &frame);
}

static void post(struct hy__extension *extension, struct hy__message *message, bool connected)
{
    message->to.extension = extension;
    message->connection_id = connected ? 1 : 0;
    hy__extension_ref(extension);
    if (hy__post(extension->sender, message) < 0) /* the owner is dead */
        hy__message_discard(message);
}

/* Where the owner lives now, which may have moved as it was told of the making. */
static void tell_cut(struct hy__extension *extension, bool from_loop)
{
    struct hy__message *notice = extension->notice;
    extension->notice = NULL;
    if (!is_here(extension->sender)) {
        post(extension, notice, false);
        return;
    }
    hy__message_discard(notice);
    call_hooks(extension, false, from_loop);
}

static void tell_made(struct hy__extension *extension, bool from_loop)
{
    call_hooks(extension, true, from_loop);
    /* Both orders: of this and the cut's exactly one sees the other. */
    uint32_t told = __atomic_fetch_or(&extension->told, (uint32_t)MADE_IS_TOLD, __ATOMIC_ACQ_REL);
    if ((told & IS_CUT) != 0)
        tell_cut(extension, from_loop);
}

void hy__change_made(struct hy__extension *extension, struct hy__message *made)
{
    if (made != NULL)
        post(extension, made, true);
    else if (extension->watched)
        tell_made(extension, false);
}

void hy__change_cut(struct hy__extension *extension)
{
    if (!extension->watched)
        return;
    uint32_t told = __atomic_fetch_or(&extension->told, (uint32_t)IS_CUT, __ATOMIC_ACQ_REL);
    if ((told & MADE_IS_TOLD) != 0)
        tell_cut(extension, false);
}

void hy__change_arrived(struct hy__message *message)
{
    if (message->connection_id != 0)
        tell_made(message->to.extension, true);
    else
        call_hooks(message->to.extension, false, true);
}
