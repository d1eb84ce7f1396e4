/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a series of datagrams into the AIS decoder: it must not read past an end, and its
 * counters must add up. A byte 0xff ends a datagram. Each message is encoded and decoded again, and
 * must lack nothing.
 */
#include "ais/decode.h"
#include "ais/decoder.h"
#include "ais/encode.h"
#include "ais/json.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool is_right)
{
    if (!is_right) {
        abort();
    }
}

static void check_report(void *context, const struct ais_report *report)
{
    struct ais_bits bits;
    struct ais_message again;
    char text[AIS_JSON_MAX];

    (void)context;
    check(ais_json(&report->message, true, text, sizeof(text)) > 0);
    check(ais_json(&report->message, false, text, sizeof(text)) > 0);
    check(ais_encode_payload(&report->message, &bits) == 0);
    check(ais_decode(&bits, &again) == AIS_REJECT_NONE);
    check(again.type == report->message.type && again.mmsi == report->message.mmsi &&
          (again.present & report->message.present) == report->message.present &&
          again.bits == report->message.bits);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct ais_decoder decoder;
    int64_t now_ns = 0;

    ais_decoder_init(&decoder, NULL);
    while (size > 0) {
        const uint8_t *end = memchr(data, 0xff, size);
        size_t part = end != NULL ? (size_t)(end - data) : size;
        /* A copy of the exact size, so that a sanitizer sees what lies beyond it. */
        char *datagram = malloc(part > 0 ? part : 1);

        if (datagram == NULL) {
            break;
        }
        memcpy(datagram, data, part);
        now_ns += 20000000;
        ais_decoder_feed(&decoder, datagram, part, 0, now_ns, check_report, NULL);
        free(datagram);
        check(ais_counters_add_up(&decoder.counters));
        data += part + (end != NULL);
        size -= part + (end != NULL);
    }
    ais_decoder_fini(&decoder);
    return 0;
}
