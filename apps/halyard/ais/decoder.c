/* SPDX-License-Identifier: MIT */
/* The facade over scanner, assembler and decoder, and the one place that counts sentences. */
#include "decoder.h"

#include "decode.h"

#include <string.h>

#define DEFAULT_TIMEOUT_NS INT64_C(5000000000)
#define DEFAULT_REORDER_NS INT64_C(50000000)

/* What stays the same during one call of ais_decoder_feed(). */
struct feed {
    struct ais_decoder *decoder;
    uint32_t source;
    int64_t now_ns;
    ais_report_handler handler;
    void *context;
};

/* A complete payload on its way to a message. */
struct payload {
    const struct ais_bits *bits;
    const struct ais_origin *origin;
    char channel;
    bool own_ship;
    bool is_joined; /* from several fragments */
};

void ais_decoder_init(struct ais_decoder *decoder, const struct ais_decoder_options *options)
{
    memset(decoder, 0, offsetof(struct ais_decoder, assembler));
    if (options != NULL) {
        decoder->options = *options;
    }
    if (decoder->options.timeout_ns <= 0) {
        decoder->options.timeout_ns = DEFAULT_TIMEOUT_NS;
    }
    if (decoder->options.reorder_ns <= 0) {
        decoder->options.reorder_ns = DEFAULT_REORDER_NS;
    }
    ais_assembler_init(&decoder->assembler, &decoder->counters, decoder->options.timeout_ns,
                       decoder->options.reorder_ns);
    memset(&decoder->pending, 0, sizeof(decoder->pending));
    decoder->has_pending = false;
    decoder->pending_source = 0;
}

static void reject_payload(struct ais_counters *counters, enum ais_reject reason, unsigned type)
{
    counters->rejected[reason]++;
    if (reason == AIS_REJECT_TYPE_NOT_BUILT) {
        counters->not_built_by_type[type]++;
    }
}

static void take_payload(const struct feed *feed, const struct payload *payload)
{
    struct ais_counters *counters = &feed->decoder->counters;
    struct ais_report report;
    enum ais_reject reason = ais_decode(payload->bits, &report.message);

    counters->assembled++;
    counters->assembled_multi += payload->is_joined;
    if (reason != AIS_REJECT_NONE) {
        reject_payload(counters, reason, report.message.type);
        return;
    }
    counters->messages++;
    counters->decoded_by_type[report.message.type]++;
    if (feed->handler == NULL) {
        return;
    }
    report.received_ns = feed->now_ns;
    report.station_ns = payload->origin->time_ns;
    report.source = feed->source;
    report.channel = payload->channel;
    report.own_ship = payload->own_ship;
    memcpy(report.station, payload->origin->station, sizeof(report.station));
    feed->handler(feed->context, &report);
}

static void take_fragment(const struct feed *feed, const struct ais_sentence *sentence,
                          const struct ais_origin *origin)
{
    struct ais_decoder *decoder = feed->decoder;
    struct ais_assembly assembly;

    if (!ais_assembler_add(&decoder->assembler, sentence, origin, feed->source, feed->now_ns,
                           &assembly)) {
        return;
    }
    if (!assembly.is_valid) {
        decoder->counters.rejected[AIS_REJECT_ARMOUR]++;
        return;
    }
    struct payload payload = {
        .bits = &assembly.bits,
        .origin = &assembly.origin,
        .channel = assembly.channel,
        .own_ship = sentence->own_ship,
        .is_joined = true,
    };
    take_payload(feed, &payload);
}

static void take_single(const struct feed *feed, const struct ais_sentence *sentence,
                        const struct ais_origin *origin)
{
    struct ais_counters *counters = &feed->decoder->counters;
    struct ais_slice text = sentence->payload;
    struct ais_bits bits;

    if (text.size > AIS_PAYLOAD_MAX) {
        counters->rejected[AIS_REJECT_TOO_LONG]++;
        return;
    }
    if (!ais_bits_from_armour(&bits, text.data, text.size, sentence->fill)) {
        counters->rejected[AIS_REJECT_ARMOUR]++;
        return;
    }
    struct payload payload = {
        .bits = &bits,
        .origin = origin,
        .channel = sentence->channel,
        .own_ship = sentence->own_ship,
    };
    take_payload(feed, &payload);
}

static void take_sentence(const struct feed *feed, const struct ais_sentence *sentence)
{
    struct ais_decoder *decoder = feed->decoder;
    struct ais_origin origin = {0};

    decoder->counters.sentences++;
    if (decoder->has_pending) {
        origin = decoder->pending;
        decoder->has_pending = false;
    }
    if (sentence->reject != AIS_REJECT_NONE) {
        decoder->counters.rejected[sentence->reject]++;
        return;
    }
    if (sentence->suffix.size > 0) {
        ais_origin_from_suffix(&origin, sentence->suffix);
    }
    if (sentence->prefix.size > 0) {
        ais_origin_from_prefix(&origin, sentence->prefix);
    }
    if (sentence->fragment_count > 1) {
        take_fragment(feed, sentence, &origin);
    } else {
        take_single(feed, sentence, &origin);
    }
}

static struct ais_origin *pending_origin(const struct feed *feed)
{
    struct ais_decoder *decoder = feed->decoder;

    if (!decoder->has_pending) {
        memset(&decoder->pending, 0, sizeof(decoder->pending));
        decoder->has_pending = true;
        decoder->pending_source = feed->source;
    }
    return &decoder->pending;
}

static void take_tag_block(const struct feed *feed, const struct ais_sentence *item)
{
    struct ais_counters *counters = &feed->decoder->counters;

    counters->tag_blocks++;
    if (item->checksum_ok) {
        ais_origin_from_tag_block(pending_origin(feed), item->text);
    } else {
        counters->tag_blocks_rejected++;
    }
}

/* A tag block speaks for the sentence behind it, whichever that is; $PGHP for the one behind
 * itself. */
static void take_other(const struct feed *feed, const struct ais_sentence *item)
{
    struct ais_origin origin = {0};

    feed->decoder->counters.other_sentences++;
    feed->decoder->has_pending = false;
    if (ais_origin_from_pghp(&origin, item->text)) {
        *pending_origin(feed) = origin;
    }
}

void ais_decoder_feed(struct ais_decoder *decoder, const void *data, size_t size, uint32_t source,
                      int64_t now_ns, ais_report_handler handler, void *context)
{
    struct feed feed = {decoder, source, now_ns, handler, context};

    decoder->counters.feeds++;
    decoder->counters.bytes += size;
    if (size == 0) {
        return;
    }
    const char *cursor = data;
    const char *end = cursor + size;
    ais_decoder_expire(decoder, now_ns);
    if (decoder->has_pending && decoder->pending_source != source) {
        decoder->has_pending = false;
    }
    while (cursor < end) {
        struct ais_sentence item;

        switch (ais_scan(&cursor, end, &item)) {
        case AIS_ITEM_AIS:
            take_sentence(&feed, &item);
            break;
        case AIS_ITEM_OTHER:
            take_other(&feed, &item);
            break;
        case AIS_ITEM_TAG_BLOCK:
            take_tag_block(&feed, &item);
            break;
        case AIS_ITEM_END:
            break;
        }
    }
}

void ais_decoder_expire(struct ais_decoder *decoder, int64_t now_ns)
{
    if (decoder->assembler.open != 0) {
        ais_assembler_expire(&decoder->assembler, now_ns);
    }
}

void ais_decoder_fini(struct ais_decoder *decoder)
{
    decoder->has_pending = false;
}
