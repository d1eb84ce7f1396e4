/* SPDX-License-Identifier: MIT */
/*
 * The memory of connections. It stays a connection's for good: a queued message may look at one
 * that has been recycled, and finds another id. A free one shows an id that is nobody's.
 */
#include "core/internal.h"

static struct hy__store connections = {
    .cell_size = sizeof(struct hy__connection),
    .link_offset = offsetof(struct hy__connection, id_flags),
};

struct hy__connection *hy__connection_allocate(void)
{
    return hy__store_take(&connections);
}

void hy__connection_release(struct hy__connection *connection)
{
    hy__store_give(&connections, connection);
}
