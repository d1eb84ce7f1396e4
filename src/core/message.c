/* SPDX-License-Identifier: MIT */
/* Messages with a copied payload, and their end. */
#include "core/internal.h"

#include <string.h>

static inline __attribute__((always_inline)) int make(const struct hy_payload *description,
                                                      const void *payload, size_t room,
                                                      struct hy__message **ret_message)
{
    bool has_payload =
        description != NULL && description->kind != HY_PAYLOAD_NONE && payload != NULL;
    size_t size = has_payload ? description->size : 0;
    struct hy__message *message = hy__message_allocate(size + room);
    if (message == NULL)
        return -HY_ENOMEM;
    message->priority = HY_PRIORITY_NORMAL;
    message->size = (uint32_t)size;
    message->has_payload = has_payload;
    if (has_payload && description->kind == HY_PAYLOAD_DESCRIBED) {
        /* User code: no lock is held. */
        int rc = description->copy(hy__message_payload(message), payload);
        if (rc < 0) {
            hy__message_release(message);
            return rc;
        }
        message->description = description;
    } else if (has_payload) {
        memcpy(hy__message_payload(message), payload, size);
    }
    *ret_message = message;
    return 0;
}

int hy__message_make(const struct hy_payload *description, const void *payload,
                     struct hy__message **ret_message)
{
    return make(description, payload, 0, ret_message);
}

int hy__message_make_with_room(const struct hy_payload *description, const void *payload,
                               size_t room, struct hy__message **ret_message)
{
    return make(description, payload, room, ret_message);
}

static __attribute__((noinline)) void discard_described(struct hy__message *message)
{
    if (message->has_payload && message->description->destroy != NULL)
        message->description->destroy(hy__message_payload(message));
    if (message->kind == HY__MESSAGE_EXTENDED || message->kind == HY__MESSAGE_TOKEN ||
        message->kind == HY__MESSAGE_CHANGED)
        hy__extension_settle(message);
}

void hy__message_discard(struct hy__message *message)
{
    if (message->description != NULL)
        discard_described(message);
    hy__message_release(message);
}

/* Counts the message as arrived; the anchor of a finished object goes with the last one. Not that
 * of an object inside its fini, which may run a loop: hy_object_fini() itself looks at its end. */
void hy__message_count_arrival(struct hy_anchor *anchor)
{
    hy__anchor_count(anchor, 1);
    if (anchor->finished && anchor->delivered == anchor->posted)
        hy__anchor_unref(anchor);
}

void hy__message_settle(struct hy__message *message)
{
    hy__message_count_arrival(message->anchor);
    hy__message_discard(message);
}

static void log_drop(const struct hy_thread_record *record, const struct hy__message *message)
{
    static const char *const kinds[] = {[HY__MESSAGE_SLOT] = "a call of a slot",
                                        [HY__MESSAGE_EVENT] = "an event",
                                        [HY__MESSAGE_INVOKE] = "an invoke",
                                        [HY__MESSAGE_DESTROY] = "a request to end",
                                        [HY__MESSAGE_EXTENDED] = "a call of a slot",
                                        [HY__MESSAGE_TOKEN] = "a call of a slot",
                                        [HY__MESSAGE_CALL] = "a call that is waited for"};
    const char *kind = message->kind < sizeof kinds / sizeof kinds[0] ? kinds[message->kind] : NULL;
    hy__debug("message", "%s is dropped in thread \"%s\": %s", kind != NULL ? kind : "a message",
              record->name,
              message->anchor->object == NULL ? "the receiver has ended"
                                              : "its connection has been cut, or the thread ends");
}

struct hy_connection hy__message_connection_to_cut(const struct hy__message *message)
{
    struct hy_connection connection = {NULL, 0};
    if (message->kind == HY__MESSAGE_SLOT)
        connection = (struct hy_connection){message->to.connection, message->connection_id};
    else if (message->kind == HY__MESSAGE_EXTENDED || message->kind == HY__MESSAGE_TOKEN)
        connection =
            (struct hy_connection){message->to.extension->connection, message->to.extension->id};
    /* Relaxed: cutting looks again. */
    if (connection.link == NULL ||
        (__atomic_load_n(&connection.link->id_flags, __ATOMIC_RELAXED) & HY_SINGLE_SHOT) == 0)
        return (struct hy_connection){NULL, 0};
    return connection;
}

void hy__message_drop(struct hy_thread_record *record, struct hy__message *message)
{
    struct hy_connection spent = hy__message_connection_to_cut(message);
    if (message->kind != HY__MESSAGE_CUT && message->kind != HY__MESSAGE_CHANGED) { /* nobody's */
        hy__count(&record->dropped, 1);
        hy__observe_drop(message->anchor);
        log_drop(record, message);
    }
    hy__message_settle(message);
    hy_connection_disconnect(spent);
}
