/* SPDX-License-Identifier: MIT */
/*
 * Objects: things that live in a thread.
 *
 * An object is touched only in its home thread; its slots, event handler, timers and fini run
 * there, one at a time, so they need no mutex. It can be *reached* from every thread: by a signal,
 * a post, an invoke or hy_object_destroy_later(). A child lives in its parent's thread and is
 * finished with it.
 *
 *     struct receiver {
 *         HY_INHERITS(hy_object);                      // &receiver->hy is the object
 *         struct { hy_signal(struct position) position; } events;
 *     };
 *     static const struct hy_class receiver_class =
 *         HY_CLASS(struct receiver, .fini = receiver_fini,
 *                  .signals = HY_SIGNALS(HY_PLAIN(struct receiver, events.position)));
 *
 *     struct receiver receiver;
 *     hy_object_init(&receiver.hy, &receiver_class, NULL);
 *     hy_object_move_to_thread(&receiver.hy, &thread);
 *     ...
 *     hy_object_destroy_later(&receiver.hy);           // from any thread
 */
#ifndef HALYARD_OBJECT_H
#define HALYARD_OBJECT_H

#include <halyard/error.h>

HY_BEGIN_DECLS

struct hy_anchor; /* what other threads hold of an object; opaque */
struct hy_event;
struct hy_hub; /* the connections of one signal; opaque */
struct hy_object;
struct hy_signal_spec;
struct hy_thread;

/* How a payload may travel to another thread. */
enum hy_payload_kind {
    HY_PAYLOAD_NONE,      /* nothing travels */
    HY_PAYLOAD_PLAIN,     /* its bytes may be copied */
    HY_PAYLOAD_DESCRIBED, /* copied by copy(), destroyed by destroy() */
    HY_PAYLOAD_BORROWED   /* valid during the call only: it cannot be queued */
};

/* The description of a payload type. Static; compared by address. */
struct hy_payload {
    enum hy_payload_kind kind;
    const char *name; /* for messages: "struct position" */
    size_t size;      /* bytes */
    /* HY_PAYLOAD_DESCRIBED: makes *to a copy of *from; 0 or a negative code. Runs in the emitting
     * thread, under no lock. */
    int (*copy)(void *to, const void *from);
    /* HY_PAYLOAD_DESCRIBED: ends a copy; runs in whatever thread drops or has delivered it, under
     * no lock. */
    void (*destroy)(void *payload);
};

/* clang-format off */
/* Describes a type whose bytes may be copied: static const struct hy_payload p = HY_PLAIN_PAYLOAD(struct point); */
#define HY_PLAIN_PAYLOAD(type_) { HY_PAYLOAD_PLAIN, #type_, sizeof(type_), NULL, NULL }
/* Describes a type that is copied and destroyed by these functions. */
#define HY_DESCRIBED_PAYLOAD(type_, copy_, destroy_) \
    { HY_PAYLOAD_DESCRIBED, #type_, sizeof(type_), copy_, destroy_ }
/* clang-format on */

/* One signal of a class: where it lies in the struct and what it carries. Written with HY_PLAIN()
 * and its kin. */
struct hy_signal_spec {
    const char *name; /* "events.position" */
    size_t offset;    /* of the struct hy_signal_base, in bytes from the object */
    struct hy_payload payload;
};

/* The static description of a type of objects. Written with HY_CLASS(). */
struct hy_class {
    uint32_t version;            /* of this structure; HY_CLASS_VERSION */
    const char *name;            /* "struct receiver" */
    size_t size;                 /* bytes of the whole struct */
    const struct hy_class *base; /* NULL: hy_object itself */
    /*
     * Ends what this class added. Called once, in the home thread, when the object is finished;
     * posts and slots have already stopped, children are still there. The most derived class comes
     * first.
     */
    void (*fini)(struct hy_object *object);
    /* Gets the events posted or sent to the object; NULL: that of base. Thread: home. */
    void (*event)(struct hy_object *object, struct hy_event *event);
    /* The object is about to leave its thread (called there), or has arrived (called in the new
     * one; also when a move fails); a parked one has left and not arrived. Of each class, the most
     * derived first. They cannot finish, move or re-parent an object of the tree that moves, nor
     * make a child there (-HY_EBUSY), and must not run a loop: the other hooks of the tree are
     * still to come. */
    void (*leave_thread)(struct hy_object *object);
    void (*enter_thread)(struct hy_object *object);
    /* A child was added (it is there already) or taken away (it is no longer there), by making,
     * ending or re-parenting it; not while the object itself is being finished. What a class adds
     * to a new child is not initialised yet, and of an ended one no longer valid. Of each class,
     * the most derived first. Thread: home. */
    void (*child_changed)(struct hy_object *object, struct hy_object *child, bool added);
    /*
     * Something was connected to this signal of the object, or a connection of it was cut, also by
     * the receiver's end; not by the object's own. Called in the home thread, under no lock: at
     * once when the change was made there, else by a message.
     */
    void (*connection_changed)(struct hy_object *object, const struct hy_signal_spec *signal,
                               bool connected);
    const struct hy_signal_spec *signals;
    size_t signal_count;
};

#define HY_CLASS_VERSION 2u

/*
 * HY_CLASS(type, .member = value, ...) initialises a struct hy_class of static storage, at file
 * scope; HY_CLASS(type) is one that adds nothing. In C++ what is given to a member stands in
 * parentheses when it has a comma outside of them.
 */
/* clang-format off */
#ifndef __cplusplus
#define HY_CLASS(...) HY_CLASS_(__VA_ARGS__, .version = HY_CLASS_VERSION)
#define HY_CLASS_(type_, ...) { .name = #type_, .size = sizeof(type_), __VA_ARGS__ }
/* The signals of a class and their count: initialises two members. */
#define HY_SIGNALS(...) \
    (const struct hy_signal_spec[]){ __VA_ARGS__ }, \
    .signal_count = sizeof((const struct hy_signal_spec[]){ __VA_ARGS__ }) / sizeof(struct hy_signal_spec)
#define HY_PAYLOAD_SIZE_(type_, member_) sizeof(__typeof__(*((type_ *)0)->member_.payload_))
#define HY_SPEC_TYPE_ /* an initialiser will do */
#endif
#define HY_SPEC_(type_, member_, kind_, copy_, destroy_) \
    HY_SPEC_TYPE_ { #member_, offsetof(type_, member_), \
      { kind_, #type_ "." #member_, HY_PAYLOAD_SIZE_(type_, member_), copy_, destroy_ } }
/* A signal whose payload may be copied byte by byte: it holds no pointer to anything that may end. */
#define HY_PLAIN(type_, member_) HY_SPEC_(type_, member_, HY_PAYLOAD_PLAIN, NULL, NULL)
/* A signal whose payload is valid during the call only; it can be connected direct, not queued. */
#define HY_BORROWED(type_, member_) HY_SPEC_(type_, member_, HY_PAYLOAD_BORROWED, NULL, NULL)
/* A signal whose payload is copied and destroyed by these functions. */
#define HY_DESCRIBED(type_, member_, copy_, destroy_) \
    HY_SPEC_(type_, member_, HY_PAYLOAD_DESCRIBED, copy_, destroy_)
/* A signal that carries nothing: hy_signal0. */
#define HY_NO_PAYLOAD(type_, member_) HY_SPEC_(type_, member_, HY_PAYLOAD_NONE, NULL, NULL)
/* clang-format on */

/* The payload of a signal that carries nothing. */
struct hy_none {
    char unused;
};

/* Any signal without its type. 24 bytes. Initialised by hy_object_init() from the class. */
struct hy_signal_base {
    struct hy_hub *hub;
    struct hy_object *owner;
    const struct hy_signal_spec *spec; /* NULL: not named in the class, connecting fails */
};

/*
 * A signal that carries a T. payload_ is never read or written; it lets the macros recover T.
 */
#define hy_signal(T)                                                                               \
    union {                                                                                        \
        struct hy_signal_base sig;                                                                 \
        T *payload_;                                                                               \
    }
/* A signal that carries nothing. It has a name, so that functions can return a pointer to one. */
union hy_signal_none {
    struct hy_signal_base sig;
    struct hy_none *payload_;
};
#define hy_signal0 union hy_signal_none

/*
 * The first member of every object. All members are the library's; read none, write none. 64 bytes.
 * Guard: the home thread.
 */
struct hy_object {
    const struct hy_class *type;
    struct hy_anchor *anchor; /* NULL before init and after fini */
    struct hy_object *parent;
    struct hy_object *first_child, *last_child; /* in the order they were made */
    /* Among the parent's children, or the thread's parentless objects. */
    struct hy_object *previous, *next;
    char *name; /* a copy, or NULL */
    uint32_t flags;
    uint32_t reserved;
};

/*
 * Puts the parent class at the head of a struct: `hy` is the object, `base` the typed parent, at
 * the same address, at every depth of inheritance.
 */
#define HY_INHERITS(parent_tag)                                                                    \
    union {                                                                                        \
        struct hy_object hy;                                                                       \
        struct parent_tag base;                                                                    \
    }

/*
 * Makes the caller's memory an object of the class; its memory may hold anything before, and its
 * signals are ready afterwards; what else the class added is left as it is. It lives in the calling
 * thread, which must be the parent's; under a parked parent it is parked too. parent may be NULL.
 * Errors: -HY_ENOMEM, -HY_EINVAL (the class is not of this version, or contradicts itself),
 * -HY_EWRONGTHREAD (parent lives elsewhere), -HY_ESHUTDOWN (parent is dead or being finished),
 * -HY_EBUSY (from a hook of a move of the parent). Thread: that of the parent; any without one.
 */
HY_API int hy_object_init(struct hy_object *object, const struct hy_class *type,
                          struct hy_object *parent) HY_MUST_USE;

/*
 * hy_create(type, parent, ret_object) is the typed front: allocates an object of the class, zeroes
 * what the class added, and initialises it. It is released by hy_object_destroy(), by its parent,
 * or by its thread's end. Errors as hy_object_init(). Thread: that of the parent; any without one.
 *
 *     struct ship *ship;
 *     int rc = hy_create(&ship_class, &fleet->hy, &ship);
 */
HY_API int hy_object_create(const struct hy_class *type, struct hy_object *parent,
                            struct hy_object **ret_object) HY_MUST_USE;

/*
 * Ends the object: at once no slot or handler of it runs any more, posts to it fail, what was
 * queued for it is dropped; then the fini of its classes, its connections, its children. The memory
 * stays the caller's (see hy_object_destroy() for the heap). On NULL and on an object that is
 * already finished it does nothing. It may be called from the object's own handler; a heap object
 * is better served by hy_object_destroy_later(). Errors, with nothing changed: -HY_EWRONGTHREAD,
 * -HY_EBUSY (from a hook of a move of its tree). Thread: home; any when the home thread does not
 * run.
 */
HY_API int hy_object_fini(struct hy_object *object);

/*
 * hy_object_fini() and, for an object of hy_object_create(), the release of its memory. NULL is
 * allowed. Thread: as hy_object_fini().
 */
HY_API int hy_object_destroy(struct hy_object *object);

/*
 * Ends the object, as hy_object_destroy() does, as soon as the handler that asks has returned to
 * its loop and no handler of the object is on the stack; asked from another thread, only the
 * latter. So what a handler in a nested loop asks for does not wait for the enclosing loop, also
 * when that handler ends the nested one. Asked outside every loop, it is served when a loop is
 * entered or the thread, or in the main thread the application, ends. Asking twice is asking once.
 * Errors: -HY_ESHUTDOWN, -HY_ENOMEM (from another thread only). Thread: any.
 */
HY_API int hy_object_destroy_later(struct hy_object *object);

/*
 * Moves the object, its children and everything posted to them to another thread, started or not.
 * NULL parks them in no thread: what is posted waits, and whoever comes, one at a time, may move
 * them on (say, to hy_thread_current()), end them, name them or make children under them. Timers
 * keep their deadlines, also parked; notifiers watch again when they arrive somewhere. What
 * one thread sends to one receiver stays in order across the move. It takes time in proportion to
 * the tree, and to all that waits in the thread it leaves. Errors, with nothing changed:
 * -HY_EBUSY (it has a parent, is being moved already, or a child of it is being finished),
 * -HY_EWRONGTHREAD (only its home thread may push it away), -HY_ESHUTDOWN (it is dead, or the
 * target has finished or its handle ended), -HY_EINVAL (the handle of the very thread it would
 * live in), -HY_ENOMEM.
 * Thread: home; any when the home thread is not running.
 */
HY_API int hy_object_move_to_thread(struct hy_object *object, struct hy_thread *thread);

/*
 * The thread the object lives in. NULL when it is parked, or when the thread's handle has been
 * ended. The answer is of the moment unless asked in the home thread. Thread: any.
 */
HY_API struct hy_thread *hy_object_thread(const struct hy_object *object);

/* Whether the object lives in the calling thread. Thread: any. */
HY_API bool hy_object_is_here(const struct hy_object *object);

/*
 * 0 when the object lives in the calling thread, else -HY_EWRONGTHREAD with a message that names
 * the object, its thread, the caller's and the operation ("start": a verb). -HY_ESHUTDOWN for a
 * dead object, -HY_EINVAL for NULL. For the classes of other libraries. Thread: any.
 */
HY_API int hy_object_check_thread(const struct hy_object *object, const char *operation);

/* The parent, or NULL. Thread: home. */
HY_API struct hy_object *hy_object_parent(const struct hy_object *object);

/*
 * Gives the object another parent, or none (NULL); the parent it has is left as it is. Errors, with
 * nothing changed: -HY_EWRONGTHREAD (they live in different threads, or are parked), -HY_EINVAL (a
 * loop in the tree), -HY_ESHUTDOWN (one is dead or being finished), -HY_EBUSY (from a hook of a
 * move). Thread: home of both.
 */
HY_API int hy_object_set_parent(struct hy_object *object, struct hy_object *parent);

/* The first child, and the next one after a child; NULL at the end. Thread: home. */
HY_API struct hy_object *hy_object_first_child(const struct hy_object *object);
HY_API struct hy_object *hy_object_next_sibling(const struct hy_object *object);

/*
 * Looks for a descendant of root by name and by class (or one derived from it); NULL stands for
 * any. after: NULL for the first one, or the one found before, which must still be there; parents
 * come before their children, older ones before younger. NULL when there is none (any more).
 *
 *     for (struct hy_object *timer = NULL;
 *          (timer = hy_object_find(&self->hy, timer, NULL, &hy_timer_class)) != NULL;)
 *
 * Thread: home.
 */
HY_API struct hy_object *hy_object_find(const struct hy_object *root, const struct hy_object *after,
                                        const char *name, const struct hy_class *type);

/*
 * Names the object, for messages and for hy_object_find(); NULL takes the name away. The text is
 * copied, cut at 63 bytes, and may change at any time. Errors: -HY_ENOMEM, -HY_EWRONGTHREAD,
 * -HY_ESHUTDOWN. Thread: home; any while it is parked.
 */
HY_API int hy_object_set_name(struct hy_object *object, const char *format, ...) HY_PRINTF(2, 3);
/* The name, or NULL; valid until the next hy_object_set_name(). Thread: home. */
HY_API const char *hy_object_name(const struct hy_object *object);

/* Whether the object is of the class or of one derived from it. Thread: any. */
HY_API bool hy_object_is_a(const struct hy_object *object, const struct hy_class *type);

/*
 * The signal of the object's class, or of a base, by its name: "events.position", or without the
 * "events." that most have. NULL when there is none. ->spec tells its payload. For other languages:
 * hy_signal_connect_with() and hy_signal_emit() take it from here. Thread: any, while the object
 * exists.
 */
HY_API struct hy_signal_base *hy_object_signal(struct hy_object *object, const char *name);

/*
 * A signal that every object has: it is being finished. Emitted when weak references to it already
 * read NULL and the fini of its classes have run, but its connections and children are still there;
 * also while its signals are blocked. Its receivers must not touch the object. Thread: any, while
 * the object exists.
 *
 *     hy_connect(hy_object_destroyed(&ship->hy), fleet, fleet_ship_gone, HY_AUTO);
 */
HY_API hy_signal0 *hy_object_destroyed(struct hy_object *object);

/*
 * Cuts all connections of sender's signals to receiver; with receiver NULL those to anybody, with
 * sender NULL those of anybody: a NULL by mistake cuts more than was meant. Returns how many.
 * Errors: -HY_EINVAL (both NULL), -HY_ESHUTDOWN (one is dead). Thread: any, while both exist.
 */
HY_API int hy_object_disconnect(struct hy_object *sender, struct hy_object *receiver);

/*
 * While an object's signals are blocked, its emissions do nothing and are not made up for later;
 * `destroyed` alone is emitted all the same. Returns whether they were blocked before, to be put
 * back. One of them alone: hy_signal_block(). Errors: -HY_ENOMEM, -HY_ESHUTDOWN. Thread: any, while
 * the object exists.
 */
HY_API int hy_object_block_signals(struct hy_object *object, bool blocked);

/* --- weak references ------------------------------------------------------------------------- */

/* A counted weak reference to an object. Any thread may hold it, also beyond the object's end. */
struct hy_ref {
    struct hy_anchor *anchor;
};

/* Takes a reference; for NULL or a dead object a cleared one. Thread: any, while the object
 * exists. */
HY_API struct hy_ref hy_ref_to(const struct hy_object *object);
/* Another reference to the same object. Thread: any. */
HY_API struct hy_ref hy_ref_copy(struct hy_ref ref);
/* Gives the reference up and clears it; a cleared one is allowed. Thread: any. */
HY_API void hy_ref_release(struct hy_ref *ref);
/*
 * The object, or NULL when it is dead, is being finished, or lives in another thread than the
 * caller's (then the last error is -HY_EWRONGTHREAD): outside its home thread nobody could use the
 * answer safely. Thread: any.
 */
HY_API struct hy_object *hy_ref_get(struct hy_ref ref);
/* Whether both refer to the same object, dead or alive; two cleared ones do not. Thread: any. */
HY_API bool hy_ref_equal(struct hy_ref a, struct hy_ref b);
/* hy_object_destroy_later() through a weak reference, at any time. Errors as there. Thread: any. */
HY_API int hy_ref_destroy_later(struct hy_ref ref);

HY_END_DECLS

#ifndef __cplusplus

/* clang-format off */
#define hy_create(type, parent, ret_object) \
    __extension__({ \
        __typeof__((*(ret_object))->hy) *hy_created_ = NULL; /* it has to be an object */ \
        int hy_rc_ = hy_object_create((type), (parent), &hy_created_); \
        if (hy_rc_ >= 0) \
            *(ret_object) = (__typeof__(*(ret_object)))(void *)hy_created_; \
        hy_rc_; \
    })
/* clang-format on */

#else

namespace hy_cxx
{
template <class R>
auto create(const hy_class *type, hy_object *parent, R **ret_object)
    -> decltype(&(*ret_object)->hy, int())
{
    hy_object *created = nullptr;
    int rc = hy_object_create(type, parent, &created);
    if (rc >= 0)
        *ret_object = reinterpret_cast<R *>(created);
    return rc;
}
} // namespace hy_cxx
#define hy_create(type, parent, ret_object) ::hy_cxx::create((type), (parent), (ret_object))

/*
 * HY_CLASS() in C++, where neither designated initialisers (before C++20) nor compound literals are
 * standard: a constant expression that makes each `.member = value` an assignment.
 */
namespace hy_cxx
{
template <size_t N> struct spec_list {
    hy_signal_spec items[N];
};
template <class... S> constexpr spec_list<sizeof...(S)> list_specs(S... specs)
{
    return {{specs...}};
}
/* The specifications of a class, of static storage. */
template <class Tag> inline constexpr auto specs_of = Tag::list();

/* What `.signals` is assigned: the table of HY_SIGNALS() with its count, or a pointer. */
struct spec_table {
    const hy_signal_spec *items;
    size_t count;

    constexpr spec_table(const hy_signal_spec *first = nullptr) : items(first), count(0)
    {
    }
    template <size_t N>
    constexpr spec_table(const spec_list<N> *list) : items(list->items), count(N)
    {
    }
};

/* The members of hy_class that HY_CLASS() takes. */
struct class_members {
    uint32_t version = 0;
    const hy_class *base = nullptr;
    decltype(hy_class::fini) fini = nullptr;
    decltype(hy_class::event) event = nullptr;
    decltype(hy_class::leave_thread) leave_thread = nullptr;
    decltype(hy_class::enter_thread) enter_thread = nullptr;
    decltype(hy_class::child_changed) child_changed = nullptr;
    decltype(hy_class::connection_changed) connection_changed = nullptr;
    spec_table signals{};
    size_t signal_count = 0;

    constexpr hy_class finish(const char *name, size_t size) const
    {
        return {version,       name,
                size,          base,
                fini,          event,
                leave_thread,  enter_thread,
                child_changed, connection_changed,
                signals.items, signals.count != 0 ? signals.count : signal_count};
    }
};
} // namespace hy_cxx

/* clang-format off */
#define HY_CLASS(...) HY_CLASS_(__VA_ARGS__, .version = HY_CLASS_VERSION)
#define HY_CLASS_(type_, ...) \
    ([]() constexpr { \
        ::hy_cxx::class_members hy_members_{}; \
        HY_ASSIGN_ALL_(__VA_ARGS__) \
        return hy_members_.finish(#type_, sizeof(type_)); \
    }())
/* A class that lives in a C++ type with a base, say, has no standard layout; offsetof() is right all the same. */
#define HY_SIGNALS(...) \
    ([]() constexpr { \
        _Pragma("GCC diagnostic push") \
        _Pragma("GCC diagnostic ignored \"-Winvalid-offsetof\"") \
        struct hy_tag_ { \
            static constexpr auto list() { return ::hy_cxx::list_specs(__VA_ARGS__); } \
        }; \
        _Pragma("GCC diagnostic pop") \
        return &::hy_cxx::specs_of<hy_tag_>; \
    }())
#define HY_PAYLOAD_SIZE_(type_, member_) sizeof(*static_cast<type_ *>(nullptr)->member_.payload_)
#define HY_SPEC_TYPE_ ::hy_signal_spec
/* hy_members_ in front of each argument; there are ten members. */
#define HY_COUNT_(a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, count, ...) count
#define HY_PASTE_(a, b) a##b
#define HY_ASSIGN_N_(count) HY_PASTE_(HY_ASSIGN_, count)
#define HY_ASSIGN_ALL_(...) HY_ASSIGN_N_(HY_COUNT_(__VA_ARGS__, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0))(__VA_ARGS__)
#define HY_ASSIGN_1(a) hy_members_ a;
#define HY_ASSIGN_2(a, ...) hy_members_ a; HY_ASSIGN_1(__VA_ARGS__)
#define HY_ASSIGN_3(a, ...) hy_members_ a; HY_ASSIGN_2(__VA_ARGS__)
#define HY_ASSIGN_4(a, ...) hy_members_ a; HY_ASSIGN_3(__VA_ARGS__)
#define HY_ASSIGN_5(a, ...) hy_members_ a; HY_ASSIGN_4(__VA_ARGS__)
#define HY_ASSIGN_6(a, ...) hy_members_ a; HY_ASSIGN_5(__VA_ARGS__)
#define HY_ASSIGN_7(a, ...) hy_members_ a; HY_ASSIGN_6(__VA_ARGS__)
#define HY_ASSIGN_8(a, ...) hy_members_ a; HY_ASSIGN_7(__VA_ARGS__)
#define HY_ASSIGN_9(a, ...) hy_members_ a; HY_ASSIGN_8(__VA_ARGS__)
#define HY_ASSIGN_10(a, ...) hy_members_ a; HY_ASSIGN_9(__VA_ARGS__)
/* clang-format on */

#endif

#endif
