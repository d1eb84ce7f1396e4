/* SPDX-License-Identifier: MIT */
/*
 * Registered types of events: a table of descriptions that only grows.
 *
 * A number is a place in the table, in chunks that are never moved or freed, so that a post finds
 * its description without a lock. Those who register are kept apart by a lock, and find what is
 * registered already by a hash of the address.
 */
#include "core/internal.h"

enum {
    CHUNK = 256,
    CHUNKS = 256,
    BUCKETS = 1024
};

struct entry {
    const struct hy_event_type *type; /* atomic; NULL: not registered yet */
    uint32_t next;                    /* lock: of the same bucket; its place + 1, 0: none */
};

static struct entry *chunks[CHUNKS]; /* atomic; written under the lock */
static uint32_t buckets[BUCKETS];    /* lock */
static uint32_t count;               /* lock */
static uint32_t lock;

/* A second quit that waits for the application adds nothing to the first. */
static bool quits_are_one(void *older, const void *newer)
{
    (void)older;
    (void)newer;
    return true;
}

static const struct hy_event_type quit_type = {.name = "quit", .compress = quits_are_one};

const struct hy_event_type *hy__event_type(uint32_t number)
{
    if (number == HY_EVENT_QUIT)
        return &quit_type;
    uint32_t place = number - HY_EVENT_REGISTERED;
    if (number < HY_EVENT_REGISTERED || place >= CHUNK * CHUNKS)
        return NULL;
    /* Acquire: the chunk is seen zeroed, and the description as whoever registered it saw it. */
    const struct entry *chunk = __atomic_load_n(&chunks[place / CHUNK], __ATOMIC_ACQUIRE);
    return chunk != NULL ? __atomic_load_n(&chunk[place % CHUNK].type, __ATOMIC_ACQUIRE) : NULL;
}

static int check_type(const struct hy_event_type *type)
{
    const unsigned known = HY_EVENT_PROPAGATES | HY_EVENT_USER_INPUT;
    if (type == NULL || type->name == NULL)
        return hy_error_set(-HY_EINVAL, "a type of events needs a description with a name");
    if ((type->flags & ~known) != 0)
        return hy_error_set(-HY_EINVAL,
                            "event type \"%s\": there is no flag %#x; see enum "
                            "hy_event_type_flag",
                            type->name, type->flags & ~known);
    const struct hy_payload *payload = type->payload;
    if (payload == NULL)
        return 0;
    if (payload->kind == HY_PAYLOAD_BORROWED)
        return hy_error_set(-HY_EINVAL,
                            "event type \"%s\": its payload is borrowed and could not be posted; "
                            "describe how it is copied",
                            type->name);
    if (payload->kind == HY_PAYLOAD_DESCRIBED && payload->copy == NULL)
        return hy_error_set(-HY_EINVAL, "event type \"%s\": its payload has no copy()", type->name);
    return 0;
}

/* Lock held: the place, or CHUNK * CHUNKS when it is not there. */
static uint32_t find(const struct hy_event_type *type, uint32_t bucket)
{
    for (uint32_t next = buckets[bucket]; next != 0;) {
        const struct entry *entry = &chunks[(next - 1) / CHUNK][(next - 1) % CHUNK];
        if (entry->type == type)
            return next - 1;
        next = entry->next;
    }
    return CHUNK * CHUNKS;
}

/* Lock held: gives it the next place. A spare chunk that was needed is taken. False: a chunk is
 * needed and there is none. */
static bool add(const struct hy_event_type *type, uint32_t bucket, struct entry **spare)
{
    struct entry **chunk = &chunks[count / CHUNK];
    if (*chunk == NULL) {
        if (*spare == NULL)
            return false;
        /* Release: a post that finds the chunk sees it zeroed. */
        __atomic_store_n(chunk, *spare, __ATOMIC_RELEASE);
        *spare = NULL;
    }
    struct entry *entry = &(*chunk)[count % CHUNK];
    entry->next = buckets[bucket];
    buckets[bucket] = ++count;
    /* Release: a post that was given the number by another thread in some relaxed way still sees
     * the description whole. */
    __atomic_store_n(&entry->type, type, __ATOMIC_RELEASE);
    return true;
}

int hy_event_type_register(const struct hy_event_type *type, uint32_t *ret_number)
{
    int rc = check_type(type);
    if (rc < 0)
        return rc;
    uint32_t bucket = (uint32_t)(((uintptr_t)type / sizeof(void *)) % BUCKETS);
    struct entry *spare = NULL;
    for (;;) {
        hy__lock(&lock);
        uint32_t place = find(type, bucket);
        bool full = place == CHUNK * CHUNKS && count == CHUNK * CHUNKS;
        bool done = place != CHUNK * CHUNKS;
        if (!done && !full && add(type, bucket, &spare)) {
            place = count - 1;
            done = true;
        }
        hy__unlock(&lock);
        if (done || full) {
            hy_memory_release(spare);
            if (full)
                return hy_error_set(-HY_ENOMEM,
                                    "there are %d types of events already; \"%s\" is "
                                    "one too many",
                                    CHUNK * CHUNKS, type->name);
            *ret_number = HY_EVENT_REGISTERED + place;
            return 0;
        }
        /* The allocator is not called under the lock. */
        spare = hy_memory_allocate_zeroed(CHUNK * sizeof *spare);
        if (spare == NULL)
            return -HY_ENOMEM;
    }
}
