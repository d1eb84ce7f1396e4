/* SPDX-License-Identifier: MIT */
/* Posted events and invocations: the public ways to say something to one object. */
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

/* The number of a type in a message to those who gave a wrong one. */
static __attribute__((noinline, cold)) int check_number(uint32_t number)
{
    if (number == HY_EVENT_ANY || number == HY_EVENT_DESTROY)
        return hy_error_set(-HY_EINVAL,
                            "%u is not a type of events that can be posted: it stands for %s",
                            number, number == HY_EVENT_ANY ? "all" : "requests to destroy");
    if (number < HY_EVENT_USER)
        return hy_error_set(-HY_EINVAL,
                            "event type %u is the library's; yours begin at %d (HY_EVENT_USER)",
                            number, (int)HY_EVENT_USER);
    return hy_error_set(-HY_EINVAL,
                        "event type %u was never registered; numbers from %d on are those of "
                        "hy_event_type_register()",
                        number, (int)HY_EVENT_REGISTERED);
}

static __attribute__((noinline, cold)) int
make_registered(uint32_t number, const void *data, size_t size, struct hy__message **ret_message)
{
    const struct hy_event_type *type = hy__event_type(number);
    if (type == NULL)
        return check_number(number);
    const struct hy_payload bytes = {HY_PAYLOAD_PLAIN, "event", size, NULL, NULL};
    const struct hy_payload *payload = type->payload != NULL ? type->payload : &bytes;
    size_t wanted = payload->kind != HY_PAYLOAD_NONE ? payload->size : 0;
    if (size != wanted || (data == NULL && payload->kind == HY_PAYLOAD_DESCRIBED))
        return hy_error_set(-HY_EINVAL, "an event of type \"%s\" carries %zu bytes, not %zu%s",
                            type->name, wanted, size, data == NULL ? " of nothing" : "");
    size_t room = type->compress != NULL ? HY__COMPRESS_ROOM : 0;
    int rc = hy__message_make_with_room(payload, data, room, ret_message);
    if (rc == 0)
        (*ret_message)->flags =
            (uint8_t)(type->flags | (room != 0 ? (unsigned)HY__MESSAGE_COMPRESSIBLE : 0u));
    return rc;
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
    if ((data == NULL && size != 0) || size > UINT32_MAX - HY__COMPRESS_ROOM)
        return hy_error_set(-HY_EINVAL, "an event cannot carry %zu bytes%s", size,
                            data == NULL ? " of nothing" : "");
    struct hy__message *message = NULL;
    if (HY_UNLIKELY(type < HY_EVENT_USER || type >= HY_EVENT_REGISTERED)) {
        rc = make_registered(type, data, size, &message);
    } else {
        const struct hy_payload bytes = {HY_PAYLOAD_PLAIN, "event", size, NULL, NULL};
        rc = hy__message_make(&bytes, data, &message);
    }
    if (message == NULL)
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
