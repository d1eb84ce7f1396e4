/* SPDX-License-Identifier: MIT */
/* The table of watched descriptors. See watches.h. */
#include "dispatch/watches.h"
#include "platform/platform.h"

#include <halyard/error.h>
#include <halyard/memory.h>
#include <string.h>

struct hy__watch *hy__watches_entry(struct hy__watches *watches, intptr_t descriptor)
{
    if (descriptor >= watches->size) {
        intptr_t size = watches->size > 0 ? watches->size : HY__HARD ? 1 : 64;
        while (size <= descriptor)
            size *= 2;
        struct hy__watch *entries = hy_memory_allocate_zeroed((size_t)size * sizeof *entries);
        if (entries == NULL)
            return NULL;
        if (watches->size > 0)
            memcpy(entries, watches->entries, (size_t)watches->size * sizeof *entries);
        hy_memory_release(watches->entries);
        watches->entries = entries;
        watches->size = size;
    }
    return &watches->entries[descriptor];
}

void hy__watches_free(struct hy__watches *watches)
{
    hy_memory_release(watches->entries);
    *watches = (struct hy__watches){0};
}

int hy__watches_taken(intptr_t descriptor)
{
    return hy_error_set(-HY_EEXIST, "another notifier of this thread watches descriptor %ld",
                        (long)descriptor);
}

int hy__watches_not_watchable(intptr_t descriptor)
{
    return hy_error_set(-HY_EBADF,
                        "descriptor %ld is of a kind that is always ready, such as a plain file; "
                        "it cannot be watched",
                        (long)descriptor);
}
