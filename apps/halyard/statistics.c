/* SPDX-License-Identifier: MIT */
/* /api/stat.json, built with json-c. */
#include "statistics.h"

#include <json.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

uint64_t statistics_dropped(const struct hy_ws_server_counters *web)
{
    return web->dropped_newest + web->dropped_oldest + web->dropped_at_end + web->dropped_gone;
}

/* Adds a member; false when memory is short. json-c takes the value over on success only. */
static bool add(json_object *object, const char *key, json_object *value)
{
    if (value == NULL)
        return false;
    if (json_object_object_add(object, key, value) == 0)
        return true;
    json_object_put(value);
    return false;
}

static bool add_count(json_object *object, const char *key, uint64_t value)
{
    return add(object, key, json_object_new_uint64(value));
}

static bool add_types(json_object *object, const char *key, const uint64_t *by_type)
{
    json_object *types = json_object_new_object();
    bool good = types != NULL;
    for (int type = 1; type <= AIS_TYPE_MAX && good; type++) {
        char name[12];
        (void)snprintf(name, sizeof name, "%d", type);
        if (by_type[type] > 0)
            good = add_count(types, name, by_type[type]);
    }
    if (good)
        return add(object, key, types);
    json_object_put(types);
    return false;
}

static bool add_reasons(json_object *object, const uint64_t *rejected)
{
    json_object *reasons = json_object_new_object();
    bool good = reasons != NULL;
    for (int reason = 1; reason < AIS_REJECT_COUNT && good; reason++)
        good = add_count(reasons, ais_reject_name((enum ais_reject)reason), rejected[reason]);
    if (good)
        return add(object, "rejected_by_reason", reasons);
    json_object_put(reasons);
    return false;
}

static bool add_receiver(json_object *object, const struct receiver_counters *received)
{
    const struct ais_counters *ais = &received->ais;
    return add_count(object, "datagrams", received->datagrams) &&
           add_count(object, "bytes", received->bytes) &&
           add_count(object, "kernel_drops", received->kernel_drops) &&
           add_count(object, "datagrams_truncated", received->truncated) &&
           add_count(object, "sentences", ais->sentences) &&
           add_count(object, "other_sentences", ais->other_sentences) &&
           add_count(object, "tag_blocks", ais->tag_blocks) &&
           add_count(object, "tag_blocks_rejected", ais->tag_blocks_rejected) &&
           add_count(object, "assembled", ais->assembled) &&
           add_count(object, "decoded", ais->messages) &&
           add_count(object, "fragments_joined", ais->fragments_joined) &&
           add_count(object, "fragments_held", ais->held) &&
           add_count(object, "rejected", ais_counters_rejected(ais)) &&
           add_types(object, "decoded_by_type", ais->decoded_by_type) &&
           add_types(object, "not_built_by_type", ais->not_built_by_type) &&
           add_reasons(object, ais->rejected);
}

static bool add_tracker(json_object *object, const struct gateway *gateway)
{
    return add_count(object, "reports", gateway->reports) &&
           add_count(object, "reports_lost", gateway->reports_lost) &&
           add_count(object, "reports_dropped", gateway->reports_dropped) &&
           add_count(object, "vessels", tracker_count(&gateway->tracker)) &&
           add_count(object, "seq", gateway->seq) &&
           add_count(object, "frames_refused", gateway->frames_refused);
}

static bool add_web(json_object *object, const struct hy_ws_server_counters *web)
{
    return add_count(object, "clients", web->clients) &&
           add_count(object, "connections", web->connections) &&
           add_count(object, "clients_opened", web->opened) &&
           add_count(object, "messages_sent", web->messages_sent) &&
           add_count(object, "bytes_sent", web->bytes_sent) &&
           add_count(object, "messages_received", web->messages_received) &&
           add_count(object, "dropped", statistics_dropped(web)) &&
           add_count(object, "clients_disconnected_slow", web->disconnected) &&
           add_count(object, "queued_bytes", web->pressure) &&
           add_count(object, "pages", web->pages) && add_count(object, "requests", web->requests);
}

int statistics_json(const struct gateway *gateway, struct protocol_text *ret_text)
{
    struct hy_ws_server_counters web = hy_ws_server_get_counters(gateway->server);
    json_object *object = json_object_new_object();
    char *copy = NULL;
    size_t size = 0;
    if (object != NULL && add(object, "version", json_object_new_string(hy_version())) &&
        add(object, "time", json_object_new_int64((int64_t)time(NULL))) &&
        add_receiver(object, &gateway->received) && add_tracker(object, gateway) &&
        add_web(object, &web)) {
        const char *text = json_object_to_json_string_length(object, JSON_C_TO_STRING_PLAIN, &size);
        copy = text != NULL ? hy_memory_allocate(size + 1) : NULL;
        if (copy != NULL)
            memcpy(copy, text, size + 1);
    }
    json_object_put(object);
    if (copy == NULL)
        return hy_error_set(-HY_ENOMEM, "out of memory for the statistics");
    ret_text->data = copy;
    ret_text->size = size;
    return 0;
}
