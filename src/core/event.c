/* SPDX-License-Identifier: MIT */
/* Events and invocations: the public ways to say something to one object. */
#include "core/internal.h"

static struct hy_ref borrowed_ref(const struct hy_object *object)
{
    struct hy_ref ref = {object != NULL ? object->anchor : NULL};
    return ref;
}

static int post_made(struct hy_ref receiver, struct hy__message *message)
{
    int rc = hy__post(receiver.anchor, message);
    if (rc < 0)
        hy__message_discard(message);
    return rc;
}

static int check_receiver(struct hy_ref receiver)
{
    if (receiver.anchor == NULL)
        return hy_error_set(-HY_ESHUTDOWN, "the receiver was never made, or has been finished");
    return 0;
}

int hy_ref_post(struct hy_ref receiver, uint32_t type, const void *data, size_t size,
                enum hy_priority priority)
{
    int rc = check_receiver(receiver);
    if (rc < 0)
        return rc;
    if ((unsigned)priority >= HY__PRIORITIES)
        return hy_error_set(-HY_EINVAL, "there is no priority %d; see enum hy_priority",
                            (int)priority);
    if ((data == NULL && size != 0) || size > UINT32_MAX)
        return hy_error_set(-HY_EINVAL, "an event cannot carry %zu bytes%s", size,
                            data == NULL ? " of nothing" : "");
    const struct hy_payload bytes = {HY_PAYLOAD_PLAIN, "event", size, NULL, NULL};
    struct hy__message *message;
    rc = hy__message_make(&bytes, data, &message);
    if (rc < 0)
        return rc;
    message->kind = HY__MESSAGE_EVENT;
    message->priority = (uint8_t)priority;
    message->to.event_type = type;
    return post_made(receiver, message);
}

int hy_post(struct hy_object *receiver, uint32_t type, const void *data, size_t size,
            enum hy_priority priority)
{
    return hy_ref_post(borrowed_ref(receiver), type, data, size, priority);
}

void hy__event_handle(struct hy_object *object, struct hy_event *event)
{
    for (const struct hy_class *type = object->type; type != NULL; type = type->base)
        if (type->event != NULL) {
            type->event(object, event);
            return;
        }
}

int hy_send(struct hy_object *receiver, struct hy_event *event)
{
    int rc = hy__object_check_alive(receiver, "send an event to");
    if (rc < 0)
        return rc;
    if (event == NULL)
        return hy_error_set(-HY_EINVAL, "there is no event to send");
    struct hy_thread_record *record = hy__record_if_any();
    struct hy__frame frame;
    hy__frame_push(record, &frame, receiver->anchor, false);
    hy__event_handle(receiver, event);
    hy__frame_pop(record, &frame);
    return 0;
}

int hy_ref_invoke(struct hy_ref receiver, hy_invoke_function function,
                  const struct hy_payload *description, const void *payload)
{
    int rc = check_receiver(receiver);
    if (rc < 0)
        return rc;
    if (function == NULL)
        return hy_error_set(-HY_EINVAL, "an invoke needs a function");
    if (description != NULL && description->kind == HY_PAYLOAD_BORROWED)
        return hy_error_set(-HY_EBORROWED,
                            "%s is borrowed: it cannot be queued; copy what you need of it",
                            description->name);
    struct hy__message *message;
    rc = hy__message_make(description, payload, &message);
    if (rc < 0)
        return rc;
    message->kind = HY__MESSAGE_INVOKE;
    message->to.function = function;
    return post_made(receiver, message);
}

int hy_invoke(struct hy_object *receiver, hy_invoke_function function,
              const struct hy_payload *description, const void *payload)
{
    return hy_ref_invoke(borrowed_ref(receiver), function, description, payload);
}
