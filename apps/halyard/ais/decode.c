/* SPDX-License-Identifier: MIT */
/* The decoder: walks the layout of the type. See layout.h for the tables. */
#include "decode.h"

#include "layout.h"

enum {
    TYPE_BITS = 6,
};

static void trim_spaces(char *text, size_t length)
{
    while (length > 0 && text[length - 1] == ' ') {
        text[--length] = '\0';
    }
}

/*
 * A text counts as present when all but its last character came whole, or when it was ended within
 * what came. (A static report may lack its last bits; half a name is none.)
 */
static bool decode_text(const struct ais_bits *bits, const struct ais_layout_field *field,
                        char *text)
{
    size_t length = field->width / 6;
    size_t whole = field->start < bits->count ? (bits->count - field->start) / 6 : 0;
    size_t size = ais_bits_get_text(bits, field->start, whole < length ? whole : length, text);

    if (whole + 1 < length && size == whole) {
        text[0] = '\0';
        return false;
    }
    trim_spaces(text, size);
    return true;
}

static void decode_number(const struct ais_bits *bits, const struct ais_layout_field *field,
                          void *member)
{
    uint32_t value = ais_bits_get(bits, field->start, field->width);

    switch ((enum ais_kind)field->kind) {
    case AIS_KIND_U8:
        *(uint8_t *)member = (uint8_t)value;
        break;
    case AIS_KIND_U16:
        *(uint16_t *)member = (uint16_t)value;
        break;
    case AIS_KIND_U32:
        *(uint32_t *)member = value;
        break;
    case AIS_KIND_S8:
        *(int8_t *)member = (int8_t)ais_bits_get_signed(bits, field->start, field->width);
        break;
    case AIS_KIND_S32:
        *(int32_t *)member = ais_bits_get_signed(bits, field->start, field->width);
        break;
    case AIS_KIND_FLAG:
        *(bool *)member = value != 0;
        break;
    case AIS_KIND_TEXT:
        break;
    }
}

/* The extension continues a name that fills its 20 characters; anything else in there is padding.
 */
static void decode_aid_name(const struct ais_bits *bits, char *name)
{
    size_t size = ais_bits_get_text(bits, 43, AIS_NAME_LENGTH, name);

    if (size == AIS_NAME_LENGTH && bits->count > AIS_AID_EXTENSION_START) {
        size_t whole = (bits->count - AIS_AID_EXTENSION_START) / 6;

        if (whole > AIS_AID_EXTENSION_LENGTH) {
            whole = AIS_AID_EXTENSION_LENGTH;
        }
        size += ais_bits_get_text(bits, AIS_AID_EXTENSION_START, whole, name + size);
    }
    trim_spaces(name, size);
}

enum ais_reject ais_decode(const struct ais_bits *bits, struct ais_message *ret_message)
{
    struct ais_message *message = ret_message;

    memset(message, 0, sizeof(*message));
    message->bits = (uint16_t)bits->count;
    if (bits->count < TYPE_BITS) {
        return AIS_REJECT_LENGTH;
    }
    message->type = (uint8_t)ais_bits_get(bits, 0, 6);
    if (message->type == 0 || message->type > AIS_TYPE_MAX) {
        return AIS_REJECT_TYPE_INVALID;
    }
    message->repeat = (uint8_t)ais_bits_get(bits, 6, 2);
    message->mmsi = ais_bits_get(bits, 8, 30);
    unsigned part = ais_bits_get(bits, AIS_PART_START, AIS_PART_WIDTH);
    const struct ais_layout *layout = ais_layout(message->type, part, message->mmsi);
    if (layout == NULL) {
        return message->type != 24                              ? AIS_REJECT_TYPE_NOT_BUILT
               : bits->count >= AIS_PART_START + AIS_PART_WIDTH ? AIS_REJECT_PART
                                                                : AIS_REJECT_LENGTH;
    }
    if (bits->count < layout->bits_min) {
        return AIS_REJECT_LENGTH;
    }
    for (unsigned i = 0; i < layout->field_count; i++) {
        const struct ais_layout_field *field = &layout->fields[i];
        char *member = (char *)message + field->member;

        if (field->kind == AIS_KIND_TEXT) {
            if (!decode_text(bits, field, member)) {
                continue;
            }
        } else if (field->start + field->width <= bits->count) {
            decode_number(bits, field, member);
        } else {
            continue;
        }
        message->present |= UINT64_C(1) << field->field;
    }
    if (message->type == 21) {
        decode_aid_name(bits, message->aid.name);
    }
    return AIS_REJECT_NONE;
}
