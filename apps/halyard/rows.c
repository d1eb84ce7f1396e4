/* SPDX-License-Identifier: MIT */
/*
 * One table says how each field is written. Numbers come as texts, which json-c hands through: its
 * own go by way of printf() and, where they have decimals, through binary fractions.
 */
#include "rows.h"

#include <json-c/printbuf.h>
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

/* --- values ----------------------------------------------------------------------------------- */

char *rows_number(char text[ROWS_NUMBER_SIZE], int64_t scaled, int decimals)
{
    uint64_t rest = scaled < 0 ? -(uint64_t)scaled : (uint64_t)scaled;
    size_t at = ROWS_NUMBER_SIZE - 1;

    text[at] = '\0';
    for (int digit = 0; digit <= decimals || rest != 0; digit++, rest /= 10) {
        if (digit == decimals && decimals > 0) {
            text[--at] = '.';
        }
        text[--at] = (char)('0' + rest % 10);
    }
    if (scaled < 0) {
        text[--at] = '-';
    }
    return &text[at];
}

static bool is_text(enum vessel_field field)
{
    return field == VESSEL_CLASS || field == VESSEL_NAME || field == VESSEL_CALLSIGN ||
           field == VESSEL_DESTINATION || field == VESSEL_ETA;
}

/* Texts may hold anything, so that json-c writes them; all else is written here. */
static struct json_object *new_value(enum vessel_field field)
{
    struct json_object *value =
        is_text(field) ? json_object_new_string("") : json_object_new_int(0);

    if (value != NULL && !is_text(field)) {
        json_object_set_serializer(value, json_object_userdata_to_json_string, NULL, NULL);
    }
    return value;
}

static void set_text(struct rows *rows, enum vessel_field field, const char *text)
{
    rows->failed = json_object_set_string(rows->values[field], text) == 0 || rows->failed;
}

/* `text` lasts until the row is written. */
static void set_written(struct rows *rows, enum vessel_field field, const char *text)
{
    union {
        const char *constant;
        void *plain;
    } written = {.constant = text};

    json_object_set_userdata(rows->values[field], written.plain, NULL);
}

static void set_number(struct rows *rows, enum vessel_field field, int64_t scaled, int decimals)
{
    set_written(rows, field, rows_number(rows->numbers[field], scaled, decimals));
}

/* 1/600000 degree to millionths, to the nearest. */
static void set_degrees(struct rows *rows, enum vessel_field field, int32_t raw)
{
    set_number(rows, field, ((int64_t)raw * 5 + (raw < 0 ? -1 : 1)) / 3, 6);
}

static void set_turn(struct rows *rows, int32_t indicator)
{
    double tenths = vessel_turn(indicator) * 10;

    set_number(rows, VESSEL_TURN, (int64_t)(tenths < 0 ? tenths - 0.5 : tenths + 0.5), 1);
}

/* "MM-DD hh:mm" from decimal MMDDhhmm. */
static void set_eta(struct rows *rows, int32_t value)
{
    char text[] = "00-00 00:00";

    for (int at = (int)sizeof(text) - 2; at >= 0; at--) {
        if (text[at] == '0') {
            text[at] = (char)('0' + value % 10);
            value /= 10;
        }
    }
    set_text(rows, VESSEL_ETA, text);
}

static void set_special(struct rows *rows, const struct vessel *vessel, enum vessel_field field)
{
    int32_t number = vessel->number[field];

    switch (field) {
    case VESSEL_MMSI:
        set_number(rows, field, vessel->mmsi, 0);
        break;
    case VESSEL_CLASS:
        set_text(rows, field, class_names[number]);
        break;
    case VESSEL_NAME:
        set_text(rows, field, vessel->name);
        break;
    case VESSEL_CALLSIGN:
        set_text(rows, field, vessel->callsign);
        break;
    case VESSEL_TURN:
        set_turn(rows, number);
        break;
    case VESSEL_DESTINATION:
        set_text(rows, field, vessel->destination);
        break;
    case VESSEL_ETA:
        set_eta(rows, number);
        break;
    case VESSEL_SEEN:
        set_number(rows, field, vessel->seen_s, 0);
        break;
    default: /* VESSEL_MESSAGES */
        set_number(rows, field, vessel->messages, 0);
        break;
    }
}

static void set_value(struct rows *rows, const struct vessel *vessel, enum vessel_field field)
{
    int32_t number = vessel->number[field];

    switch (columns[field].kind) {
    case KIND_INTEGER:
        set_number(rows, field, number, 0);
        break;
    case KIND_BOOLEAN:
        set_written(rows, field, number != 0 ? "true" : "false");
        break;
    case KIND_TENTHS:
        set_number(rows, field, number, 1);
        break;
    case KIND_DEGREES:
        set_degrees(rows, field, number);
        break;
    default:
        set_special(rows, vessel, field);
        break;
    }
}

/* --- rows ------------------------------------------------------------------------------------- */

static bool is_in(uint32_t fields, int field)
{
    return (fields >> field & 1) != 0;
}

/* A reference to the value, or NULL, a JSON null, for what is not known. */
static struct json_object *value_or_null(struct rows *rows, uint32_t known, int field)
{
    return is_in(known, field) ? json_object_get(rows->values[field]) : NULL;
}

static void fill_array(struct rows *rows, uint32_t known)
{
    for (int field = 0; field < VESSEL_FIELD_COUNT; field++) {
        struct json_object *value = value_or_null(rows, known, field);

        if (json_object_array_put_idx(rows->row, (size_t)field, value) != 0) {
            json_object_put(value);
            rows->failed = true;
        }
    }
}

/* Members of another row would stand in its order, so that they all go. */
static void fill_object(struct rows *rows, uint32_t fields, uint32_t known)
{
    if (fields == rows->members && known == rows->known) {
        return;
    }
    for (int field = 0; field < VESSEL_FIELD_COUNT; field++) {
        if (is_in(rows->members, field)) {
            json_object_object_del(rows->row, columns[field].name);
        }
    }
    for (int field = 0; field < VESSEL_FIELD_COUNT; field++) {
        struct json_object *value = value_or_null(rows, known, field);

        if (is_in(fields, field) &&
            json_object_object_add_ex(rows->row, columns[field].name, value,
                                      JSON_C_OBJECT_ADD_KEY_IS_NEW |
                                          JSON_C_OBJECT_KEY_IS_CONSTANT) != 0) {
            json_object_put(value);
            rows->failed = true;
        }
    }
    rows->members = fields;
    rows->known = known;
}

static void append(struct rows *rows, const char *text, size_t size)
{
    rows->failed = printbuf_memappend(rows->text, text, (int)size) < 0 || rows->failed;
}

static void append_row(struct rows *rows)
{
    size_t size;
    const char *text = json_object_to_json_string_length(
        rows->row, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &size);

    if (text == NULL) {
        rows->failed = true;
        return;
    }
    if (printbuf_length(rows->text) > 1) {
        append(rows, ",", 1);
    }
    append(rows, text, size);
}

const char *rows_field_name(enum vessel_field field)
{
    return columns[field].name;
}

void rows_begin(struct rows *rows, bool are_objects)
{
    rows->text = printbuf_new();
    rows->row =
        are_objects ? json_object_new_object() : json_object_new_array_ext(VESSEL_FIELD_COUNT);
    rows->failed = rows->text == NULL || rows->row == NULL;
    rows->members = 0;
    rows->known = 0;
    for (int field = 0; field < VESSEL_FIELD_COUNT; field++) {
        rows->values[field] = new_value((enum vessel_field)field);
        rows->failed = rows->failed || rows->values[field] == NULL;
    }
    if (!rows->failed) {
        append(rows, "[", 1);
    }
}

void rows_add(struct rows *rows, const struct vessel *vessel, uint32_t fields)
{
    if (rows->failed) {
        return;
    }
    fields = (fields | UINT32_C(1) << VESSEL_MMSI) & ((UINT32_C(1) << VESSEL_FIELD_COUNT) - 1);
    uint32_t known = fields & vessel->known;

    for (int field = 0; field < VESSEL_FIELD_COUNT; field++) {
        if (is_in(known, field)) {
            set_value(rows, vessel, (enum vessel_field)field);
        }
    }
    if (json_object_is_type(rows->row, json_type_array)) {
        fill_array(rows, known);
    } else {
        fill_object(rows, fields, known);
    }
    append_row(rows);
}

struct json_object *rows_array(struct rows *rows)
{
    if (!rows->failed) {
        append(rows, "]", 1);
    }
    struct json_object *array = rows->failed ? NULL : json_object_new_array_ext(1);

    if (array != NULL) {
        json_object_set_serializer(array, json_object_userdata_to_json_string, rows->text->buf,
                                   NULL);
    }
    return array;
}

void rows_end(struct rows *rows)
{
    for (int field = 0; field < VESSEL_FIELD_COUNT; field++) {
        json_object_put(rows->values[field]);
    }
    json_object_put(rows->row);
    if (rows->text != NULL) {
        printbuf_free(rows->text);
    }
}
