/* SPDX-License-Identifier: MIT */
/* Connections, their extensions, hubs, and the walks over them: the structures. A part of
 * internal.h: include that. */
#ifndef HALYARD_CORE_CONNECTION_H
#define HALYARD_CORE_CONNECTION_H

/* --- connections ------------------------------------------------------------------------------ */
enum {
    /* What the user says that only connecting, or an extension, needs to know is not kept here. */
    HY__FLAGS_OF_USER =
        HY_DIRECT | HY_QUEUED | HY_BLOCKING | HY_SINGLE_SHOT | HY_IGNORES_PAYLOAD_ | HY_RETURNS_,
    HY__FLAG_BLOCKED = HY_UNIQUE,       /* emissions pass it by */
    HY__FLAG_SPENT = HY_LATEST,         /* a single-shot connection that has fired */
    HY__FLAG_QUEUED = HY_BOUNDED,       /* something has been queued through it */
    HY__FLAG_EXTENDED = HY_KEEP_QUEUED, /* `slot` is its struct hy__extension */
    HY__FLAG_CUT = HY_CONTEXT_,         /* it has been buried */
    HY__HOLDER = 1 << 11,               /* one of those that hold it: see handle.c */
    HY__HOLDERS = (HY__HARD ? 1 : 31) * HY__HOLDER,
    /* What an emission leaves to emit_rare.c. */
    HY__FLAGS_RARE =
        HY_BLOCKING | HY_SINGLE_SHOT | HY_RETURNS_ | HY__FLAG_BLOCKED | HY__FLAG_EXTENDED,
    HY__ID_SHIFT = 16
};

/* 64 bytes, one cache line, in type-stable memory: a queued message may look at a recycled one and
 * finds another id. */
struct hy__connection {
    struct hy__connection *next; /* hub lock to write; walkers read it, also after unlinking */
    union {
        struct hy__connection *previous; /* hub lock */
        struct hy__extension *extension; /* in a grave: whose memory it still keeps, or NULL */
    };
    hy_slot slot; /* atomic; NULL once cut; EXTENDED: its extension */
    struct hy_anchor
        *anchor;        /* the receiver; holds a reference. const while linked or in a grave */
    struct hy_hub *hub; /* const while linked */
    struct hy__connection *in_next; /* anchor lock: in anchor->incoming; in a grave: hub lock */
    union {
        struct hy__connection *in_previous; /* anchor lock */
        uint64_t burial;                    /* hub lock, in a grave: its number */
    } u;
    uint64_t id_flags; /* atomic: 48 bits of id, 16 of flags; free: the link of the pool */
};

struct hy_hub {
    struct hy__connection *head; /* hub lock to write; walkers read */
    uint64_t last_id; /* atomic: emissions do not reach connections made after they began */
    uint64_t burials; /* atomic; written under lock */
    uint32_t closed;  /* atomic: the owner is gone */
    uint32_t lock;
    uint32_t pins; /* atomic: walkers that found no hazard slot */
    uint32_t refs; /* atomic: 1 for the signal, 1 for whoever cuts from the receiver's side, and in
                      a closed hub 1 for each connection that is still linked */
    struct hy__connection *tail;   /* lock */
    struct hy__connection *graves; /* lock; atomic for the look without it */
    uint32_t grave_count, reap_at; /* lock */
    struct hy_hub *orphan_next;    /* owned by whoever holds the orphan */
    struct hy_anchor *owner;       /* const: whose signal it is; holds a reference */
    uint32_t blocked;              /* lock: by whom, see below; meanwhile last_id stays 0 */
};

enum { /* hy_hub.blocked */
    HY__BLOCKED_SIGNAL = 1 << 0,
    HY__BLOCKED_OBJECT = 1 << 1
};

/* What a connection needs beyond 64 bytes. See extension.c. */
struct hy__extension {
    uint32_t uses;  /* atomic: 1 while the connection is not cut, 1 for each call that runs, 1 for
                       each queued call that outlives the cut; destroy(context) follows the last */
    uint32_t refs;  /* atomic, of the memory: 1 for all uses, 1 for the connection until it is
                       recycled, 1 for each message and each function at work on it */
    hy_slot slot;   /* const */
    unsigned flags; /* const; of enum hy_connection_flag */
    uint32_t told;  /* atomic: what the owner of the signal has heard; see change.c */
    uint32_t fired; /* atomic: single-shot: a queued call of it has begun */
    void *context;  /* const */
    void (*destroy)(void *context);    /* const; NULL: none */
    struct hy__connection *connection; /* const once linked */
    uint64_t id;                       /* const once linked */
    struct hy_anchor *sender;          /* const: the owner of the signal; holds a reference */
    const struct hy_signal_spec *spec; /* const */
    bool watched;                      /* const once linked: the owner wants to hear of changes */
    struct hy__message *notice;        /* the message for the cut, if the owner wants one; whoever's
                                          tells the cut */
    struct hy__extension *ended;       /* the cutter's: the next one that it has cut */
    int64_t timeout_ns;                /* const */
    struct hy__ring *ring;             /* const; NULL: neither bounded nor latest */
};

#define HY__WALK_PARKED UINT64_MAX

/* One emission in progress. Written by its thread, read by reapers. */
struct hy__walk {
    const struct hy_hub *hub; /* atomic; NULL: free */
    uint64_t number;          /* atomic: hub->burials when the walk began, or HY__WALK_PARKED */
    const struct hy__connection *at; /* atomic: the connection whose slot runs */
};

/* One per living thread; never freed, reused. Linked in a list that only grows. */
struct hy__hazards {
    struct hy__walk walks[HY__HAZARDS];
    struct hy__hazards *next; /* const once linked */
    uint32_t used;            /* atomic */
};

#endif
