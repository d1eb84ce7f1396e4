/* SPDX-License-Identifier: MIT */
/*
 * The WebSocket frame parser. A frame's header is collected in the parser and checked in three
 * steps, each as soon as its bytes are there: the first two bytes, the length, the mask. No memory
 * is taken before they have passed, and then only for bytes that have come. One message state:
 * message_opcode is 0 (none open), text or binary. Control frames do not touch it.
 */
#include "ws_frame.h"
#include <stdlib.h>

enum parser_state {
    STATE_START,  /* the first two bytes of a header */
    STATE_LENGTH, /* its length, unless that is in those */
    STATE_MASK,
    STATE_PAYLOAD,
    STATE_DONE, /* after a close or a failure: everything is ignored */
};

/* The first block of an assembled message: small enough for an idle crowd of slow senders. */
#define BUFFER_CAPACITY_MIN 256

static void *reallocate_default(void *context, void *memory, size_t size)
{
    (void)context;
    if (size == 0) {
        free(memory);
        return NULL;
    }
    return realloc(memory, size);
}

static void await_header(struct hy__ws_parser *parser)
{
    parser->state = STATE_START;
    parser->header_size = 0;
    parser->header_end = 2;
}

void hy__ws_parser_init(struct hy__ws_parser *parser, const struct hy__ws_parser_config *config)
{
    memset(parser, 0, sizeof *parser);
    parser->config = *config;
    await_header(parser);
    if (parser->config.reallocate == NULL)
        parser->config.reallocate = reallocate_default;
    if (!config->wants_pieces && config->message_size_max > SIZE_MAX / 2)
        parser->config.message_size_max = SIZE_MAX / 2; /* so that doubling cannot wrap */
}

static void buffer_release(struct hy__ws_parser *parser)
{
    if (parser->buffer != NULL)
        parser->config.reallocate(parser->config.reallocate_context, parser->buffer, 0);
    parser->buffer = NULL;
    parser->buffer_size = 0;
    parser->buffer_capacity = 0;
    parser->buffer_is_delivered = false;
}

void hy__ws_parser_fini(struct hy__ws_parser *parser)
{
    parser->state = STATE_DONE;
    if (parser->config.reallocate == NULL)
        return; /* it has never begun */
    buffer_release(parser);
    if (parser->control != NULL)
        parser->config.reallocate(parser->config.reallocate_context, parser->control, 0);
    parser->control = NULL;
}

size_t hy__ws_parser_memory(const struct hy__ws_parser *parser)
{
    return parser->buffer_capacity + (parser->control != NULL ? HY__WS_CONTROL_SIZE_MAX : 0);
}

static void fail(struct hy__ws_parser *parser, struct hy__ws_event *event, unsigned code,
                 const char *problem)
{
    buffer_release(parser);
    parser->state = STATE_DONE;
    *event = (struct hy__ws_event){
        .type = HY__WS_EVENT_FAILED, .close_code = (uint16_t)code, .problem = problem};
}

/* Adds to the open message's buffer: at most twice what has arrived is ever held. */
static bool buffer_append(struct hy__ws_parser *parser, const uint8_t *bytes, size_t size)
{
    size_t needed = parser->buffer_size + size;
    if (size == 0)
        return true;
    if (needed > parser->buffer_capacity) {
        uint64_t total_max = parser->config.message_size_max;
        if (parser->frame_is_final) /* then the message's size is known: no byte more than it */
            total_max = parser->message_done + parser->frame_size;
        size_t capacity = parser->buffer_capacity * 2;
        if (capacity < BUFFER_CAPACITY_MIN)
            capacity = BUFFER_CAPACITY_MIN;
        if (capacity < needed)
            capacity = needed;
        if (capacity > total_max)
            capacity = (size_t)total_max;
        void *grown =
            parser->config.reallocate(parser->config.reallocate_context, parser->buffer, capacity);
        if (grown == NULL)
            return false;
        parser->buffer = grown;
        parser->buffer_capacity = capacity;
    }
    memcpy(parser->buffer + parser->buffer_size, bytes, size);
    parser->buffer_size = needed;
    return true;
}

static bool opcode_is_control(unsigned opcode)
{
    return (opcode & 0x8) != 0;
}

/* What is wrong with the first two bytes of a header, or NULL. All of it is 1002. */
static const char *header_start_problem(const struct hy__ws_parser *parser)
{
    unsigned first = parser->header[0];
    unsigned opcode = first & 0x0F;
    bool is_final = (first & 0x80) != 0;
    bool is_masked = (parser->header[1] & 0x80) != 0;
    if (first & 0x70)
        return "a reserved bit is set, but no extension was agreed";
    if ((opcode > HY__WS_BINARY && opcode < HY__WS_CLOSE) || opcode > HY__WS_PONG)
        return "reserved opcode";
    if (parser->config.role == HY__WS_SERVER && !is_masked)
        return "a client's frame must be masked";
    if (parser->config.role == HY__WS_CLIENT && is_masked)
        return "a server's frame must not be masked";
    if (opcode_is_control(opcode)) {
        if (!is_final)
            return "a control frame must not be fragmented";
        if ((parser->header[1] & 0x7F) > HY__WS_CONTROL_SIZE_MAX)
            return "a control frame's payload must not exceed 125 octets";
    } else if (opcode == HY__WS_CONTINUATION && parser->message_opcode == 0) {
        return "continuation without a message";
    } else if (opcode != HY__WS_CONTINUATION && parser->message_opcode != 0) {
        return "new message inside a fragmented one";
    }
    return NULL;
}

/* The first two bytes are there: check them and open the frame. */
static bool header_start_check(struct hy__ws_parser *parser, struct hy__ws_event *event)
{
    const char *problem = header_start_problem(parser);
    if (problem != NULL) {
        fail(parser, event, HY__WS_CLOSE_PROTOCOL, problem);
        return false;
    }
    parser->frame_opcode = parser->header[0] & 0x0F;
    parser->frame_is_final = (parser->header[0] & 0x80) != 0;
    parser->frame_done = 0;
    if (opcode_is_control(parser->frame_opcode))
        return true;
    if (parser->frame_opcode != HY__WS_CONTINUATION) {
        parser->message_opcode = parser->frame_opcode;
        parser->message_is_begun = false;
        parser->message_done = 0;
        parser->fragment_count = 0;
        parser->utf8 = (struct hy__utf8){0};
    }
    uint32_t fragment_count_max = parser->config.fragment_count_max;
    if (fragment_count_max != 0 && parser->fragment_count == fragment_count_max) {
        fail(parser, event, HY__WS_CLOSE_POLICY, "too many fragments in one message");
        return false;
    }
    parser->fragment_count++;
    return true;
}

/* How many bytes the length has behind the first two. */
static unsigned length_octets(const struct hy__ws_parser *parser)
{
    unsigned length = parser->header[1] & 0x7F;
    return length < 126 ? 0 : length == 126 ? 2 : 8;
}

/* The length is there: check its form and the message limit. */
static bool header_length_check(struct hy__ws_parser *parser, struct hy__ws_event *event)
{
    unsigned octets = length_octets(parser);
    uint64_t size = octets == 0 ? parser->header[1] & 0x7F : 0;
    for (unsigned i = 0; i < octets; i++)
        size = size << 8 | parser->header[2 + i];
    if (size >> 63) {
        fail(parser, event, HY__WS_CLOSE_PROTOCOL, "the top bit of a 64-bit length is set");
        return false;
    }
    if ((octets == 2 && size < 126) || (octets == 8 && size <= 0xFFFF)) {
        fail(parser, event, HY__WS_CLOSE_PROTOCOL, "a length is not in its shortest form");
        return false;
    }
    if (!opcode_is_control(parser->frame_opcode) &&
        size > parser->config.message_size_max - parser->message_done) {
        fail(parser, event, HY__WS_CLOSE_TOO_BIG, "the message is too big");
        return false;
    }
    parser->frame_size = size;
    return true;
}

/* A part of the header is there: checks it and goes on to the next one. False: the event says why
 * not. */
static bool header_part_end(struct hy__ws_parser *parser, struct hy__ws_event *event)
{
    bool is_masked = parser->config.role == HY__WS_SERVER;
    switch ((enum parser_state)parser->state) {
    case STATE_START:
        parser->state = STATE_LENGTH;
        parser->header_end = (uint8_t)(2 + length_octets(parser));
        return header_start_check(parser, event);
    case STATE_LENGTH:
        parser->state = STATE_MASK;
        parser->header_end = (uint8_t)(parser->header_end + (is_masked ? sizeof parser->mask : 0));
        return header_length_check(parser, event);
    default:
        if (is_masked)
            memcpy(parser->mask, parser->header + parser->header_end - sizeof parser->mask,
                   sizeof parser->mask);
        parser->state = STATE_PAYLOAD;
        return true;
    }
}

/* Takes header bytes, checking at each border. Returns how many; on failure the event says so. */
static size_t header_take(struct hy__ws_parser *parser, const uint8_t *bytes, size_t size,
                          struct hy__ws_event *event)
{
    size_t before = parser->header_size;
    size_t there = before + size < sizeof parser->header ? before + size : sizeof parser->header;
    bool is_good = true;
    /* Mostly more than the header, and one copy: what is behind header_end does not count. */
    memcpy(parser->header + before, bytes, there - before);
    while (is_good && parser->state != STATE_PAYLOAD && parser->header_end <= there)
        is_good = header_part_end(parser, event);
    parser->header_size = (uint8_t)(there < parser->header_end ? there : parser->header_end);
    return parser->header_size - before;
}

static void close_event(struct hy__ws_parser *parser, const uint8_t *payload,
                        struct hy__ws_event *event)
{
    size_t size = (size_t)parser->frame_size;
    unsigned code = HY__WS_CLOSE_NO_CODE;
    size_t reason_at = 0;
    if (size == 1) {
        fail(parser, event, HY__WS_CLOSE_PROTOCOL, "a close payload of one octet");
        return;
    }
    if (size >= 2) {
        code = (unsigned)payload[0] << 8 | payload[1];
        reason_at = 2;
        if (!hy__ws_close_code_is_legal(code)) {
            fail(parser, event, HY__WS_CLOSE_PROTOCOL, "a close code that must not be sent");
            return;
        }
        if (!hy__utf8_is_valid(payload + 2, size - 2)) {
            fail(parser, event, HY__WS_CLOSE_BAD_DATA, "a close reason that is not UTF-8");
            return;
        }
    }
    buffer_release(parser); /* a message that the close cut short */
    parser->state = STATE_DONE;
    event->type = HY__WS_EVENT_CLOSE;
    event->close_code = (uint16_t)code;
    event->payload = (struct hy__slice){(const char *)payload + reason_at, size - reason_at};
}

/* Keeps a part of a control frame's payload. Nearly all come whole, so there is no room for one
 * before it is needed. */
static bool control_keep(struct hy__ws_parser *parser, const uint8_t *bytes, size_t size)
{
    if (parser->control == NULL)
        parser->control = parser->config.reallocate(parser->config.reallocate_context, NULL,
                                                    HY__WS_CONTROL_SIZE_MAX);
    if (parser->control != NULL)
        memcpy(parser->control + parser->frame_done, bytes, size);
    return parser->control != NULL;
}

static void control_take(struct hy__ws_parser *parser, uint8_t *bytes, size_t size,
                         struct hy__ws_event *event)
{
    bool is_whole = size == parser->frame_size;
    if (parser->config.role == HY__WS_SERVER)
        hy__ws_mask(bytes, size, parser->mask, (size_t)parser->frame_done);
    if (!is_whole && !control_keep(parser, bytes, size)) {
        fail(parser, event, HY__WS_CLOSE_INTERNAL, "out of memory for a control frame");
        return;
    }
    parser->frame_done += size;
    if (parser->frame_done < parser->frame_size)
        return;
    const uint8_t *payload = is_whole ? bytes : parser->control;
    await_header(parser);
    if (parser->frame_opcode == HY__WS_CLOSE) {
        close_event(parser, payload, event);
        return;
    }
    event->type = parser->frame_opcode == HY__WS_PING ? HY__WS_EVENT_PING : HY__WS_EVENT_PONG;
    event->payload = (struct hy__slice){(const char *)payload, (size_t)parser->frame_size};
}

/* The checked bytes go on: as a piece, as a message of the input, or to the buffer. */
static void data_deliver(struct hy__ws_parser *parser, const uint8_t *bytes, size_t size,
                         bool is_end, struct hy__ws_event *event)
{
    bool is_whole = is_end && parser->message_done + parser->frame_done == size;
    struct hy__slice payload = {size > 0 ? (const char *)bytes : "", size};
    if (parser->config.wants_pieces) {
        if (size == 0 && !is_end)
            return;
        event->type = HY__WS_EVENT_PIECE;
        event->is_first = !parser->message_is_begun;
        parser->message_is_begun = true;
    } else {
        if (!is_whole && !buffer_append(parser, bytes, size)) {
            fail(parser, event, HY__WS_CLOSE_INTERNAL, "out of memory for a message");
            return;
        }
        if (!is_end)
            return;
        if (!is_whole) {
            payload = (struct hy__slice){parser->buffer, parser->buffer_size};
            parser->buffer_is_delivered = true;
        }
        event->type = HY__WS_EVENT_MESSAGE;
        event->is_first = true;
    }
    event->opcode = (enum hy__ws_opcode)parser->message_opcode;
    event->is_final = is_end;
    event->payload = payload;
}

static void data_take(struct hy__ws_parser *parser, uint8_t *bytes, size_t size,
                      struct hy__ws_event *event)
{
    bool is_text = parser->message_opcode == HY__WS_TEXT;
    if (size > 0 && parser->config.role == HY__WS_SERVER)
        hy__ws_mask(bytes, size, parser->mask, (size_t)(parser->frame_done & 3));
    parser->frame_done += size;
    bool is_frame_end = parser->frame_done == parser->frame_size;
    bool is_end = is_frame_end && parser->frame_is_final;
    if (is_text && (!hy__utf8_feed(&parser->utf8, bytes, size) ||
                    (is_end && !hy__utf8_is_complete(&parser->utf8)))) {
        fail(parser, event, HY__WS_CLOSE_BAD_DATA, "a text that is not UTF-8");
        return;
    }
    data_deliver(parser, bytes, size, is_end, event);
    if (!is_frame_end || event->type == HY__WS_EVENT_FAILED)
        return;
    parser->message_done += parser->frame_size;
    await_header(parser);
    if (is_end)
        parser->message_opcode = 0;
}

size_t hy__ws_parser_feed(struct hy__ws_parser *parser, void *data, size_t size,
                          struct hy__ws_event *ret_event)
{
    uint8_t *bytes = data;
    size_t taken = 0;
    *ret_event = (struct hy__ws_event){.type = HY__WS_EVENT_NONE};
    if (parser->buffer_is_delivered)
        buffer_release(parser);
    while (ret_event->type == HY__WS_EVENT_NONE) {
        if (parser->state == STATE_DONE)
            return size;
        if (parser->state != STATE_PAYLOAD) {
            if (taken == size)
                break;
            taken += header_take(parser, bytes + taken, size - taken, ret_event);
            continue;
        }
        uint64_t missing = parser->frame_size - parser->frame_done;
        size_t here = size - taken < missing ? size - taken : (size_t)missing;
        if (here == 0 && missing > 0)
            break;
        if (opcode_is_control(parser->frame_opcode))
            control_take(parser, bytes + taken, here, ret_event);
        else
            data_take(parser, bytes + taken, here, ret_event);
        taken += here;
    }
    return taken;
}
