/* SPDX-License-Identifier: MIT */
/*
 * One pass over the bytes: a table says which end a sentence, which divide its fields; the checksum
 * is summed on the way.
 */
#include "sentence.h"

#include <string.h>

enum {
    CLASS_PLAIN,
    CLASS_COMMA,
    CLASS_STAR,
    CLASS_START, /* "!", "$", "\": NMEA 0183 allows them nowhere else */
    CLASS_LINE_END,
};

enum {
    FIELD_COUNT, /* within the sentence's fields, from 1: count, number, id, channel, payload, fill
                  */
    FIELD_NUMBER,
    FIELD_ID,
    FIELD_CHANNEL,
    FIELD_PAYLOAD,
    FIELD_FILL,
    FIELDS,
    ADDRESS_SIZE = 6, /* "!AIVDM" */
};

static const uint8_t classes[256] = {
    ['\0'] = CLASS_LINE_END, ['\n'] = CLASS_LINE_END, ['\r'] = CLASS_LINE_END, [','] = CLASS_COMMA,
    ['*'] = CLASS_STAR,      ['!'] = CLASS_START,     ['$'] = CLASS_START,     ['\\'] = CLASS_START,
};

static uint8_t class_of(char c)
{
    return classes[(unsigned char)c];
}

/* What a pass over one sentence or tag block found. */
struct pass {
    const char *comma[FIELDS + 1]; /* the first seven */
    int comma_count;
    const char *end;  /* the "*", or where it broke off */
    const char *next; /* behind the checksum */
    bool has_checksum;
    bool checksum_ok;
};

static void run_pass(struct pass *pass, const char *start, const char *end)
{
    unsigned char sum = 0;
    const char *p = start + 1;

    pass->comma_count = 0;
    pass->has_checksum = false;
    pass->checksum_ok = false;
    for (; p < end; p++) {
        uint8_t class = class_of(*p);

        if (class == CLASS_COMMA) {
            if (pass->comma_count < FIELDS + 1) {
                pass->comma[pass->comma_count++] = p;
            }
        } else if (class != CLASS_PLAIN) {
            break;
        }
        sum ^= (unsigned char)*p;
    }
    pass->end = p;
    pass->next = p;
    if (p < end && *p == '*') {
        pass->next = p + 1;
        if (end - p >= 3) {
            int high = ais_hex_value(p[1]);
            int low = ais_hex_value(p[2]);

            if (high >= 0 && low >= 0) {
                pass->has_checksum = true;
                pass->checksum_ok = high * 16 + low == sum;
                pass->next = p + 3;
            }
        }
    }
}

static struct ais_slice slice(const char *start, const char *end)
{
    struct ais_slice result = {start, (size_t)(end - start)};

    return result;
}

/* One or two digits; -1 for anything else. */
static int small_number(const char *start, const char *end)
{
    int64_t value;
    const char *cursor = start;
    int digits = ais_digits(&cursor, end, &value);

    return digits >= 1 && digits <= 2 && cursor == end ? (int)value : -1;
}

static enum ais_reject read_fields(struct ais_sentence *sentence, const struct pass *pass)
{
    const char *first[FIELDS];
    const char *last[FIELDS];

    if (!pass->has_checksum) {
        return AIS_REJECT_NO_CHECKSUM;
    }
    if (!pass->checksum_ok) {
        return AIS_REJECT_CHECKSUM;
    }
    if (pass->comma_count < FIELDS || pass->comma[0] != sentence->text.data + ADDRESS_SIZE) {
        return AIS_REJECT_FORMAT;
    }
    for (int i = 0; i < FIELDS; i++) {
        first[i] = pass->comma[i] + 1;
        last[i] = i + 1 < pass->comma_count ? pass->comma[i + 1] : pass->end;
    }
    int count = small_number(first[FIELD_COUNT], last[FIELD_COUNT]);
    int number = small_number(first[FIELD_NUMBER], last[FIELD_NUMBER]);
    if (count < 0 || number < 0) {
        return AIS_REJECT_FORMAT;
    }
    if (count < 1 || count > 9 || number < 1 || number > count) {
        return AIS_REJECT_FRAGMENT_NUMBER;
    }
    sentence->fragment_count = (uint8_t)count;
    sentence->fragment_number = (uint8_t)number;
    sentence->sequence_id = (int16_t)small_number(first[FIELD_ID], last[FIELD_ID]);
    sentence->channel =
        (char)(first[FIELD_CHANNEL] < last[FIELD_CHANNEL] ? *first[FIELD_CHANNEL] : '\0');
    sentence->payload = slice(first[FIELD_PAYLOAD], last[FIELD_PAYLOAD]);
    int fill = small_number(first[FIELD_FILL], last[FIELD_FILL]);
    sentence->fill = (uint8_t)(fill >= 0 && fill <= 5 ? fill : 0);
    return AIS_REJECT_NONE;
}

static bool is_printable(char c)
{
    return c > ' ' && c <= '~';
}

/* "VDM" or "VDO" behind two characters of any talker. */
static bool is_ais_address(const char *start, const char *end)
{
    return end - start >= ADDRESS_SIZE && start[3] == 'V' && start[4] == 'D' &&
           (start[5] == 'M' || start[5] == 'O') && is_printable(start[1]) && is_printable(start[2]);
}

/* Anything with at least three capital letters or digits and a comma: "$GPRMC,", "$PGHP,". */
static bool is_other_address(const char *start, const char *end)
{
    const char *p = start + 1;

    while (p < end && ((*p >= 'A' && *p <= 'Z') || ais_is_digit(*p))) {
        p++;
    }
    return p - start > 3 && p < end && *p == ',';
}

/* The inside of a tag block ends at "*hh\"; false if there is no such thing. */
static bool scan_tag_block(const char **cursor, const char *end, struct ais_sentence *sentence)
{
    struct pass pass;

    run_pass(&pass, *cursor, end);
    if (!pass.has_checksum || pass.next >= end || *pass.next != '\\') {
        return false;
    }
    sentence->text = slice(*cursor + 1, pass.end);
    sentence->checksum_ok = pass.checksum_ok;
    *cursor = pass.next + 1;
    return true;
}

static void scan_suffix(const char **cursor, const char *end, struct ais_sentence *sentence)
{
    const char *p = *cursor;

    if (p < end && *p == ',') {
        while (p < end && class_of(*p) != CLASS_LINE_END && class_of(*p) != CLASS_START) {
            p++;
        }
    }
    sentence->suffix = slice(*cursor, p);
    *cursor = p;
}

enum ais_item ais_scan(const char **cursor, const char *end, struct ais_sentence *ret_sentence)
{
    const char *p = *cursor;
    const char *line = p;

    for (; p < end; p++) {
        uint8_t class = class_of(*p);
        struct pass pass;

        if (class == CLASS_LINE_END) {
            line = p + 1;
        }
        if (class != CLASS_START) {
            continue;
        }
        ret_sentence->prefix = slice(line, p);
        if (*p == '\\') {
            if (scan_tag_block(&p, end, ret_sentence)) {
                *cursor = p;
                return AIS_ITEM_TAG_BLOCK;
            }
            continue;
        }
        bool is_ais = is_ais_address(p, end);
        if (!is_ais && !is_other_address(p, end)) {
            continue;
        }
        run_pass(&pass, p, end);
        ret_sentence->text = slice(p, pass.end);
        *cursor = pass.next;
        if (!is_ais) {
            return AIS_ITEM_OTHER;
        }
        ret_sentence->own_ship = p[5] == 'O';
        ret_sentence->reject = read_fields(ret_sentence, &pass);
        scan_suffix(cursor, end, ret_sentence);
        return AIS_ITEM_AIS;
    }
    *cursor = end;
    return AIS_ITEM_END;
}
