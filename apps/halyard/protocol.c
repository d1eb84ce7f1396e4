/* SPDX-License-Identifier: MIT */
/*
 * One table says how each field is written; rows, deltas and ships.json are walks over it. A JSON
 * null is a NULL object, so that a failure to make one is kept apart, in `failed`.
 */
#include "protocol.h"

#include <halyard/error.h>
#include <halyard/memory.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

enum kind {
    KIND_INTEGER,
    KIND_BOOLEAN,
    KIND_TENTHS,
    KIND_DEGREES,
    KIND_SPECIAL, /* see special_value() */
};

struct column {
    const char *name;
    enum kind kind;
};

static const struct column columns[VESSEL_FIELD_COUNT] = {
    [VESSEL_MMSI] = {"mmsi", KIND_SPECIAL},
    [VESSEL_CLASS] = {"class", KIND_SPECIAL},
    [VESSEL_NAME] = {"name", KIND_SPECIAL},
    [VESSEL_CALLSIGN] = {"callsign", KIND_SPECIAL},
    [VESSEL_IMO] = {"imo", KIND_INTEGER},
    [VESSEL_SHIPTYPE] = {"shiptype", KIND_INTEGER},
    [VESSEL_LAT] = {"lat", KIND_DEGREES},
    [VESSEL_LON] = {"lon", KIND_DEGREES},
    [VESSEL_COARSE] = {"coarse", KIND_BOOLEAN},
    [VESSEL_SOG] = {"sog", KIND_TENTHS},
    [VESSEL_COG] = {"cog", KIND_TENTHS},
    [VESSEL_HEADING] = {"heading", KIND_INTEGER},
    [VESSEL_STATUS] = {"status", KIND_INTEGER},
    [VESSEL_TURN] = {"turn", KIND_SPECIAL},
    [VESSEL_DRAUGHT] = {"draught", KIND_TENTHS},
    [VESSEL_DESTINATION] = {"destination", KIND_SPECIAL},
    [VESSEL_ETA] = {"eta", KIND_SPECIAL},
    [VESSEL_TO_BOW] = {"to_bow", KIND_INTEGER},
    [VESSEL_TO_STERN] = {"to_stern", KIND_INTEGER},
    [VESSEL_TO_PORT] = {"to_port", KIND_INTEGER},
    [VESSEL_TO_STARBOARD] = {"to_starboard", KIND_INTEGER},
    [VESSEL_AID_TYPE] = {"aid_type", KIND_INTEGER},
    [VESSEL_VIRTUAL] = {"virtual", KIND_BOOLEAN},
    [VESSEL_ALTITUDE] = {"altitude", KIND_INTEGER},
    [VESSEL_STALE] = {"stale", KIND_BOOLEAN},
    [VESSEL_SEEN] = {"seen", KIND_SPECIAL},
    [VESSEL_MESSAGES] = {"messages", KIND_SPECIAL},
};

static const char *const class_names[VESSEL_CLASS_COUNT] = {
    [VESSEL_CLASS_UNKNOWN] = "unknown",
    [VESSEL_CLASS_A] = "A",
    [VESSEL_CLASS_B] = "B",
    [VESSEL_CLASS_BASE] = "base",
    [VESSEL_CLASS_ATON] = "aton",
    [VESSEL_CLASS_AIRCRAFT] = "aircraft",
    [VESSEL_CLASS_DISTRESS] = "distress",
};

/* A frame in the making. */
struct frame {
    struct json_object *root;
    bool failed;
};

static struct json_object *checked(struct frame *frame, struct json_object *value)
{
    frame->failed = frame->failed || value == NULL;
    return value;
}

/* Takes `value` over, which may be a null; `key` is a constant that occurs once. */
static void add(struct frame *frame, struct json_object *object, const char *key,
                struct json_object *value)
{
    if (json_object_object_add_ex(object, key, value,
                                  JSON_C_OBJECT_ADD_KEY_IS_NEW | JSON_C_OBJECT_KEY_IS_CONSTANT) !=
        0) {
        json_object_put(value);
        frame->failed = true;
    }
}

static void append(struct frame *frame, struct json_object *array, struct json_object *value)
{
    if (json_object_array_add(array, value) != 0) {
        json_object_put(value);
        frame->failed = true;
    }
}

static void add_text(struct frame *frame, const char *key, const char *text)
{
    add(frame, frame->root, key, checked(frame, json_object_new_string(text)));
}

static void add_integer(struct frame *frame, const char *key, int64_t value)
{
    add(frame, frame->root, key, checked(frame, json_object_new_int64(value)));
}

static void add_count(struct frame *frame, const char *key, uint64_t value)
{
    add(frame, frame->root, key, checked(frame, json_object_new_uint64(value)));
}

/* Starts a frame; `type` NULL: without one. */
static void frame_begin(struct frame *frame, const char *type)
{
    frame->failed = false;
    checked(frame, frame->root = json_object_new_object());
    if (!frame->failed && type != NULL) {
        add_text(frame, "type", type);
    }
}

/* Adds an empty array and returns it, or NULL. */
static struct json_object *add_array(struct frame *frame, const char *key, size_t size)
{
    struct json_object *array =
        checked(frame, json_object_new_array_ext(size > 0 && size < INT32_MAX ? (int)size : 1));

    if (array != NULL) {
        add(frame, frame->root, key, array);
    }
    return frame->failed ? NULL : array;
}

/* Ends the frame, also one that failed. */
static int frame_end(struct frame *frame, struct protocol_text *ret_text)
{
    size_t size = 0;
    const char *text = NULL;
    int rc = -HY_ENOMEM;

    if (!frame->failed) {
        text = json_object_to_json_string_length(
            frame->root, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &size);
    }
    if (text == NULL) {
        (void)hy_error_set(rc, "out of memory while writing a frame of the page's protocol");
    } else {
        char *data = hy_memory_allocate(size + 1);

        if (data != NULL) {
            memcpy(data, text, size);
            data[size] = '\0';
            *ret_text = (struct protocol_text){.data = data, .size = size};
            rc = 0;
        }
    }
    json_object_put(frame->root);
    return rc;
}

/* --- fields ----------------------------------------------------------------------------------- */

/* A number with exactly `decimals` decimals, from its value times 10 to that power. */
static struct json_object *decimal(int64_t scaled, int decimals)
{
    char text[32];
    int64_t unit = 1;
    uint64_t size = scaled < 0 ? (uint64_t)-scaled : (uint64_t)scaled;

    for (int i = 0; i < decimals; i++) {
        unit *= 10;
    }
    (void)snprintf(text, sizeof(text), "%s%" PRIu64 ".%0*" PRIu64, scaled < 0 ? "-" : "",
                   size / (uint64_t)unit, decimals, size % (uint64_t)unit);
    return json_object_new_double_s((double)scaled / (double)unit, text);
}

/* 1/600000 degree to millionths, to the nearest. */
static struct json_object *degrees(int32_t raw)
{
    int64_t fivefold = (int64_t)raw * 5;

    return decimal((fivefold + (raw < 0 ? -1 : 1)) / 3, 6);
}

static struct json_object *turn(int32_t indicator)
{
    double tenths = vessel_turn(indicator) * 10;

    return decimal((int64_t)(tenths < 0 ? tenths - 0.5 : tenths + 0.5), 1);
}

static struct json_object *eta(int32_t value)
{
    char text[32];

    (void)snprintf(text, sizeof(text), "%02d-%02d %02d:%02d", value / 1000000, value / 10000 % 100,
                   value / 100 % 100, value % 100);
    return json_object_new_string(text);
}

static struct json_object *special_value(const struct vessel *vessel, enum vessel_field field)
{
    int32_t number = vessel->number[field];

    switch (field) {
    case VESSEL_MMSI:
        return json_object_new_int64(vessel->mmsi);
    case VESSEL_CLASS:
        return json_object_new_string(class_names[number]);
    case VESSEL_NAME:
        return json_object_new_string(vessel->name);
    case VESSEL_CALLSIGN:
        return json_object_new_string(vessel->callsign);
    case VESSEL_TURN:
        return turn(number);
    case VESSEL_DESTINATION:
        return json_object_new_string(vessel->destination);
    case VESSEL_ETA:
        return eta(number);
    case VESSEL_SEEN:
        return json_object_new_int64(vessel->seen_s);
    default: /* VESSEL_MESSAGES */
        return json_object_new_int64(vessel->messages);
    }
}

static struct json_object *known_value(const struct vessel *vessel, enum vessel_field field)
{
    int32_t number = vessel->number[field];

    switch (columns[field].kind) {
    case KIND_INTEGER:
        return json_object_new_int(number);
    case KIND_BOOLEAN:
        return json_object_new_boolean(number != 0);
    case KIND_TENTHS:
        return decimal(number, 1);
    case KIND_DEGREES:
        return degrees(number);
    default:
        return special_value(vessel, field);
    }
}

/* NULL, a JSON null, for what is not known. */
static struct json_object *field_value(struct frame *frame, const struct vessel *vessel,
                                       enum vessel_field field)
{
    return vessel_knows(vessel, field) ? checked(frame, known_value(vessel, field)) : NULL;
}

/* An array with all fields. */
static struct json_object *row(struct frame *frame, const struct vessel *vessel)
{
    struct json_object *array = checked(frame, json_object_new_array_ext(VESSEL_FIELD_COUNT));

    for (int field = 0; array != NULL && field < VESSEL_FIELD_COUNT; field++) {
        append(frame, array, field_value(frame, vessel, (enum vessel_field)field));
    }
    return array;
}

/* An object with the MMSI and the fields of the set. */
static struct json_object *partial(struct frame *frame, const struct vessel *vessel,
                                   uint32_t fields)
{
    struct json_object *object = checked(frame, json_object_new_object());

    fields |= UINT32_C(1) << VESSEL_MMSI;
    for (int field = 0; object != NULL && field < VESSEL_FIELD_COUNT; field++) {
        if ((fields >> field & 1) != 0) {
            add(frame, object, columns[field].name,
                field_value(frame, vessel, (enum vessel_field)field));
        }
    }
    return object;
}

/* --- frames ----------------------------------------------------------------------------------- */

static void add_field_names(struct frame *frame)
{
    struct json_object *names = add_array(frame, "fields", VESSEL_FIELD_COUNT);

    for (int field = 0; names != NULL && field < VESSEL_FIELD_COUNT; field++) {
        append(frame, names, checked(frame, json_object_new_string(columns[field].name)));
    }
}

int protocol_hello(const struct protocol_hello *hello, struct protocol_text *ret_text)
{
    struct frame frame;

    frame_begin(&frame, "hello");
    if (!frame.failed) {
        add_integer(&frame, "protocol", PROTOCOL_VERSION);
        add_text(&frame, "version", hello->version);
        add_integer(&frame, "time", hello->time_s);
        add_count(&frame, "seq", hello->seq);
        add_count(&frame, "ships", hello->ships);
        add_integer(&frame, "stale_s", hello->stale_s);
        add_integer(&frame, "remove_s", hello->remove_s);
        add_integer(&frame, "interval_ms", hello->interval_ms);
        add_field_names(&frame);
    }
    return frame_end(&frame, ret_text);
}

int protocol_snapshot(const struct tracker *tracker, uint64_t seq, size_t *cursor,
                      struct protocol_text *ret_text)
{
    struct frame frame;
    struct json_object *ships = NULL;
    const struct vessel *vessel;
    size_t next = *cursor;
    bool more = false;

    frame_begin(&frame, "snapshot");
    if (!frame.failed) {
        add_count(&frame, "seq", seq);
        ships = add_array(&frame, "ships", PROTOCOL_SNAPSHOT_ROWS);
    }
    for (int rows = 0; ships != NULL && rows < PROTOCOL_SNAPSHOT_ROWS; rows++) {
        if ((vessel = tracker_next(tracker, &next)) == NULL) {
            break;
        }
        append(&frame, ships, row(&frame, vessel));
    }
    if (ships != NULL) {
        size_t peek = next;

        more = tracker_next(tracker, &peek) != NULL;
        add(&frame, frame.root, "more", checked(&frame, json_object_new_boolean(more)));
    }
    int rc = frame_end(&frame, ret_text);
    if (rc < 0) {
        return rc;
    }
    *cursor = next;
    return more ? 1 : 0;
}

int protocol_delta(const struct tracker *tracker, uint64_t seq, int64_t time_s,
                   struct protocol_text *ret_text)
{
    struct frame frame;
    struct json_object *ships = NULL;
    size_t count = tracker_changed_count(tracker);

    frame_begin(&frame, "delta");
    if (!frame.failed) {
        add_count(&frame, "seq", seq);
        add_integer(&frame, "time", time_s);
        ships = add_array(&frame, "ships", count);
    }
    for (size_t i = 0; ships != NULL && i < count; i++) {
        const struct vessel *vessel = tracker_changed(tracker, i);

        append(&frame, ships, partial(&frame, vessel, vessel->changed));
    }
    return frame_end(&frame, ret_text);
}

int protocol_gone(const uint32_t *mmsis, size_t count, uint64_t seq, struct protocol_text *ret_text)
{
    struct frame frame;
    struct json_object *ships = NULL;

    frame_begin(&frame, "gone");
    if (!frame.failed) {
        add_count(&frame, "seq", seq);
        ships = add_array(&frame, "ships", count);
    }
    for (size_t i = 0; ships != NULL && i < count; i++) {
        append(&frame, ships, checked(&frame, json_object_new_int64(mmsis[i])));
    }
    return frame_end(&frame, ret_text);
}

int protocol_stat(const struct protocol_stat *stat, struct protocol_text *ret_text)
{
    struct frame frame;

    frame_begin(&frame, "stat");
    if (!frame.failed) {
        add_integer(&frame, "time", stat->time_s);
        add_count(&frame, "sentences", stat->sentences);
        add_count(&frame, "decoded", stat->decoded);
        add_count(&frame, "rejected", stat->rejected);
        add(&frame, frame.root, "rate",
            checked(&frame, decimal((int64_t)(stat->rate * 10 + 0.5), 1)));
        add_count(&frame, "ships", stat->ships);
        add_count(&frame, "clients", stat->clients);
        add_count(&frame, "sent", stat->sent);
        add_count(&frame, "dropped", stat->dropped);
    }
    return frame_end(&frame, ret_text);
}

int protocol_ships(const struct tracker *tracker, int64_t time_s, struct protocol_text *ret_text)
{
    struct frame frame;
    struct json_object *ships = NULL;
    const struct vessel *vessel;
    size_t cursor = 0;

    frame_begin(&frame, NULL);
    if (!frame.failed) {
        add_integer(&frame, "time", time_s);
        ships = add_array(&frame, "ships", tracker_count(tracker));
    }
    while (ships != NULL && !frame.failed && (vessel = tracker_next(tracker, &cursor)) != NULL) {
        append(&frame, ships, partial(&frame, vessel, UINT32_MAX));
    }
    return frame_end(&frame, ret_text);
}

/* --- the other way ---------------------------------------------------------------------------- */

bool protocol_is_snapshot_request(const void *data, size_t size)
{
    struct json_object *type;
    bool is_request = false;

    if (size == 0 || size > PROTOCOL_REQUEST_MAX) {
        return false;
    }
    struct json_tokener *tokener = json_tokener_new_ex(8);
    if (tokener == NULL) {
        return false;
    }
    struct json_object *root = json_tokener_parse_ex(tokener, data, (int)size);
    if (root != NULL && json_object_is_type(root, json_type_object) &&
        json_object_object_get_ex(root, "type", &type) &&
        json_object_is_type(type, json_type_string)) {
        is_request = strcmp(json_object_get_string(type), "snapshot") == 0;
    }
    json_object_put(root);
    json_tokener_free(tokener);
    return is_request;
}

void protocol_text_free(struct protocol_text *text)
{
    hy_memory_release(text->data);
    *text = (struct protocol_text){0};
}

void protocol_text_release(void *context, const void *data, size_t size)
{
    union {
        const void *constant;
        void *plain;
    } memory = {.constant = data};

    (void)context;
    (void)size;
    hy_memory_release(memory.plain);
}
