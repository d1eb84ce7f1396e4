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
 *     hy_connect(&receiver->events.position, tracker, tracker_position, HY_AUTO);
 *     hy_emit_with(&receiver->events.position, .mmsi = 211, .latitude_deg = 54.3);
 */
#ifndef HALYARD_SIGNAL_H
#define HALYARD_SIGNAL_H

#include <halyard/object.h>

HY_BEGIN_DECLS

struct hy_hub; /* the connections of one signal; opaque, made by the first connect */

/* Any signal without its type. 24 bytes. Initialised by hy_object_init() from the class. */
struct hy_signal_base {
    struct hy_hub *hub;
    struct hy_object *owner;
    const struct hy_signal_spec *spec; /* NULL: not named in the class, connecting fails */
};

/* The payload of a signal that carries nothing. */
struct hy_none {
    char unused;
};

/*
 * A signal that carries a T. payload_ is never read or written; it lets the macros recover T.
 */
#define hy_signal(T)                                                                               \
    union {                                                                                        \
        struct hy_signal_base sig;                                                                 \
        T *payload_;                                                                               \
    }
/* A signal that carries nothing. */
#define hy_signal0 hy_signal(struct hy_none)

enum hy_connection_flag {
    HY_AUTO = 0, /* direct when the receiver lives in the emitting thread, else queued; judged at
                    each emission */
    HY_DIRECT = 1 << 0, /* always in the emitting thread: with a receiver of another thread, the
                           slot must not touch it */
    HY_QUEUED = 1 << 1, /* always through the receiver's loop */
    HY_SINGLE_SHOT = 1 << 2, /* cut before the slot runs for the first time; runs at most once,
                                however many threads emit */
    HY_NO_PAYLOAD_ = 1 << 8  /* for the macros: the slot takes the receiver only */
};

/* Slots as the functions below see them. */
typedef void (*hy_slot)(void *receiver, const void *payload);

/*
 * hy_connect(signal, receiver, slot, flags): the typed front of this function; flags are of enum
 * hy_connection_flag. The same slot may be connected several times, and then runs as often. Errors:
 * -HY_EINVAL (the class of the owner does not name the signal; no receiver or slot; direct and
 * queued at once), -HY_EBORROWED (queued or auto with a borrowed
 * payload), -HY_ESHUTDOWN (owner or receiver is dead), -HY_ENOMEM. Thread: any, while owner and
 * receiver exist.
 */
HY_API int hy_signal_connect(struct hy_signal_base *signal, struct hy_object *receiver,
                             hy_slot slot, unsigned flags);

/*
 * hy_disconnect(signal, receiver, slot): cuts all connections of the signal to this slot of this
 * receiver and returns how many there were. When it returns in the receiver's thread, the slot does
 * not run again, not even for what was queued. Thread: any, while owner and receiver exist.
 */
HY_API int hy_signal_disconnect(struct hy_signal_base *signal, struct hy_object *receiver,
                                hy_slot slot);

/*
 * Calls or queues each slot; payload may be NULL for a signal that carries nothing. hy_emit() and
 * its kin come here only when the signal has had connections; other languages may always call it.
 * Returns the number of slots called or queued, or a negative code when one could not be queued
 * (-HY_ENOMEM, what a copy() returned); the others are served all the same. A receiver that has
 * died is no error. Thread: any, while the owner exists.
 */
HY_API int hy_signal_emit(struct hy_signal_base *signal, const void *payload);

/* Whether anything is connected. Thread: any, while the owner exists. */
HY_API bool hy_signal_is_connected(struct hy_signal_base *signal);

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
 * One constant expression that checks and classifies a slot: void (R, const T *) or void (R), with R the type of the
 * receiver expression. Anything else has no association and does not compile.
 */
#define HY_SLOT_FLAG_(s, r, f) \
    _Generic(&*(f), void (*)(__typeof__(r), const HY_PAYLOAD_TYPE_(s) *): 0u, \
                    void (*)(__typeof__(r)): (unsigned)HY_NO_PAYLOAD_)

#define hy_connect(signal, receiver, slot, flags) \
    hy_signal_connect(&(signal)->sig, &(receiver)->hy, (hy_slot)(void (*)(void))(slot), \
                      (unsigned)(flags) | HY_SLOT_FLAG_(signal, receiver, slot))

#define hy_disconnect(signal, receiver, slot) \
    ((void)HY_SLOT_FLAG_(signal, receiver, slot), \
     hy_signal_disconnect(&(signal)->sig, &(receiver)->hy, (hy_slot)(void (*)(void))(slot)))

/* hy_emit(&o->moved, &moved): the payload must be a T * or const T *. Returns as hy_signal_emit(). */
#define hy_emit(signal, ...) \
    hy_signal_emit_checked_(&(signal)->sig, \
        _Generic((__VA_ARGS__), HY_PAYLOAD_TYPE_(signal) *: (__VA_ARGS__), \
                                const HY_PAYLOAD_TYPE_(signal) *: (__VA_ARGS__)))

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
template <class T, class R>
int connect(hy_signal_base *signal, T *, R *receiver, void (*slot)(R *, const T *), unsigned flags)
{
    return hy_signal_connect(signal, object_of(receiver, 0), slot_cast(slot), flags);
}
template <class T, class R>
int connect(hy_signal_base *signal, T *, R *receiver, void (*slot)(R *), unsigned flags)
{
    return hy_signal_connect(signal, object_of(receiver, 0), slot_cast(slot),
                             flags | static_cast<unsigned>(HY_NO_PAYLOAD_));
}
template <class T, class R>
int disconnect(hy_signal_base *signal, T *, R *receiver, void (*slot)(R *, const T *))
{
    return hy_signal_disconnect(signal, object_of(receiver, 0), slot_cast(slot));
}
template <class T, class R>
int disconnect(hy_signal_base *signal, T *, R *receiver, void (*slot)(R *))
{
    return hy_signal_disconnect(signal, object_of(receiver, 0), slot_cast(slot));
}
template <class T> int emit(hy_signal_base *signal, T *, const typename same<T>::type *payload)
{
    return hy_signal_emit_checked_(signal, payload);
}
template <class T> int emit(hy_signal_base *signal, T *, const typename same<T>::type &payload)
{
    return hy_signal_emit_checked_(signal, &payload);
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
#define hy_disconnect(signal, receiver, slot) \
    ::hy_cxx::disconnect(&(signal)->sig, HY_PHANTOM_(signal), (receiver), (slot))
#define hy_emit(signal, ...) ::hy_cxx::emit(&(signal)->sig, HY_PHANTOM_(signal), __VA_ARGS__)
/* In C++ the members are given in order, without names. */
#define hy_emit_with(signal, ...) ::hy_cxx::emit_with(&(signal)->sig, HY_PHANTOM_(signal), __VA_ARGS__)
#define hy_emit0(signal) ::hy_cxx::emit0(&(signal)->sig, HY_PHANTOM_(signal))
/* clang-format on */

#endif

#endif
