/* SPDX-License-Identifier: MIT */
/*
 * WebSocket frames (RFC 6455 section 5) without I/O: a parser from bytes to events for both roles,
 * and the encoding of headers and close payloads. The parser takes all it is given: it keeps a cut
 * header, the part of a control frame's payload and an unfinished message itself. It fails at the
 * first byte that shows the error, and before it allocates. A control frame, or a message in one
 * frame, that lies wholly in the input is delivered as a slice of the input. Not thread-safe: one
 * parser belongs to one connection.
 */
#ifndef HY_NET_WS_FRAME_H
#define HY_NET_WS_FRAME_H

#include "slice.h"
#include "utf8.h"

#define HY__WS_HEADER_SIZE_MAX  14  /* 2, 8 for the length, 4 for the mask */
#define HY__WS_CONTROL_SIZE_MAX 125 /* payload of a control frame: RFC 6455 section 5.5 */
#define HY__WS_REASON_SIZE_MAX  123 /* reason of a close, in octets */

enum hy__ws_opcode {
    HY__WS_CONTINUATION = 0x0,
    HY__WS_TEXT = 0x1,
    HY__WS_BINARY = 0x2,
    HY__WS_CLOSE = 0x8,
    HY__WS_PING = 0x9,
    HY__WS_PONG = 0xA,
};

/* Close codes that the library itself uses: RFC 6455 section 7.4.1. */
enum hy__ws_close_code {
    HY__WS_CLOSE_NORMAL = 1000,
    HY__WS_CLOSE_GOING_AWAY = 1001,
    HY__WS_CLOSE_PROTOCOL = 1002,
    HY__WS_CLOSE_UNSUPPORTED = 1003,
    HY__WS_CLOSE_NO_CODE = 1005,  /* never on the wire: the peer's close had no code */
    HY__WS_CLOSE_ABNORMAL = 1006, /* never on the wire: the connection broke */
    HY__WS_CLOSE_BAD_DATA = 1007,
    HY__WS_CLOSE_POLICY = 1008,
    HY__WS_CLOSE_TOO_BIG = 1009,
    HY__WS_CLOSE_INTERNAL = 1011,
    HY__WS_CLOSE_TRY_LATER = 1013,
};

enum hy__ws_role {
    HY__WS_SERVER, /* the peer is a client: its frames must be masked */
    HY__WS_CLIENT, /* the peer is a server: its frames must not be masked */
};

struct hy__ws_parser_config {
    enum hy__ws_role role;
    uint64_t message_size_max;   /* bytes of a message's payload; above: 1009 at the header */
    uint32_t fragment_count_max; /* frames of one message; above: 1008. 0: no limit */
    bool wants_pieces;           /* deliver HY__WS_EVENT_PIECE as it comes instead of assembling */
    /* Gives, grows or (size 0) frees memory; NULL on failure. NULL here: the C library's. */
    void *(*reallocate)(void *context, void *memory, size_t size);
    void *reallocate_context;
};

enum hy__ws_event_type {
    HY__WS_EVENT_NONE,    /* all input is taken; feed more when there is more */
    HY__WS_EVENT_MESSAGE, /* a complete message: opcode, payload */
    HY__WS_EVENT_PIECE,   /* a part of a message: opcode, payload, is_first, is_final */
    HY__WS_EVENT_PING,    /* payload: answer it with a pong of the same payload */
    HY__WS_EVENT_PONG,    /* payload */
    HY__WS_EVENT_CLOSE,   /* the peer's close: close_code (1005 if it had none), payload = reason */
    HY__WS_EVENT_FAILED,  /* fail the connection with close_code; problem says why */
};

struct hy__ws_event {
    enum hy__ws_event_type type;
    enum hy__ws_opcode opcode; /* HY__WS_TEXT or HY__WS_BINARY, for MESSAGE and PIECE */
    bool is_first;             /* PIECE: the first of its message */
    bool is_final;             /* PIECE: the last of its message; MESSAGE: true */
    uint16_t close_code;
    /* Valid until the next call for this parser and while the input is. The text of a MESSAGE is
     * valid UTF-8; a PIECE of text may end inside a code point. */
    struct hy__slice payload;
    const char *problem; /* FAILED: a static text for the log and the close reason; else NULL */
};

/** The parser's state. Private to ws_frame.c; here so that it can be embedded. */
struct hy__ws_parser {
    struct hy__ws_parser_config config;
    uint8_t state;                   /* enum parser_state */
    uint8_t header_size, header_end; /* bytes that are there; where the part being read ends */
    uint8_t header[HY__WS_HEADER_SIZE_MAX];
    uint8_t mask[4];
    uint8_t frame_opcode;
    bool frame_is_final;
    uint64_t frame_size;    /* payload bytes of the current frame */
    uint64_t frame_done;    /* of these, taken */
    uint8_t message_opcode; /* HY__WS_TEXT, HY__WS_BINARY, or 0: no message is open */
    bool message_is_begun;  /* pieces: the first piece was delivered */
    uint32_t fragment_count;
    uint64_t message_done; /* payload bytes of the open message's earlier frames */
    struct hy__utf8 utf8;
    bool buffer_is_delivered; /* the last event pointed into buffer: release it at the next call */
    uint8_t *control;         /* room for a control frame that comes in parts; NULL before any */
    char *buffer;             /* the open message, or NULL */
    size_t buffer_size;
    size_t buffer_capacity;
};

/** Prepares a parser; config is copied. No memory is allocated before a message needs assembly. */
void hy__ws_parser_init(struct hy__ws_parser *parser, const struct hy__ws_parser_config *config);

/** Frees what the parser holds. A second call does nothing. */
void hy__ws_parser_fini(struct hy__ws_parser *parser);

/**
 * Takes bytes until there is an event or no byte is left; unmasks them in place.
 * Returns how many were taken; call again with the rest until the event is HY__WS_EVENT_NONE, which
 * means that all were taken. After CLOSE or FAILED, everything is taken and ignored.
 * Out of memory is FAILED with 1011.
 */
size_t hy__ws_parser_feed(struct hy__ws_parser *parser, void *data, size_t size,
                          struct hy__ws_event *ret_event);

/** Bytes of heap that the parser holds now. */
size_t hy__ws_parser_memory(const struct hy__ws_parser *parser);

/**
 * Writes a frame header in its shortest form. mask: 4 bytes from a CSPRNG for a client, NULL for a
 * server. Returns its size, at most HY__WS_HEADER_SIZE_MAX.
 */
size_t hy__ws_frame_header_encode(uint8_t buffer[HY__WS_HEADER_SIZE_MAX], bool is_final,
                                  enum hy__ws_opcode opcode, uint64_t size, const uint8_t *mask);

/** Masks or unmasks in place; offset: how many bytes of the frame's payload went before. */
void hy__ws_mask(void *data, size_t size, const uint8_t mask[4], size_t offset);

/** Whether the code may stand in a close frame: 1000-1003, 1007-1014, 3000-4999. */
bool hy__ws_close_code_is_legal(unsigned code);

/**
 * Writes a close frame's payload. The reason (may be NULL) is cut at HY__WS_REASON_SIZE_MAX octets,
 * on a code point's border, and before anything that is not UTF-8. HY__WS_CLOSE_NO_CODE gives an
 * empty payload. Returns its size (0 to 125), or -HY_EINVAL if the code may not be sent.
 */
int hy__ws_close_payload_encode(uint8_t buffer[HY__WS_CONTROL_SIZE_MAX], unsigned code,
                                const char *reason, size_t reason_size);

#endif
