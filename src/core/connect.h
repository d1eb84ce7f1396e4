/* SPDX-License-Identifier: MIT */
/* Connections, extensions, rings, relays: what their files offer each other and the rest. A part of
 * internal.h: include that. */
#ifndef HALYARD_CORE_CONNECT_H
#define HALYARD_CORE_CONNECT_H

/* connection.c, hazard.c, hub.c, connect.c, cut.c, close.c */
static inline void hy__slot_call(hy_slot slot, uint64_t flags, void *receiver, const void *payload)
{
    if ((flags & HY_IGNORES_PAYLOAD_) != 0)
        ((void (*)(void *))(void (*)(void))slot)(receiver);
    else
        slot(receiver, payload);
}
struct hy__connection *hy__connection_allocate(void);
void hy__connection_release(struct hy__connection *connection);
/* Cuts all connections of a dying object: those to it, and those of its signals. */
void hy__connections_of_receiver_cut(struct hy_anchor *anchor);
void hy__signal_close(struct hy_signal_base *signal);
/* hy_signal_disconnect() for a receiver that may end meanwhile; NULL: any. */
int hy__signal_cut(struct hy_signal_base *signal, const struct hy_anchor *receiver, hy_slot slot);
/* Cuts those to an object that were there when it began; returns how many. */
int hy__connections_to_cut(struct hy_anchor *anchor);
/* The largest id so far. */
uint64_t hy__last_connection_id(void);
/* Cuts the connection if it is still the one with the id. ret_sender: NULL, or takes a reference to
 * the owner of the signal; untouched when it was not cut. */
bool hy__connection_cut(struct hy_anchor *anchor, struct hy__connection *connection, uint64_t id,
                        struct hy_anchor **ret_sender);
/* Whether the id and flags are those of the connection and it has not been cut. */
static inline bool hy__id_is_live(uint64_t id_flags, uint64_t id)
{
    return id_flags >> HY__ID_SHIFT == id && (id_flags & HY__FLAG_CUT) == 0;
}
/* Whether a single-shot connection has fired. */
static inline bool hy__is_spent(uint64_t id_flags)
{
    return (id_flags & HY__FLAG_SPENT) != 0;
}
/* handle.c: what has been cut, or is another one, cannot be held; what is held is not recycled. */
bool hy__connection_hold(struct hy__connection *connection, uint64_t id);
void hy__connection_let_go(struct hy__connection *connection);

/* extension.c */
static inline struct hy__extension *hy__extension_in(hy_slot slot)
{
    return (struct hy__extension *)(uintptr_t)slot;
}
static inline hy_slot hy__extension_as_slot(struct hy__extension *extension)
{
    return (hy_slot)(uintptr_t)extension;
}
/* Whether a connection like that needs one. options may be NULL. */
bool hy__extension_is_needed(const struct hy_signal_base *signal, unsigned flags,
                             const struct hy_connect_options *options);
/* With two references: the connection's and the caller's. */
struct hy__extension *hy__extension_create(const struct hy_signal_base *signal, hy_slot slot,
                                           unsigned flags,
                                           const struct hy_connect_options *options);
/* Ends one that never was linked; the context stays the caller's. */
void hy__extension_discard(struct hy__extension *extension);
/* Holds the memory. */
void hy__extension_ref(struct hy__extension *extension);
void hy__extension_unref(struct hy__extension *extension);
/* Keeps the context from being destroyed; false: it is too late. The memory must be held. */
bool hy__extension_use(struct hy__extension *extension);
/* Under no lock: the last one calls destroy(context). */
void hy__extension_unuse(struct hy__extension *extension);
/* Whether its connection has not been cut. */
bool hy__extension_is_connected(const struct hy__extension *extension);
/* Whether a queued call through it is still to be made. */
bool hy__extension_is_wanted(const struct hy__extension *extension);
/* Calls the slot, which the caller keeps in use; *ret_result as hy_emit_result() says (NULL: nobody
 * asks). Negative: what a relayed emission returned. */
int hy__extension_call(struct hy__extension *extension, void *receiver, const void *payload,
                       int *ret_result);
/* Calls a slot that returns an int and takes no context. */
int hy__slot_call_for_result(hy_slot slot, uint64_t flags, void *receiver, const void *payload);
/* Makes the message one of the connection's. The caller has it in use. */
void hy__extension_attach(struct hy__extension *extension, struct hy__message *message,
                          enum hy__message_kind kind);
/* Calls the slot in the receiver's home thread, for a message that has arrived. False: that is not
 * wanted any more, and the message not counted as arrived; true also when user code has ended the
 * receiver or moved it away, for then it must be counted here. wait: who waits for it, told what it
 * came to; or NULL. */
bool hy__extension_run(struct hy_thread_record *record, struct hy__extension *extension,
                       struct hy_anchor *anchor, const void *payload, struct hy__wait *wait);
/* Queues a call. The caller has it in use. */
int hy__extension_post(struct hy__extension *extension, struct hy_anchor *receiver,
                       const void *payload);
/* A queued call has arrived. False: there is nobody to call any more. */
bool hy__extension_deliver(struct hy_thread_record *record, struct hy__message *message);
/* Ends what a message holds of it. */
void hy__extension_settle(struct hy__message *message);
/* The connection has been cut: tells the owner, drops the connection's use. Under no lock. */
void hy__extension_ended(struct hy__extension *extension);

/* ring.c: bounded and latest connections */
/* NULL: no memory. */
struct hy__ring *hy__ring_create(unsigned flags, const struct hy_connect_options *options);
void hy__ring_destroy(struct hy__ring *ring);
/* Queues a call, or what the policy says. Returns as hy__emit_rare(). The caller has it in use. */
int hy__ring_post(struct hy__extension *extension, struct hy_anchor *receiver, const void *payload);
/* Takes the oldest payload, for a token that has arrived. */
struct hy__message *hy__ring_take(struct hy__extension *extension);

/* Back in front of the others: its token is not delivered after all. For the moment until that is
 * dropped there may be one more than the limit. */
void hy__ring_put_back(struct hy__extension *extension, struct hy__message *holder);

/* change.c: hy_class.connection_changed */
bool hy__change_is_wanted(const struct hy_signal_base *signal);
/* Reserves the messages for both changes; the second one stays in the extension. */
int hy__change_prepare(struct hy__extension *extension, struct hy__message **ret_made);
/* A connection was made, or cut. Under no lock; the caller holds the extension. */
void hy__change_made(struct hy__extension *extension, struct hy__message *made);
void hy__change_cut(struct hy__extension *extension);
void hy__change_arrived(struct hy__message *message);

/* relay.c */
/* The slot of hy_signal_connect_signal(); its context is the target. */
void hy__relay(void *receiver, const void *payload);

/* emit_rare.c: the connections that are not plain */
struct hy__emission {
    struct hy_thread_record *record;
    const struct hy_payload *description;
    const void *payload;
    int *ret_result;
};
/* The number of slots called or queued, or a negative code. */
int hy__emit_rare(const struct hy__emission *emission, struct hy__connection *connection,
                  hy_slot slot, uint64_t id_flags);
/* Queues a call of a plain connection. Returns as above. */
int hy__emit_queued(const struct hy_payload *description, const void *payload,
                    struct hy__connection *connection, uint64_t id_flags);
int hy__hazards_acquire(struct hy_thread_record *record);
void hy__hazards_release(struct hy_thread_record *record);
void hy__walks_park(struct hy_thread_record *record);
void hy__orphans_reap(void);
/* In a forked child: walks of threads that are not there; hubs that they left. */
void hy__hazards_forget(const struct hy_thread_record *own);
void hy__orphans_forget(void);

#endif
