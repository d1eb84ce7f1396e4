/* SPDX-License-Identifier: MIT */
/*
 * Emission is an indirect call per slot; objects, connections and events lie in arrays.
 */
#include "bench_raw.h"

#include <stdlib.h>

struct slot {
    void (*function)(void *context, int value);
    void *context;
};

struct source {
    size_t slot_count;
    struct slot *slots;
};

static void on_changed(void *context, int value)
{
    long *sum = context;

    *sum += value;
}

static void *make_emission(size_t slots)
{
    struct source *source = allocate(1, sizeof *source);
    long *sums = allocate(slots + 1, sizeof *sums);

    source->slot_count = slots;
    source->slots = allocate(slots + 1, sizeof *source->slots);
    for (size_t i = 0; i < slots; i++)
        source->slots[i] = (struct slot){on_changed, &sums[i]};
    return source;
}

/* Kept out of line, as a library's would be. */
__attribute__((noinline)) static void source_emit(const struct source *source, int value)
{
    for (size_t i = 0; i < source->slot_count; i++)
        source->slots[i].function(source->slots[i].context, value);
}

static void emit(void *signal, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        source_emit(signal, (int)i);
        __asm__ volatile("" ::: "memory");
    }
}

const struct bench_emission raw_emission = {make_emission, emit};

/* An object is a line of the cache: a slot, and what the slot works on. */
struct object {
    _Alignas(64) struct slot slot;
    long sum;
};

struct objects {
    struct object *all;
    size_t *order;
    size_t count, next;
};

void *raw_make_objects(size_t count)
{
    struct objects *objects = allocate(1, sizeof *objects);

    objects->count = count;
    objects->order = bench_shuffled(count);
    objects->all = aligned_alloc(64, count * sizeof *objects->all);
    bench_check(objects->all != NULL, "aligned_alloc");
    for (size_t i = 0; i < count; i++) {
        struct object *object = &objects->all[i];

        *object = (struct object){.slot = {on_changed, &object->sum}};
    }
    return objects;
}

void raw_emit_objects(void *context, size_t count)
{
    struct objects *objects = context;

    for (size_t i = 0; i < count; i++) {
        const struct slot *slot = &objects->all[objects->order[objects->next]].slot;

        slot->function(slot->context, (int)i);
        if (++objects->next == objects->count)
            objects->next = 0;
    }
}

/* The least that can be made: the bytes of an object, and a connection in its signal's list. */
static void make_objects(void **things, size_t count)
{
    for (size_t i = 0; i < count; i++)
        things[i] = allocate(1, sizeof(struct object));
}

static void end_objects(void **things, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(things[i]);
}

const struct bench_things raw_objects = {NULL, make_objects, end_objects};

struct connection {
    struct connection *next, **previous;
    struct slot slot;
};

static struct connection **lists;

static void prepare_connections(size_t count)
{
    lists = allocate(count / BENCH_CONNECTIONS_A_SIGNAL + 1, sizeof *lists);
}

static void make_connections(void **things, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct connection **list = &lists[i / BENCH_CONNECTIONS_A_SIGNAL];
        struct connection *connection = allocate(1, sizeof *connection);

        *connection = (struct connection){*list, list, {on_changed, NULL}};
        if (*list != NULL)
            (*list)->previous = &connection->next;
        *list = connection;
        things[i] = connection;
    }
}

static void end_connections(void **things, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct connection *connection = things[i];

        *connection->previous = connection->next;
        if (connection->next != NULL)
            connection->next->previous = connection->previous;
        free(connection);
    }
}

const struct bench_things raw_connections = {prepare_connections, make_connections,
                                             end_connections};

/* Events by value in an array that is filled, then walked. */
struct event {
    void (*function)(void *context, const struct bench_payload *payload);
    void *context;
    struct bench_payload payload;
};

struct backlog {
    struct event *events;
    size_t size;
    long sum;
};

static void on_event(void *context, const struct bench_payload *payload)
{
    struct backlog *backlog = context;

    backlog->sum += (long)payload->data[0];
}

void *raw_make_backlog(size_t size)
{
    struct backlog *backlog = allocate(1, sizeof *backlog);

    backlog->size = size;
    backlog->events = allocate(size, sizeof *backlog->events);
    return backlog;
}

void raw_fill_and_deliver(void *context, size_t count)
{
    struct backlog *backlog = context;

    for (; count > 0; count--) {
        for (uint64_t i = 0; i < backlog->size; i++)
            backlog->events[i] = (struct event){on_event, backlog, {i, 0, {i, i}}};
        __asm__ volatile("" ::: "memory");
        for (size_t i = 0; i < backlog->size; i++)
            backlog->events[i].function(backlog->events[i].context, &backlog->events[i].payload);
    }
}
