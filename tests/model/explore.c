/* SPDX-License-Identifier: MIT */
/* The explorer for models in C. See explore.h. */
#include "explore.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* The states in the order in which they were found, and a table of their numbers by hash. */
struct seen {
    const struct explore_model *model;
    unsigned char *states;
    uint32_t *parents; /* from which it was found; the first: its own number */
    uint8_t *movers;
    uint32_t count, room;
    uint32_t *table; /* number + 1; 0: free */
    uint32_t mask;
};

static const char *violation;

bool explore_require(bool condition, const char *text)
{
    if (!condition && violation == NULL)
        violation = text;
    return condition;
}

static void *grown(void *memory, size_t size)
{
    void *larger = realloc(memory, size);
    if (larger == NULL) {
        printf("Bail out! no memory for the states\n");
        exit(1);
    }
    return larger;
}

static void *at(const struct seen *seen, uint32_t number)
{
    return seen->states + (size_t)number * seen->model->state_size;
}

static uint64_t hash_of(const unsigned char *bytes, size_t size)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
    return hash ^ hash >> 29;
}

static uint32_t *place_of(const struct seen *seen, const void *state)
{
    size_t size = seen->model->state_size;
    uint32_t place = (uint32_t)hash_of(state, size) & seen->mask;
    while (seen->table[place] != 0 && memcmp(at(seen, seen->table[place] - 1), state, size) != 0)
        place = (place + 1) & seen->mask;
    return &seen->table[place];
}

static void make_room(struct seen *seen)
{
    if (seen->count < seen->room)
        return;
    seen->room = seen->room == 0 ? 1u << 16 : seen->room * 2;
    seen->states = grown(seen->states, (size_t)seen->room * seen->model->state_size);
    seen->parents = grown(seen->parents, (size_t)seen->room * sizeof *seen->parents);
    seen->movers = grown(seen->movers, seen->room);
    seen->mask = seen->room * 2 - 1;
    seen->table = grown(seen->table, ((size_t)seen->mask + 1) * sizeof *seen->table);
    memset(seen->table, 0, ((size_t)seen->mask + 1) * sizeof *seen->table);
    for (uint32_t i = 0; i < seen->count; i++)
        *place_of(seen, at(seen, i)) = i + 1;
}

static void add(struct seen *seen, const void *state, uint32_t parent, int mover)
{
    make_room(seen);
    uint32_t *place = place_of(seen, state);
    if (*place != 0)
        return;
    memcpy(at(seen, seen->count), state, seen->model->state_size);
    seen->parents[seen->count] = parent;
    seen->movers[seen->count] = (uint8_t)mover;
    *place = ++seen->count;
}

/* All steps out of one state. */
static void expand(struct seen *seen, uint32_t number, void *state)
{
    const struct explore_model *model = seen->model;
    bool moved = false;
    for (int thread = 0; thread < model->threads && violation == NULL; thread++)
        for (int choice = 0; violation == NULL; choice++) {
            memcpy(state, at(seen, number), model->state_size);
            enum explore_result result = model->step(state, thread, choice);
            if (result == EXPLORE_NO_MORE)
                break;
            if (result == EXPLORE_BLOCKED)
                continue;
            moved |= result == EXPLORE_STEP;
            add(seen, state, number, thread);
        }
    if (!moved && violation == NULL)
        model->final(at(seen, number));
}

static void print_trace(const struct seen *seen, uint32_t number)
{
    uint32_t length = 0;
    for (uint32_t i = number; seen->parents[i] != i; i = seen->parents[i])
        length++;
    for (uint32_t step = 0; step < length; step++) {
        uint32_t after = number;
        for (uint32_t i = 0; i < length - 1 - step; i++)
            after = seen->parents[after];
        int mover = seen->movers[after];
        printf("#   %d: %s\n", mover, seen->model->label(at(seen, seen->parents[after]), mover));
    }
}

bool explore(const struct explore_model *model, const void *initial, int number, const char *name,
             const char *broken)
{
    struct seen seen = {.model = model};
    void *state = grown(NULL, model->state_size);
    clock_t begin = clock();
    uint32_t next = 0;

    violation = NULL;
    add(&seen, initial, 0, 0);
    while (next < seen.count && violation == NULL)
        expand(&seen, next++, state);
    bool as_expected = (violation != NULL) == (broken != NULL);
    printf("%s %d - %s%s%s\n", as_expected ? "ok" : "not ok", number, name,
           broken != NULL ? ", broken: " : "", broken != NULL ? broken : "");
    printf("# %u states, %.1f s: %s\n", seen.count, (double)(clock() - begin) / CLOCKS_PER_SEC,
           violation != NULL ? violation : "no violation");
    if (!as_expected && violation != NULL)
        print_trace(&seen, next - 1);
    fflush(stdout);
    free(seen.states);
    free(seen.parents);
    free(seen.movers);
    free(seen.table);
    free(state);
    return as_expected;
}
