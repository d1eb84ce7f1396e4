/* SPDX-License-Identifier: MIT */
/* The encoder: walks the same layout as the decoder, then cuts the armour into sentences. */
#include "encode.h"

#include "layout.h"

#include <errno.h>
#include <stdio.h>

static uint32_t member_value(const struct ais_layout_field *field, const void *member)
{
    switch ((enum ais_kind)field->kind) {
    case AIS_KIND_U8:
        return *(const uint8_t *)member;
    case AIS_KIND_U16:
        return *(const uint16_t *)member;
    case AIS_KIND_U32:
        return *(const uint32_t *)member;
    case AIS_KIND_S8:
        return (uint32_t) * (const int8_t *)member;
    case AIS_KIND_S32:
        return (uint32_t) * (const int32_t *)member;
    case AIS_KIND_FLAG:
        return *(const bool *)member;
    case AIS_KIND_TEXT:
        break;
    }
    return 0;
}

/* An extended name is sent in whole characters, then padded to a whole byte. */
static unsigned full_length(const struct ais_message *message, const struct ais_layout *layout)
{
    size_t name = message->type == 21 ? strnlen(message->aid.name, AIS_AID_NAME_LENGTH) : 0;

    if (name <= AIS_NAME_LENGTH) {
        return layout->bits;
    }
    return ((unsigned)(layout->bits + (name - AIS_NAME_LENGTH) * 6) + 7) / 8 * 8;
}

int ais_encode_payload(const struct ais_message *message, struct ais_bits *ret_bits)
{
    const struct ais_layout *layout =
        ais_layout(message->type, message->static_b.part, message->mmsi);

    if (layout == NULL) {
        return -EINVAL;
    }
    unsigned length = message->bits != 0 ? message->bits : full_length(message, layout);
    if (length < layout->bits_min || length > AIS_BITS_MAX) {
        return -EINVAL;
    }
    ais_bits_clear(ret_bits, length);
    ais_bits_put(ret_bits, 0, 6, message->type);
    ais_bits_put(ret_bits, 6, 2, message->repeat);
    ais_bits_put(ret_bits, 8, 30, message->mmsi);
    for (unsigned i = 0; i < layout->field_count; i++) {
        const struct ais_layout_field *field = &layout->fields[i];
        const char *member = (const char *)message + field->member;

        if (field->kind != AIS_KIND_TEXT) {
            ais_bits_put(ret_bits, field->start, field->width, member_value(field, member));
        } else if (field->field != AIS_VENDORID_OLD) {
            ais_bits_put_text(ret_bits, field->start, field->width / 6, member);
        }
    }
    if (message->type == 21 && strnlen(message->aid.name, AIS_NAME_LENGTH) == AIS_NAME_LENGTH) {
        ais_bits_put_text(ret_bits, AIS_AID_EXTENSION_START, AIS_AID_EXTENSION_LENGTH,
                          message->aid.name + AIS_NAME_LENGTH);
    }
    return 0;
}

static int append_sentence(const struct ais_encode_options *options, unsigned count,
                           unsigned number, const char *payload, size_t payload_size, unsigned fill,
                           char *text, size_t size)
{
    char sequence[2] = "";
    char channel[2] = {options->channel, '\0'};

    if (count > 1) {
        sequence[0] = (char)('0' + options->sequence % 10);
    }
    bool has_talker = options->talker[0] != '\0' && options->talker[1] != '\0';
    int length = snprintf(text, size, "!%.2sVD%c,%u,%u,%s,%s,%.*s,%u",
                          has_talker ? options->talker : "AI", options->own_ship ? 'O' : 'M', count,
                          number, sequence, channel, (int)payload_size, payload, fill);

    if (length < 0 || (size_t)length + sizeof("*hh\r\n") > size) {
        return -ENOSPC;
    }
    unsigned sum = 0;
    for (int i = 1; i < length; i++) {
        sum ^= (unsigned char)text[i];
    }
    return length + snprintf(text + length, size - (size_t)length, "*%02X\r\n", sum);
}

int ais_encode(const struct ais_message *message, const struct ais_encode_options *options,
               char *text, size_t size)
{
    struct ais_bits bits;
    char payload[AIS_PAYLOAD_MAX];
    unsigned fill;
    int error = ais_encode_payload(message, &bits);

    if (error < 0) {
        return error;
    }
    size_t payload_size = ais_bits_to_armour(&bits, payload, &fill);
    unsigned count = (unsigned)((payload_size + AIS_SENTENCE_PAYLOAD - 1) / AIS_SENTENCE_PAYLOAD);
    size_t used = 0;

    for (unsigned i = 0; i < count; i++) {
        size_t first = (size_t)i * AIS_SENTENCE_PAYLOAD;
        size_t part = payload_size - first;
        bool is_last = i + 1 == count;
        int length = append_sentence(options, count, i + 1, payload + first,
                                     is_last ? part : AIS_SENTENCE_PAYLOAD, is_last ? fill : 0,
                                     text + used, size - used);

        if (length < 0) {
            return length;
        }
        used += (size_t)length;
    }
    return (int)used;
}
