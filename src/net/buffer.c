/* SPDX-License-Identifier: MIT */
/*
 * Counted immutable buffers. The bytes are written before anybody else can know of the buffer, so
 * only the count is atomic. A buffer made by copying holds its bytes behind its head, in one block.
 */
#include <halyard/buffer.h>
#include <halyard/error.h>
#include <halyard/memory.h>
#include <string.h>

struct hy_buffer {
    uint64_t references; /* atomic */
    const void *data;
    size_t size;
    hy_buffer_release_function release; /* NULL: nothing to tell */
    void *context;
    unsigned char bytes[];
};

static struct hy_buffer *buffer_allocate(size_t room)
{
    if (room > SIZE_MAX / 2) {
        hy_error_set(-HY_ENOMEM, "a buffer of %zu bytes cannot be had", room);
        return NULL;
    }
    struct hy_buffer *buffer = hy_memory_allocate(sizeof *buffer + room);
    if (buffer == NULL)
        return NULL;
    *buffer = (struct hy_buffer){.references = 1};
    return buffer;
}

int hy_buffer_create(const void *data, size_t size, struct hy_buffer **ret_buffer)
{
    if (ret_buffer == NULL || (data == NULL && size > 0))
        return hy_error_set(-HY_EINVAL,
                            "hy_buffer_create: give data of %zu bytes and a place for "
                            "the result",
                            size);
    struct hy_buffer *buffer = buffer_allocate(size);
    if (buffer == NULL)
        return -HY_ENOMEM;
    if (size > 0)
        memcpy(buffer->bytes, data, size);
    buffer->data = size > 0 ? buffer->bytes : NULL;
    buffer->size = size;
    *ret_buffer = buffer;
    return 0;
}

int hy_buffer_create_from(const void *data, size_t size, hy_buffer_release_function release,
                          void *context, struct hy_buffer **ret_buffer)
{
    if (ret_buffer == NULL || (data == NULL && size > 0))
        return hy_error_set(-HY_EINVAL,
                            "hy_buffer_create_from: give data of %zu bytes and a place "
                            "for the result",
                            size);
    struct hy_buffer *buffer = buffer_allocate(0);
    if (buffer == NULL)
        return -HY_ENOMEM;
    buffer->data = data;
    buffer->size = size;
    buffer->release = release;
    buffer->context = context;
    *ret_buffer = buffer;
    return 0;
}

struct hy_buffer *hy_buffer_ref(struct hy_buffer *buffer)
{
    /* Relaxed: the caller holds a reference, so the count cannot reach 0 meanwhile, and taking one
     * more publishes nothing; how the pointer gets to another thread is what orders the rest. */
    if (buffer != NULL)
        __atomic_fetch_add(&buffer->references, 1, __ATOMIC_RELAXED);
    return buffer;
}

struct hy_buffer *hy_buffer_unref(struct hy_buffer *buffer)
{
    if (buffer == NULL)
        return NULL;
    /* Release: what this thread read of the bytes is done before the count falls. Acquire: whoever
     * sees it fall to 0 frees the bytes after everybody's reads. */
    if (__atomic_fetch_sub(&buffer->references, 1, __ATOMIC_ACQ_REL) != 1)
        return NULL;
    if (buffer->release != NULL)
        buffer->release(buffer->context, buffer->data, buffer->size);
    hy_memory_release(buffer);
    return NULL;
}

const void *hy_buffer_data(const struct hy_buffer *buffer)
{
    return buffer != NULL ? buffer->data : NULL;
}

size_t hy_buffer_size(const struct hy_buffer *buffer)
{
    return buffer != NULL ? buffer->size : 0;
}
