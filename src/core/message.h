/* SPDX-License-Identifier: MIT */
/* Messages, and the cells they are made of. A part of internal.h: include that. */
#ifndef HALYARD_CORE_MESSAGE_H
#define HALYARD_CORE_MESSAGE_H

/* --- slab.c: cells for messages ------------------------------------------------------------- */
struct hy__slab;
struct hy__cell {
    struct hy__cell *next;
};
/* A chain of cells on its way back to another thread's slab. */
struct hy__returns {
    struct hy__slab *slab;
    struct hy__cell *first, *last;
    int64_t count;
};

/* --- messages -------------------------------------------------------------------------------- */
enum hy__message_kind {
    HY__MESSAGE_SLOT,
    HY__MESSAGE_EVENT,
    HY__MESSAGE_INVOKE,
    HY__MESSAGE_ADOPT,    /* an object tree arrives, with what was posted to it */
    HY__MESSAGE_DESTROY,  /* hy_object_destroy_later() from another thread */
    HY__MESSAGE_CUT,      /* behind the last call that a dead sender queued: cut its connection */
    HY__MESSAGE_EXTENDED, /* SLOT, of a connection with an extension */
    HY__MESSAGE_CHANGED,  /* tells the owner of a signal that a connection was made or cut */
    HY__MESSAGE_TOKEN,    /* EXTENDED, of a bounded one: calls with the oldest payload there is */
    HY__MESSAGE_CALL,     /* somebody waits; the payload is a struct hy__wait * */
    HY__MESSAGE_MERGED    /* an event that went into an older one: see compress.c */
};

enum { /* hy__message.flags */
    HY__MESSAGE_PROPAGATES = HY_EVENT_PROPAGATES,
    HY__MESSAGE_USER_INPUT = HY_EVENT_USER_INPUT,
    HY__MESSAGE_COMPRESSIBLE = 1 << 2, /* links to others of its kind stand behind the payload */
    HY__MESSAGE_BUSY = 1 << 3,         /* a compression hook is looking at it */
    HY__MESSAGE_TAKEN = 1 << 4,        /* it left its queue meanwhile */
    HY__MESSAGE_COUNTED = 1 << 5       /* it is counted in the mailbox: see observe.c */
};
/* What needs a closer look as it comes into a queue or leaves it. */
#define HY__MESSAGE_ENTERS_SPECIALLY (HY__MESSAGE_COMPRESSIBLE | HY__MESSAGE_COUNTED)
#define HY__MESSAGE_SPECIAL          (HY__MESSAGE_USER_INPUT | HY__MESSAGE_COMPRESSIBLE)

/* Owned by one thread at a time: the poster, the mailbox, the consumer. */
struct hy__message {
    struct hy__message *next;
    struct hy_anchor *anchor; /* the receiver; kept alive by anchor->posted. MERGED: or NULL */
    union {
        struct hy__connection *connection; /* SLOT, CUT; type-stable memory */
        hy_invoke_function function;       /* INVOKE */
        struct hy__message *cargo;         /* ADOPT */
        uint64_t event_type;               /* EVENT */
        struct hy__extension *extension;   /* EXTENDED, TOKEN, CHANGED; holds a reference */
    } to;
    uint64_t connection_id; /* SLOT, CUT, EXTENDED, TOKEN; CHANGED: whether it was made */
    const struct hy_payload
        *description;      /* NULL: plain bytes or none; never in EXTENDED, CHANGED */
    struct hy__slab *slab; /* whose cell this is; NULL: from the heap */
    uint32_t pass;         /* the pass that delivers it */
    uint32_t size;         /* bytes of payload */
    uint8_t kind;
    uint8_t priority;
    bool has_payload;
    uint8_t slab_class;
    uint8_t flags; /* of events: HY__MESSAGE_PROPAGATES and so on */
    uint8_t lane;  /* where a foreign cell is collected: see hy__message_release() */
    uint8_t reserved[2];
};
/* The payload stands behind the header, aligned for everything. */
#define HY__MESSAGE_HEADER ((sizeof(struct hy__message) + 15) & ~(size_t)15)
static inline void *hy__message_payload(struct hy__message *message)
{
    return (char *)message + HY__MESSAGE_HEADER;
}

struct hy__queue {
    struct hy__message *first, **end;
};

#endif
