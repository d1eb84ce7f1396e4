/* SPDX-License-Identifier: MIT */
/*
 * Buffers: bytes that never change, counted, shared by any number of threads without a copy.
 *
 * Whoever creates a buffer holds one reference. The last unref releases the bytes, in whatever
 * thread that happens.
 */
#ifndef HALYARD_BUFFER_H
#define HALYARD_BUFFER_H

#include <halyard/base.h>

HY_BEGIN_DECLS

struct hy_buffer;

/* Told that nobody needs the bytes any more; called once, in the thread of the last unref. */
typedef void (*hy_buffer_release_function)(void *context, const void *data, size_t size);

/*
 * Makes a buffer with a copy of the bytes (data may be NULL where size is 0). Owned by the caller.
 * Errors: -HY_EINVAL, -HY_ENOMEM. Thread: any.
 */
HY_API int hy_buffer_create(const void *data, size_t size,
                            struct hy_buffer **ret_buffer) HY_MUST_USE;

/*
 * Makes a buffer around the caller's bytes, which must neither change nor go before
 * release(context, data, size) is called; release NULL: they stay for good (static memory). On
 * failure release is not called. Errors: -HY_EINVAL, -HY_ENOMEM. Thread: any.
 */
HY_API int hy_buffer_create_from(const void *data, size_t size, hy_buffer_release_function release,
                                 void *context, struct hy_buffer **ret_buffer) HY_MUST_USE;

/* Takes a reference; returns the buffer. NULL is allowed. Thread: any that holds one already. */
HY_API struct hy_buffer *hy_buffer_ref(struct hy_buffer *buffer);
/* Gives a reference up; returns NULL, for `b = hy_buffer_unref(b)`. NULL is allowed. Thread: any.
 */
HY_API struct hy_buffer *hy_buffer_unref(struct hy_buffer *buffer);

/* The bytes; valid as long as a reference is held. NULL for an empty or NULL buffer. Thread: any.
 */
HY_API const void *hy_buffer_data(const struct hy_buffer *buffer);
/* How many bytes; 0 for NULL. Thread: any. */
HY_API size_t hy_buffer_size(const struct hy_buffer *buffer);

HY_END_DECLS

#endif
