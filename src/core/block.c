/* SPDX-License-Identifier: MIT */
/*
 * Blocking signals. An emission reaches the connections up to the hub's last id; that of a blocked
 * hub is 0, so blocking costs an emission nothing.
 */
#include "core/hub.h"

/* Whether it was blocked for this reason before. */
static bool set(struct hy_hub *hub, uint32_t reason, bool blocked)
{
    hy__lock(&hub->lock);
    bool before = (hub->blocked & reason) != 0;
    hub->blocked = blocked ? hub->blocked | reason : hub->blocked & ~reason;
    uint64_t last_id = 0;
    if (hub->blocked == 0 && hub->tail != NULL)
        last_id = __atomic_load_n(&hub->tail->id_flags, __ATOMIC_RELAXED) >> HY__ID_SHIFT;
    /* Release: as in connecting; those up to this id are linked. */
    __atomic_store_n(&hub->last_id, last_id, __ATOMIC_RELEASE);
    hy__unlock(&hub->lock);
    return before;
}

static struct hy_hub *hub_if_any(struct hy_signal_base *signal)
{
    return __atomic_load_n(&signal->hub, __ATOMIC_ACQUIRE);
}

/* Whether a hub that is missing is to be made, to be blocked for what comes. To a dying object
 * nothing comes, and nobody would end the hub. */
static bool is_to_be_made(const struct hy_anchor *owner, bool blocked)
{
    /* Relaxed: other threads must not call this while the owner ends. */
    return blocked && __atomic_load_n(&owner->object, __ATOMIC_RELAXED) != NULL;
}

int hy_signal_block(struct hy_signal_base *signal, bool blocked)
{
    if (signal == NULL || signal->spec == NULL || signal->owner == NULL ||
        signal->owner->anchor == NULL)
        return hy_error_set(-HY_EINVAL, "there is no such signal to block: no class names it, or "
                                        "its owner has been finished");
    bool made = is_to_be_made(signal->owner->anchor, blocked);
    struct hy_hub *hub = made ? hy__hub_of(signal) : hub_if_any(signal);
    if (hub == NULL)
        return made ? -HY_ENOMEM : 0;
    return set(hub, HY__BLOCKED_SIGNAL, blocked);
}

int hy_object_block_signals(struct hy_object *object, bool blocked)
{
    if (object == NULL || object->anchor == NULL)
        return hy_error_set(-HY_ESHUTDOWN,
                            "cannot block the signals of %s: it was never made, or "
                            "has been finished",
                            hy__object_text(object));
    /* Those that nothing is connected to need a hub too, to be blocked for what comes. All of them
     * are made before anything changes. */
    bool made = is_to_be_made(object->anchor, blocked);
    for (const struct hy_class *type = object->type; type != NULL && made; type = type->base)
        for (size_t i = 0; i < type->signal_count; i++)
            if (hy__hub_of(hy__signal_at(object, type, i)) == NULL)
                return -HY_ENOMEM;
    bool before = false;
    for (const struct hy_class *type = object->type; type != NULL; type = type->base)
        for (size_t i = 0; i < type->signal_count; i++) {
            struct hy_hub *hub = hub_if_any(hy__signal_at(object, type, i));
            if (hub != NULL && set(hub, HY__BLOCKED_OBJECT, blocked))
                before = true;
        }
    return before;
}
