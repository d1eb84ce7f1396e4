/* SPDX-License-Identifier: MIT */
/*
 * What a dispatcher watches: a table from descriptor to cookie. Descriptors are small numbers and
 * dense, so it is an array. Only the dispatcher's thread uses it.
 */
#ifndef HALYARD_DISPATCH_WATCHES_H
#define HALYARD_DISPATCH_WATCHES_H

#include <halyard/base.h>

struct hy__watch {
    void *cookie; /* NULL: not watched */
    unsigned conditions;
    uint32_t tag; /* the dispatcher's: a generation, a place in an array */
};

struct hy__watches {
    struct hy__watch *entries;
    intptr_t size;
};

/* The entry of a watched descriptor, else NULL; any number may be asked for. */
static inline struct hy__watch *hy__watches_find(const struct hy__watches *watches,
                                                 intptr_t descriptor)
{
    if (descriptor < 0 || descriptor >= watches->size ||
        watches->entries[descriptor].cookie == NULL)
        return NULL;
    return &watches->entries[descriptor];
}
/* The entry of an open descriptor, to be filled in; NULL: out of memory. */
struct hy__watch *hy__watches_entry(struct hy__watches *watches, intptr_t descriptor);
void hy__watches_free(struct hy__watches *watches);

/* Errors that every dispatcher words alike. */
int hy__watches_taken(intptr_t descriptor);
int hy__watches_not_watchable(intptr_t descriptor);

#endif
