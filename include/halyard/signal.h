/* SPDX-License-Identifier: MIT */
/*
 * Typed signals.
 *
 * A signal is a member of its owner's struct. A slot is a function `void slot(R *receiver, const T
 * *payload)` or `void slot(R *receiver)`; a slot of another type does not compile. Direct delivery
 * calls the slot inside hy_emit() and copies nothing; queued delivery copies the payload and calls
 * the slot in the receiver's thread. Slots run in the order they were connected. What was queued is
 * dropped when the receiver ends or the connection is cut; the sender's end leaves it alone.
 *
 *     static void tracker_position(struct tracker *self, const struct position *position);
 *
 *     hy_connect(&receiver->events.position, tracker, tracker_position, HY_AUTO);
 *     hy_emit_with(&receiver->events.position, .mmsi = 211, .latitude_deg = 54.3);
 */
#ifndef HALYARD_SIGNAL_H
#define HALYARD_SIGNAL_H

#include <halyard/object.h>

HY_BEGIN_DECLS

/* How a connection delivers. The first four exclude each other; the others may be added. */
enum hy_connection_flag {
    HY_AUTO = 0, /* direct when the receiver lives in the emitting thread, else queued; judged at
                    each emission */
    HY_DIRECT = 1 << 0,   /* always in the emitting thread: with a receiver of another thread, the
                             slot must not touch it */
    HY_QUEUED = 1 << 1,   /* always through the receiver's loop */
    HY_BLOCKING = 1 << 2, /* queued, and the emission waits until the slot has returned */
    HY_SINGLE_SHOT = 1 << 3, /* runs at most once, however many threads emit; gone from the first
                                emission on */
    HY_UNIQUE = 1 << 4,      /* -HY_EEXIST when this slot of this receiver, with this context, is
                                connected already */
    HY_LATEST = 1 << 5,      /* of what is queued only the newest undelivered payload is kept */
    HY_BOUNDED = 1 << 6,     /* at most options.limit payloads are queued */
    HY_KEEP_QUEUED = 1 << 7, /* what was queued before the connection is cut is still delivered */
    HY_IGNORES_PAYLOAD_ = 1 << 8, /* for the macros: the slot takes no payload */
    HY_RETURNS_ = 1 << 9,         /* for the macros: the slot returns an int */
    HY_CONTEXT_ = 1 << 10         /* for the macros: the slot takes the context */
};

/* What a bounded connection does when its limit is reached. */
enum hy_overflow {
    HY_OVERFLOW_REFUSE,      /* the emission reports -HY_EAGAIN; the payload is not queued */
    HY_OVERFLOW_DROP_OLDEST, /* the oldest makes room; the newer ones move up in its place */
    HY_OVERFLOW_DROP_NEWEST  /* the payload is dropped */
};

/* The rest of what a connection can be told; members left 0 are off. */
struct hy_connect_options {
    unsigned flags;            /* enum hy_connection_flag */
    uint32_t limit;            /* HY_BOUNDED: at least 1 */
    enum hy_overflow overflow; /* HY_BOUNDED */
    /* HY_BLOCKING: how long an emission waits for the slot to return; 0: as long as it takes. With
     * a time-out the payload is copied, so that nobody is left with a dangling pointer. A slot that
     * has begun by then goes on with its copy; one that has not is not called. */
    int64_t timeout_ns;
    void *context; /* given to a slot that takes one: void slot(R *, const T *, void *context) */
    /* Called once with the context when the connection is gone and its last call has returned, in
     * whatever thread that happens, under no lock; also when connecting fails. */
    void (*destroy)(void *context);
};

/*
 * A connection as a value: it may be copied, kept as long as wanted, and used in every thread; it
 * never dangles. Zeros name no connection.
 */
struct hy_connection {
    struct hy__connection *link;
    uint64_t id;
};

/* What went through a bounded or latest connection. */
struct hy_connection_counters {
    uint64_t accepted;   /* payloads queued */
    uint64_t dropped;    /* queued payloads that had to make room, and new ones dropped */
    uint64_t refused;    /* new ones refused */
    uint32_t waiting;    /* queued now */
    uint32_t high_water; /* the largest `waiting` so far */
};

/* Slots as the functions below see them. */
typedef void (*hy_slot)(void *receiver, const void *payload);

/*
 * hy_connect(signal, receiver, slot, flags) is the typed front of this function. The same slot may
 * be connected several times, and then runs as often. A slot may return an int instead of nothing:
 * see hy_emit_result(). Errors: -HY_EINVAL (the class of the owner does not name the signal; no
 * receiver or slot; flags that exclude each other; no limit), -HY_EBORROWED (a borrowed payload,
 * and neither direct nor blocking without a time-out), -HY_ESHUTDOWN (owner or receiver is dead),
 * -HY_EEXIST (HY_UNIQUE), -HY_ENOMEM. Thread: any, while owner and receiver exist.
 */
HY_API int hy_signal_connect(struct hy_signal_base *signal, struct hy_object *receiver,
                             hy_slot slot, unsigned flags);

/*
 * hy_connect_with(signal, receiver, slot, options, ret_connection) is the typed front of this one:
 * connecting with options (NULL: none), and a handle of the connection (NULL is allowed). flags are
 * those of the macros, or'ed to those of the options. Errors and threads as above.
 *
 *     struct hy_connection updates;
 *     hy_connect_with(&feed->events.quote, display, display_quote,
 *                     &(struct hy_connect_options){.flags = HY_BOUNDED, .limit = 100,
 *                                                  .overflow = HY_OVERFLOW_DROP_OLDEST},
 *                     &updates);
 */
HY_API int hy_signal_connect_with(struct hy_signal_base *signal, struct hy_object *receiver,
                                  hy_slot slot, unsigned flags,
                                  const struct hy_connect_options *options,
                                  struct hy_connection *ret_connection);

/*
 * hy_connect_signal(signal, target, flags): whatever the signal carries, target emits, in the
 * thread of target's owner; both carry the same type. flags: as for hy_connect(). Errors and
 * threads too; -HY_EINVAL when they are one signal. Longer circles are the caller's to break, as
 * with slots that emit what called them.
 */
HY_API int hy_signal_connect_signal(struct hy_signal_base *signal, struct hy_signal_base *target,
                                    unsigned flags);

/*
 * hy_disconnect(signal, receiver, slot): cuts all connections of the signal to this slot of this
 * receiver and returns how many there were. NULL is a wildcard: it stands for any receiver, or any
 * slot, so a NULL by mistake, also in a variable that is given to hy_disconnect(), cuts more than
 * was meant. When it returns in the receiver's thread, the slot does not run again, not even for
 * what was queued (but see HY_KEEP_QUEUED). Thread: any, while owner and receiver exist.
 */
HY_API int hy_signal_disconnect(struct hy_signal_base *signal, struct hy_object *receiver,
                                hy_slot slot);

/*
 * Calls or queues each slot; payload may be NULL for a signal that carries nothing. hy_emit() and
 * its kin come here only when the signal has had connections; other languages may always call it.
 * Returns the number of slots called or queued, or a negative code when one could not be reached:
 * -HY_ENOMEM, what a copy() returned; -HY_EAGAIN (a bounded connection refused); of a blocking
 * connection -HY_EDEADLK (the receiver lives in this thread, or its thread waits for this one),
 * -HY_ETIMEDOUT, -HY_ESHUTDOWN (the receiver ended before its slot ran, or its thread does not
 * run). The others are served all the same. A receiver that has died is no error but for a blocking
 * connection. Thread: any, while the owner exists.
 */
HY_API int hy_signal_emit(struct hy_signal_base *signal, const void *payload);
/*
 * The same; *ret_result is what the last slot that returns an int returned, of those that ran
 * before this function returned: the direct and blocking ones. Untouched when there was none.
 */
HY_API int hy_signal_emit_result(struct hy_signal_base *signal, const void *payload,
                                 int *ret_result);

/* Whether anything is connected; a single-shot connection that has fired is not. Thread: any, while
 * the owner exists. */
HY_API bool hy_signal_is_connected(struct hy_signal_base *signal);

/* While a signal is blocked its emissions do nothing, and are not made up for later. Returns
 * whether it was blocked before. Errors: -HY_ENOMEM, -HY_EINVAL. Thread: any, while the owner
 * exists. */
HY_API int hy_signal_block(struct hy_signal_base *signal, bool blocked);

/* Cuts the connection, as hy_disconnect() does; returns 1, or 0 when there was nothing to cut any
 * more. A single-shot call that is queued is taken back, and counts. Thread: any. */
HY_API int hy_connection_disconnect(struct hy_connection connection);
/* Whether it is still there; a single-shot one that has fired is not. Thread: any. */
HY_API bool hy_connection_is_connected(struct hy_connection connection);
/* Emissions pass a blocked connection by; what is queued already is delivered. Returns whether it
 * was blocked before, or -HY_ENOENT when it is gone. Thread: any. */
HY_API int hy_connection_block(struct hy_connection connection, bool blocked);
/* The counts of a bounded or latest connection. Errors: -HY_ENOENT (gone), -HY_EINVAL (of another
 * kind). Thread: any. */
HY_API int hy_connection_get_counters(struct hy_connection connection,
                                      struct hy_connection_counters *ret_counters);

/*
 * Inside a slot: a reference to the owner of the signal that called it, also of a queued call;
 * release it. When the owner has ended, it reads NULL, and hy_ref_equal() still tells whose it was.
 * Cleared outside a slot, and when a slot of a plain connection has cut that before it asked.
 * Thread: any, for itself.
 */
HY_API struct hy_ref hy_sender(void);
/* Inside a slot: the connection that called it; else zeros. Thread: any, for itself. */
HY_API struct hy_connection hy_sender_connection(void);

/* For the macros: hy_signal_emit() without its call while nothing has ever been connected. */
static inline int hy_signal_emit_checked_(struct hy_signal_base *signal, const void *payload)
{
    /* Acquire: whoever sees the hub sees its contents. */
    if (__atomic_load_n(&signal->hub, __ATOMIC_ACQUIRE) == NULL)
        return 0;
    return hy_signal_emit(signal, payload);
}

HY_END_DECLS

#ifndef __cplusplus

/* clang-format off */
#define HY_PAYLOAD_TYPE_(s) __typeof__(*(s)->payload_)

/*
 * One constant expression that checks and classifies a slot: it returns nothing or an int, and takes R *, or R * and
 * const T *, with R the type of the receiver expression; of hy_connect_with() also R *, const T * and void *. Anything
 * else has no association and does not compile. (__typeof__ around a type changes nothing; it is for cppcheck's parser.)
 */
#define HY_SLOT_SHAPES_(s, r) \
    void (*)(__typeof__(r), const HY_PAYLOAD_TYPE_(s) *): 0u, \
    void (*)(__typeof__(r)): (unsigned)HY_IGNORES_PAYLOAD_, \
    __typeof__(int (*)(__typeof__(r), const HY_PAYLOAD_TYPE_(s) *)): (unsigned)HY_RETURNS_, \
    int (*)(__typeof__(r)): (unsigned)HY_RETURNS_ | (unsigned)HY_IGNORES_PAYLOAD_
#define HY_SLOT_FLAG_(s, r, f) _Generic(&*(f), HY_SLOT_SHAPES_(s, r))
#define HY_SLOT_FLAG_WITH_(s, r, f) \
    _Generic(&*(f), HY_SLOT_SHAPES_(s, r), \
             __typeof__(void (*)(__typeof__(r), const HY_PAYLOAD_TYPE_(s) *, void *)): (unsigned)HY_CONTEXT_, \
             __typeof__(int (*)(__typeof__(r), const HY_PAYLOAD_TYPE_(s) *, void *)): (unsigned)HY_CONTEXT_ | (unsigned)HY_RETURNS_)

#define hy_connect(signal, receiver, slot, flags) \
    hy_signal_connect(&(signal)->sig, &(receiver)->hy, (hy_slot)(void (*)(void))(slot), \
                      (unsigned)(flags) | HY_SLOT_FLAG_(signal, receiver, slot))

/* The options and ret_connection come as they are: a compound literal has commas. */
#define hy_connect_with(signal, receiver, slot, ...) \
    hy_signal_connect_with(&(signal)->sig, &(receiver)->hy, (hy_slot)(void (*)(void))(slot), \
                           HY_SLOT_FLAG_WITH_(signal, receiver, slot), __VA_ARGS__)

#define hy_connect_signal(signal, target, flags) \
    hy_signal_connect_signal(&(signal)->sig, \
                             _Generic((target)->payload_, HY_PAYLOAD_TYPE_(signal) *: &(target)->sig), \
                             (unsigned)(flags))

#define hy_disconnect(signal, receiver, slot) \
    ((void)HY_SLOT_FLAG_WITH_(signal, receiver, slot), \
     hy_signal_disconnect(&(signal)->sig, &(receiver)->hy, (hy_slot)(void (*)(void))(slot)))

/* hy_emit(&o->moved, &moved): the payload must be a T * or const T *. Returns as hy_signal_emit(). */
#define hy_emit(signal, ...) \
    hy_signal_emit_checked_(&(signal)->sig, \
        _Generic((__VA_ARGS__), HY_PAYLOAD_TYPE_(signal) *: (__VA_ARGS__), \
                                const HY_PAYLOAD_TYPE_(signal) *: (__VA_ARGS__)))

/* hy_emit_result(&o->question, &question, &answer): as hy_emit(), with what a slot returned. */
#define hy_emit_result(signal, payload, ret_result) \
    hy_signal_emit_result(&(signal)->sig, \
        _Generic((payload), HY_PAYLOAD_TYPE_(signal) *: (payload), \
                            const HY_PAYLOAD_TYPE_(signal) *: (payload)), (ret_result))

/* hy_emit_with(&o->moved, .x = 1, .y = 2): builds the payload itself. */
#define hy_emit_with(signal, ...) \
    hy_signal_emit_checked_(&(signal)->sig, &(const HY_PAYLOAD_TYPE_(signal)){ __VA_ARGS__ })

/* hy_emit0(&o->finished): only for hy_signal0. */
#define hy_emit0(signal) \
    hy_signal_emit_checked_(_Generic((signal)->payload_, struct hy_none *: &(signal)->sig), NULL)
/* clang-format on */

#else

namespace hy_cxx
{
/* The object of a receiver: a struct that begins with HY_INHERITS, or a C++ class derived from
 * hy_object. */
template <class R> auto object_of(R *receiver, int) -> decltype(&receiver->hy)
{
    return &receiver->hy;
}
template <class R> auto object_of(R *receiver, long) -> decltype(static_cast<hy_object *>(receiver))
{
    return static_cast<hy_object *>(receiver);
}
template <class F> hy_slot slot_cast(F function)
{
    return reinterpret_cast<hy_slot>(reinterpret_cast<void (*)()>(function));
}
template <class T> struct same {
    typedef T type;
};
/* What hy_connect() takes as a slot of an R for payloads T. */
template <class T, class R> struct slot {
    hy_slot function;
    unsigned flags;
    slot(hy_slot function_, unsigned flags_) : function(function_), flags(flags_)
    {
    }
    slot(void (*f)(R *, const T *)) : function(slot_cast(f)), flags(0)
    {
    }
    slot(void (*f)(R *)) : function(slot_cast(f)), flags(HY_IGNORES_PAYLOAD_)
    {
    }
    slot(int (*f)(R *, const T *)) : function(slot_cast(f)), flags(HY_RETURNS_)
    {
    }
    slot(int (*f)(R *)) : function(slot_cast(f)), flags(unsigned(HY_RETURNS_) | HY_IGNORES_PAYLOAD_)
    {
    }
};
/* What hy_connect_with() takes: also slots that get the context. */
template <class T, class R> struct slot_with : slot<T, R> {
    using slot<T, R>::slot;
    slot_with(void (*f)(R *, const T *, void *)) : slot<T, R>(slot_cast(f), HY_CONTEXT_)
    {
    }
    slot_with(int (*f)(R *, const T *, void *))
        : slot<T, R>(slot_cast(f), unsigned(HY_CONTEXT_) | HY_RETURNS_)
    {
    }
};
template <class T, class R>
int connect(hy_signal_base *signal, T *, R *receiver, typename same<slot<T, R>>::type function,
            unsigned flags)
{
    return hy_signal_connect(signal, object_of(receiver, 0), function.function,
                             flags | function.flags);
}
template <class T, class R>
int connect_with(hy_signal_base *signal, T *, R *receiver,
                 typename same<slot_with<T, R>>::type function, const hy_connect_options *options,
                 hy_connection *ret_connection)
{
    return hy_signal_connect_with(signal, object_of(receiver, 0), function.function, function.flags,
                                  options, ret_connection);
}
template <class T>
int connect_signal(hy_signal_base *signal, T *, hy_signal_base *target, T *, unsigned flags)
{
    return hy_signal_connect_signal(signal, target, flags);
}
template <class T, class R>
int disconnect(hy_signal_base *signal, T *, R *receiver,
               typename same<slot_with<T, R>>::type function)
{
    return hy_signal_disconnect(signal, object_of(receiver, 0), function.function);
}
template <class T> int emit(hy_signal_base *signal, T *, const typename same<T>::type *payload)
{
    return hy_signal_emit_checked_(signal, payload);
}
template <class T> int emit(hy_signal_base *signal, T *, const typename same<T>::type &payload)
{
    return hy_signal_emit_checked_(signal, &payload);
}
template <class T>
int emit_result(hy_signal_base *signal, T *, const typename same<T>::type *payload, int *ret_result)
{
    return hy_signal_emit_result(signal, payload, ret_result);
}
template <class T>
int emit_result(hy_signal_base *signal, T *, const typename same<T>::type &payload, int *ret_result)
{
    return hy_signal_emit_result(signal, &payload, ret_result);
}
template <class T, class... A> int emit_with(hy_signal_base *signal, T *, A... members)
{
    const T payload{members...};
    return hy_signal_emit_checked_(signal, &payload);
}
inline int emit0(hy_signal_base *signal, hy_none *)
{
    return hy_signal_emit_checked_(signal, nullptr);
}
} // namespace hy_cxx

/* clang-format off */
#define HY_PHANTOM_(s) static_cast<decltype((s)->payload_)>(nullptr)
#define hy_connect(signal, receiver, slot, flags) \
    ::hy_cxx::connect(&(signal)->sig, HY_PHANTOM_(signal), (receiver), (slot), static_cast<unsigned>(flags))
#define hy_connect_with(signal, receiver, slot, ...) \
    ::hy_cxx::connect_with(&(signal)->sig, HY_PHANTOM_(signal), (receiver), (slot), __VA_ARGS__)
#define hy_connect_signal(signal, target, flags) \
    ::hy_cxx::connect_signal(&(signal)->sig, HY_PHANTOM_(signal), &(target)->sig, HY_PHANTOM_(target), \
                             static_cast<unsigned>(flags))
#define hy_disconnect(signal, receiver, slot) \
    ::hy_cxx::disconnect(&(signal)->sig, HY_PHANTOM_(signal), (receiver), (slot))
#define hy_emit(signal, ...) ::hy_cxx::emit(&(signal)->sig, HY_PHANTOM_(signal), __VA_ARGS__)
#define hy_emit_result(signal, payload, ret_result) \
    ::hy_cxx::emit_result(&(signal)->sig, HY_PHANTOM_(signal), (payload), (ret_result))
/* In C++ the members are given in order, without names. */
#define hy_emit_with(signal, ...) ::hy_cxx::emit_with(&(signal)->sig, HY_PHANTOM_(signal), __VA_ARGS__)
#define hy_emit0(signal) ::hy_cxx::emit0(&(signal)->sig, HY_PHANTOM_(signal))
/* clang-format on */

#endif

#endif
