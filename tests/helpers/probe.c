/* SPDX-License-Identifier: MIT */
/* The probe and the source. See probe.h. */
#include "probe.h"

#include <stdlib.h>
#include <string.h>

static int copies, copies_made;
static int copies_left = -1;

static void probe_event(struct hy_object *object, struct hy_event *event)
{
    struct probe *self = (struct probe *)(void *)object;

    EXPECT(hy_object_is_here(object));
    probe_note(self, event->type);
    if (self->on_event != NULL)
        self->on_event(self, event);
}

static void probe_fini(struct hy_object *object)
{
    struct probe *self = (struct probe *)(void *)object;

    if (self->fini_count != NULL)
        (void)count_up(self->fini_count);
    if (self->on_fini != NULL)
        self->on_fini(self);
}

static void probe_entered(struct hy_object *object)
{
    struct probe *self = (struct probe *)(void *)object;

    /* While its home rests, whoever moves it on stands in for that. */
    EXPECT(hy_object_is_here(object) || hy_object_thread(object) == NULL ||
           hy_thread_get_state(hy_object_thread(object)) != HY_THREAD_RUNNING);
    self->moves++;
}

const struct hy_class probe_class =
    HY_CLASS(struct probe, .fini = probe_fini, .event = probe_event, .enter_thread = probe_entered);

const struct hy_class source_class = HY_CLASS(
    struct source,
    .signals = HY_SIGNALS(HY_PLAIN(struct source, events.number),
                          HY_DESCRIBED(struct source, events.text, text_copy, text_destroy),
                          HY_BORROWED(struct source, events.view),
                          HY_NO_PAYLOAD(struct source, events.nothing)));

void probe_init(struct probe *probe, struct hy_object *parent)
{
    memset(probe, 0, sizeof *probe);
    EXPECT_INT(hy_object_init(&probe->hy, &probe_class, parent), 0);
}

struct probe *probe_create(struct hy_object *parent)
{
    struct hy_object *object = NULL;

    EXPECT_INT(hy_object_create(&probe_class, parent, &object), 0);
    return (struct probe *)(void *)object;
}

void source_init(struct source *source)
{
    EXPECT_INT(hy_object_init(&source->hy, &source_class, NULL), 0);
}

void object_end(struct hy_object *object)
{
    EXPECT_INT(hy_object_destroy(object), 0);
}

void probe_note(struct probe *probe, int64_t value)
{
    if (probe->count < PROBE_LOG)
        probe->log[probe->count] = value;
    probe->count++;
    (void)count_up(&probe->reached);
}

bool probe_saw(const struct probe *probe, int count, const int64_t *values)
{
    bool same = probe->count == count;

    for (int i = 0; same && i < count; i++)
        same = probe->log[i] == values[i];
    if (!same) {
        (void)fprintf(stderr, "the probe saw %d:", probe->count);
        for (int i = 0; i < probe->count && i < PROBE_LOG; i++)
            (void)fprintf(stderr, " %lld", (long long)probe->log[i]);
        (void)fprintf(stderr, "\n");
    }
    return same;
}

void probe_number(struct probe *self, const struct number *number)
{
    int64_t value = number->value;

    probe_note(self, value);
    if (self->on_slot != NULL)
        self->on_slot(self, value);
}

void probe_number_too(struct probe *self, const struct number *number)
{
    probe_note(self, number->value + 1000);
}

void probe_text(struct probe *self, const struct text *text)
{
    probe_note(self, (int64_t)strlen(text->bytes));
    if (self->on_slot != NULL)
        self->on_slot(self, 0);
}

void probe_view(struct probe *self, const struct view *view)
{
    probe_note(self, (int64_t)strlen(view->bytes));
}

void probe_nothing(struct probe *self)
{
    probe_note(self, -1);
    if (self->on_slot != NULL)
        self->on_slot(self, -1);
}

int text_copy(void *to, const void *from)
{
    struct text *copy = to;
    const struct text *original = from;

    if (__atomic_load_n(&copies_left, __ATOMIC_RELAXED) >= 0 &&
        __atomic_fetch_sub(&copies_left, 1, __ATOMIC_RELAXED) <= 0) {
        __atomic_store_n(&copies_left, 0, __ATOMIC_RELAXED);
        return hy_error_set(-HY_ENOMEM, "the test lets this copy fail");
    }
    copy->bytes = strdup(original->bytes);
    (void)__atomic_add_fetch(&copies, 1, __ATOMIC_RELAXED);
    (void)__atomic_add_fetch(&copies_made, 1, __ATOMIC_RELAXED);
    return 0;
}

void text_destroy(void *payload)
{
    struct text *text = payload;

    free(text->bytes);
    text->bytes = NULL;
    (void)__atomic_sub_fetch(&copies, 1, __ATOMIC_RELAXED);
}

int text_copies(void)
{
    return __atomic_load_n(&copies, __ATOMIC_RELAXED);
}

int text_copies_made(void)
{
    return __atomic_load_n(&copies_made, __ATOMIC_RELAXED);
}

void text_fail_after(int number)
{
    __atomic_store_n(&copies_left, number, __ATOMIC_RELAXED);
}
