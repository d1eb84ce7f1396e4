/* SPDX-License-Identifier: MIT */
/* Time, station and group of a sentence from its surroundings; see origin.h. */
#include "origin.h"

#include <string.h>

#define NS_PER_S INT64_C(1000000000)

enum {
    SECONDS_DIGITS = 10,
    MILLISECONDS_DIGITS = 13,
    NANOSECONDS_DIGITS = 19,
};

/* UNIX time in a unit told by its size; 0 if it makes no sense as one. */
static int64_t time_from_number(int64_t value)
{
    if (value < INT64_C(100000000000)) {
        /* What cannot be counted in ns by 63 bits, a date after 2262, is no time of reception. */
        return value > INT64_MAX / NS_PER_S ? 0 : value * NS_PER_S;
    }
    if (value < INT64_C(100000000000000)) {
        int64_t limit = INT64_MAX / 1000000;

        return value > limit ? 0 : value * 1000000;
    }
    return value >= INT64_C(100000000000000000) ? value : 0;
}

static void set_station(struct ais_origin *origin, struct ais_slice name)
{
    size_t size = name.size < AIS_STATION_SIZE ? name.size : AIS_STATION_SIZE - 1;

    memset(origin->station, 0, sizeof(origin->station));
    for (size_t i = 0; i < size; i++) {
        char c = name.data[i];

        origin->station[i] = (char)(c > ' ' && c <= '~' ? c : '_');
    }
}

static uint32_t hash(struct ais_slice text)
{
    uint32_t value = UINT32_C(2166136261);

    for (size_t i = 0; i < text.size; i++) {
        value = (value ^ (unsigned char)text.data[i]) * UINT32_C(16777619);
    }
    return value != 0 ? value : 1;
}

static void set_time(struct ais_origin *origin, struct ais_slice text)
{
    const char *cursor = text.data;
    int64_t value;

    if (ais_digits(&cursor, text.data + text.size, &value) > 0) {
        origin->time_ns = time_from_number(value);
    }
}

/* "1-2-73874": sentence, of how many, of which group. */
static void set_group(struct ais_origin *origin, struct ais_slice text)
{
    size_t start = text.size;

    while (start > 0 && text.data[start - 1] != '-') {
        start--;
    }
    if (start > 0 && start < text.size) {
        struct ais_slice id = {text.data + start, text.size - start};

        origin->group = hash(id);
    }
}

static void take_pair(struct ais_origin *origin, struct ais_slice key, struct ais_slice value)
{
    if (key.size == 1 && value.size > 0) {
        switch (key.data[0]) {
        case 'c':
            set_time(origin, value);
            break;
        case 's':
            set_station(origin, value);
            break;
        case 'g':
            set_group(origin, value);
            break;
        default:
            break;
        }
    } else if (key.size == 3 && key.data[1] == 'G' && ais_is_digit(key.data[0]) &&
               ais_is_digit(key.data[2]) && value.size > 0) {
        /* IEC 62320-1: "1G2:0125" is sentence 1 of 2 of group 0125. */
        origin->group = hash(value);
    }
}

static struct ais_slice next_part(struct ais_slice *rest, char separator)
{
    struct ais_slice part = *rest;
    const char *end = part.size > 0 ? memchr(part.data, separator, part.size) : NULL;

    if (end == NULL) {
        rest->data += rest->size;
        rest->size = 0;
        return part;
    }
    part.size = (size_t)(end - part.data);
    rest->data = end + 1;
    rest->size -= part.size + 1;
    return part;
}

void ais_origin_from_tag_block(struct ais_origin *origin, struct ais_slice text)
{
    while (text.size > 0) {
        struct ais_slice value = next_part(&text, ',');
        struct ais_slice key = next_part(&value, ':');

        take_pair(origin, key, value);
    }
}

void ais_origin_from_suffix(struct ais_origin *origin, struct ais_slice text)
{
    bool has_time = origin->time_ns != 0;

    while (text.size > 0) {
        struct ais_slice part = next_part(&text, ',');

        if (part.size == 0) {
            continue;
        }
        if ((part.data[0] == 'r' || part.data[0] == 'b') && part.size > 1) {
            if (origin->station[0] == '\0') {
                set_station(origin, part);
            }
        } else if (!has_time && part.size >= SECONDS_DIGITS && ais_is_digit(part.data[0])) {
            set_time(origin, part);
            has_time = true;
        }
    }
}

void ais_origin_from_prefix(struct ais_origin *origin, struct ais_slice text)
{
    const char *cursor = text.data;
    const char *end = text.data + text.size;
    int64_t value;

    if (origin->time_ns != 0) {
        return;
    }
    int digits = ais_digits(&cursor, end, &value);
    if ((digits == SECONDS_DIGITS || digits == MILLISECONDS_DIGITS ||
         digits == NANOSECONDS_DIGITS) &&
        (cursor == end || *cursor == ' ' || *cursor == ',' || *cursor == ';' || *cursor == '\t')) {
        origin->time_ns = time_from_number(value);
    }
}

/*
 * Of a date in the Gregorian calendar, from the year 1 on; a day past the end of its month counts
 * into the next, and a day or month 0 is the last one before. The year is taken to begin in March,
 * so that the day of leap years is its last one.
 */
static int64_t days_since_1970(int64_t year, int64_t month, int64_t day)
{
    const int64_t from_march = month > 2 ? month - 3 : month + 9;
    const int64_t past = month > 2 ? year : year - 1;

    return past * 365 + past / 4 - past / 100 + past / 400 + (from_march * 153 + 2) / 5 + day -
           719469;
}

/* $PGHP,1,year,month,day,hour,minute,second,ms,country,region,base station,... */
bool ais_origin_from_pghp(struct ais_origin *origin, struct ais_slice text)
{
    enum {
        FIELD_COUNT = 7
    };
    static const char start[] = "$PGHP,1,";
    static const int64_t highest[FIELD_COUNT] = {9999, 12, 31, 23, 59, 60, 999};
    int64_t field[FIELD_COUNT];

    if (text.size < sizeof(start) || memcmp(text.data, start, sizeof(start) - 1) != 0) {
        return false;
    }
    struct ais_slice rest = {text.data + sizeof(start) - 1, text.size - (sizeof(start) - 1)};
    for (int i = 0; i < FIELD_COUNT; i++) {
        struct ais_slice part = next_part(&rest, ',');
        const char *cursor = part.data;

        if (ais_digits(&cursor, part.data + part.size, &field[i]) == 0 || field[i] > highest[i]) {
            return false;
        }
    }
    int64_t days = days_since_1970(field[0], field[1], field[2]);
    int64_t seconds = ((days * 24 + field[3]) * 60 + field[4]) * 60 + field[5];
    if (seconds <= 0 || seconds > INT64_MAX / NS_PER_S - 1) {
        return false;
    }
    origin->time_ns = seconds * NS_PER_S + field[6] * 1000000;
    (void)next_part(&rest, ','); /* country */
    (void)next_part(&rest, ','); /* region */
    struct ais_slice station = next_part(&rest, ',');
    if (station.size > 0) {
        set_station(origin, station);
    }
    return true;
}
