/* SPDX-License-Identifier: MIT */
/* The frames; vessels in them are written by rows.c. */
#include "protocol.h"

#include "rows.h"

#include <halyard/error.h>
#include <halyard/memory.h>
#include <json-c/json.h>
#include <string.h>

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

static void add_rows(struct frame *frame, struct rows *rows)
{
    add(frame, frame->root, "ships", checked(frame, rows_array(rows)));
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

/* --- frames ----------------------------------------------------------------------------------- */

static void add_field_names(struct frame *frame)
{
    struct json_object *names = add_array(frame, "fields", VESSEL_FIELD_COUNT);

    for (int field = 0; names != NULL && field < VESSEL_FIELD_COUNT; field++) {
        append(frame, names,
               checked(frame, json_object_new_string(rows_field_name((enum vessel_field)field))));
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
    struct rows rows;
    const struct vessel *vessel = NULL;
    size_t next = *cursor;

    rows_begin(&rows, false);
    for (int i = 0; i < PROTOCOL_SNAPSHOT_ROWS; i++) {
        if ((vessel = tracker_next(tracker, &next)) == NULL) {
            break;
        }
        rows_add(&rows, vessel, UINT32_MAX);
    }
    size_t peek = next;
    bool more = tracker_next(tracker, &peek) != NULL;

    frame_begin(&frame, "snapshot");
    if (!frame.failed) {
        add_count(&frame, "seq", seq);
        add_rows(&frame, &rows);
        add(&frame, frame.root, "more", checked(&frame, json_object_new_boolean(more)));
    }
    int rc = frame_end(&frame, ret_text);
    rows_end(&rows);
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
    struct rows rows;

    rows_begin(&rows, true);
    for (size_t i = 0; i < tracker_changed_count(tracker); i++) {
        const struct vessel *vessel = tracker_changed(tracker, i);

        rows_add(&rows, vessel, vessel->changed);
    }
    frame_begin(&frame, "delta");
    if (!frame.failed) {
        add_count(&frame, "seq", seq);
        add_integer(&frame, "time", time_s);
        add_rows(&frame, &rows);
    }
    int rc = frame_end(&frame, ret_text);
    rows_end(&rows);
    return rc;
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
    char rate[ROWS_NUMBER_SIZE];

    frame_begin(&frame, "stat");
    if (!frame.failed) {
        add_integer(&frame, "time", stat->time_s);
        add_count(&frame, "sentences", stat->sentences);
        add_count(&frame, "decoded", stat->decoded);
        add_count(&frame, "rejected", stat->rejected);
        add(&frame, frame.root, "rate",
            checked(&frame,
                    json_object_new_double_s(
                        stat->rate, rows_number(rate, (int64_t)(stat->rate * 10 + 0.5), 1))));
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
    struct rows rows;
    const struct vessel *vessel;
    size_t cursor = 0;

    rows_begin(&rows, true);
    while ((vessel = tracker_next(tracker, &cursor)) != NULL) {
        rows_add(&rows, vessel, UINT32_MAX);
    }
    frame_begin(&frame, NULL);
    if (!frame.failed) {
        add_integer(&frame, "time", time_s);
        add_rows(&frame, &rows);
    }
    int rc = frame_end(&frame, ret_text);
    rows_end(&rows);
    return rc;
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
