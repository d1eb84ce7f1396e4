/* SPDX-License-Identifier: MIT */
/*
 * Vessels as rows of JSON, for frames with many of them. One row and one object for each field are
 * all that there is of json-c: they are filled and written for each vessel in turn, and the texts
 * are gathered. A tree with an object for each field of each vessel takes several times as long.
 */
#ifndef HALYARD_ROWS_H
#define HALYARD_ROWS_H

#include "tracker.h"

#include <json-c/json.h>

enum {
    ROWS_NUMBER_SIZE = 32 /* room for any number of rows_number() */
};

struct rows {
    struct json_object *row; /* an array or an object */
    struct json_object *values[VESSEL_FIELD_COUNT];
    char numbers[VESSEL_FIELD_COUNT][ROWS_NUMBER_SIZE];
    uint32_t members; /* the fields that an object has at the moment, */
    uint32_t known;   /* and those of them that are no nulls */
    struct printbuf *text;
    bool failed;
};

/* Name of a field. */
const char *rows_field_name(enum vessel_field field);

/* Starts; rows are arrays with all fields, or objects with some. End it in any case. */
void rows_begin(struct rows *rows, bool are_objects);

/* Adds a vessel; of an object, the fields of the set and the MMSI. */
void rows_add(struct rows *rows, const struct vessel *vessel, uint32_t fields);

/* The array of all rows, to be written before rows_end(), or NULL: no memory, here or before. Call
 * it once. */
struct json_object *rows_array(struct rows *rows);

void rows_end(struct rows *rows);

/* A number with exactly `decimals` decimals, from its value times 10 to that power. Returns a place
 * in `text`. */
char *rows_number(char text[ROWS_NUMBER_SIZE], int64_t scaled, int decimals);

#endif
