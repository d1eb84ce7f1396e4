/* SPDX-License-Identifier: MIT */
/* The signals of an object: by name, `destroyed`, all of them at once. */
#include "core/internal.h"

#include <string.h>

static const struct hy_signal_spec destroyed_spec = {
    "destroyed", 0, {.kind = HY_PAYLOAD_NONE, .name = "struct hy_object.destroyed", .size = 1}};

void hy__object_signals_init(struct hy_object *object)
{
    for (const struct hy_class *type = object->type; type != NULL; type = type->base)
        for (size_t i = 0; i < type->signal_count; i++)
            *hy__signal_at(object, type, i) =
                (struct hy_signal_base){NULL, object, &type->signals[i]};
    object->anchor->destroyed.sig = (struct hy_signal_base){NULL, object, &destroyed_spec};
}

void hy__object_signals_close(struct hy_object *object)
{
    for (const struct hy_class *type = object->type; type != NULL; type = type->base)
        for (size_t i = 0; i < type->signal_count; i++)
            hy__signal_close(hy__signal_at(object, type, i));
    hy__signal_close(&object->anchor->destroyed.sig);
}

hy_signal0 *hy_object_destroyed(struct hy_object *object)
{
    return object != NULL && object->anchor != NULL ? &object->anchor->destroyed : NULL;
}

static bool is_named(const struct hy_signal_spec *spec, const char *name)
{
    static const char prefix[] = "events.";
    size_t length = sizeof prefix - 1;
    return strcmp(spec->name, name) == 0 ||
           (strncmp(spec->name, prefix, length) == 0 && strcmp(spec->name + length, name) == 0);
}

struct hy_signal_base *hy_object_signal(struct hy_object *object, const char *name)
{
    if (object == NULL || object->anchor == NULL || name == NULL)
        return NULL;
    for (const struct hy_class *type = object->type; type != NULL; type = type->base)
        for (size_t i = 0; i < type->signal_count; i++)
            if (is_named(&type->signals[i], name))
                return hy__signal_at(object, type, i);
    return is_named(&destroyed_spec, name) ? &object->anchor->destroyed.sig : NULL;
}

static bool is_there(const struct hy_anchor *anchor)
{
    /* Relaxed: asked for changes that this thread itself makes. */
    return __atomic_load_n(&anchor->object, __ATOMIC_RELAXED) != NULL;
}

int hy_object_disconnect(struct hy_object *sender, struct hy_object *receiver)
{
    if (sender == NULL && receiver == NULL)
        return hy_error_set(-HY_EINVAL, "cutting connections needs a sender or a receiver");
    const struct hy_object *dead = sender != NULL && sender->anchor == NULL       ? sender
                                   : receiver != NULL && receiver->anchor == NULL ? receiver
                                                                                  : NULL;
    if (dead != NULL)
        return hy_error_set(-HY_ESHUTDOWN, "cannot cut connections of %s: it has been finished",
                            hy__object_text(dead));
    if (sender == NULL)
        return hy__connections_to_cut(receiver->anchor);
    /* An anchor's own reference goes with the object; what hears of a cut may end both. */
    struct hy_anchor *anchor = sender->anchor;
    struct hy_anchor *to = receiver != NULL ? receiver->anchor : NULL;
    hy__anchor_ref(anchor);
    if (to != NULL)
        hy__anchor_ref(to);
    int count = 0;
    for (const struct hy_class *type = sender->type; type != NULL; type = type->base)
        for (size_t i = 0; i < type->signal_count && is_there(anchor); i++)
            count += hy__signal_cut(hy__signal_at(sender, type, i), to, NULL);
    count += hy__signal_cut(&anchor->destroyed.sig, to, NULL);
    if (to != NULL)
        hy__anchor_unref(to);
    hy__anchor_unref(anchor);
    return count;
}
