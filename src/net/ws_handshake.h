/* SPDX-License-Identifier: MIT */
/*
 * The WebSocket opening handshake, both sides, without I/O (RFC 6455 sections 4.1, 4.2, 10.2).
 * No extension is negotiated in this version: an offer is checked for its grammar and then ignored.
 * Needs digest.h.
 */
#ifndef HY_NET_WS_HANDSHAKE_H
#define HY_NET_WS_HANDSHAKE_H

#include "http_request.h"
#include "ws_url.h"

#define HY__WS_KEY_SIZE    24 /* base64 of 16 octets */
#define HY__WS_ACCEPT_SIZE 28 /* base64 of a SHA-1 */

/** Sec-WebSocket-Accept of a key; NUL-terminated. Returns 0 or -HY_EIO if libcrypto fails. */
int hy__ws_accept(const char key[HY__WS_KEY_SIZE], char ret_accept[HY__WS_ACCEPT_SIZE + 1]);

/* ------------------------------------------------------------------ server */

struct hy__ws_policy {
    /* Origins allowed besides the server's own (same host and port as Host): "https://example.org",
     * "null" or "*" for all. A request without Origin is no browser's and is allowed. */
    const char *const *origins;
    size_t origin_count;
    /* Subprotocols that the server speaks, the preferred one first. */
    const char *const *subprotocols;
    size_t subprotocol_count;
};

struct hy__ws_handshake {
    char accept[HY__WS_ACCEPT_SIZE + 1];
    const char *subprotocol; /* one of the policy's, or NULL: none in common */
};

/**
 * Checks a request for the WebSocket end point. policy: NULL for same origin, no subprotocol.
 * Returns 0, or the negative HTTP status to refuse with, with a static text in ret_problem (may be
 * NULL): -400  malformed: HTTP/1.0, key, body, subprotocol or extension field -403  an Origin that
 * is not allowed -405  the method is not GET (answer with Allow: GET) -426  no Upgrade: websocket,
 * or a version other than 13 (answer with is_websocket_version) -500  libcrypto failed
 */
int hy__ws_handshake_check(const struct hy__http_request *request,
                           const struct hy__ws_policy *policy, struct hy__ws_handshake *ret,
                           const char **ret_problem);

/** Writes the 101 response. Returns its size, -HY_EMSGSIZE or -HY_EINVAL (see http_response.h). */
int hy__ws_handshake_response(const struct hy__ws_handshake *handshake, char *buffer,
                              size_t capacity);

/* ------------------------------------------------------------------ client */

/** What the client asked for, kept until the answer is checked. */
struct hy__ws_client_handshake {
    char key[HY__WS_KEY_SIZE + 1];
    char accept[HY__WS_ACCEPT_SIZE + 1]; /* what the server must answer */
    const char *const *subprotocols;     /* asked for; must outlive the handshake */
    size_t subprotocol_count;
};

/** Makes a random key. Returns 0, or -HY_EIO if there is no randomness. */
int hy__ws_client_handshake_init(struct hy__ws_client_handshake *handshake,
                                 const char *const *subprotocols, size_t subprotocol_count);

/**
 * Writes the upgrade request. origin: NULL for none.
 * Returns its size, -HY_EMSGSIZE (capacity too small) or -HY_EINVAL (control byte in a value, a
 * subprotocol that is no token).
 */
int hy__ws_client_request(const struct hy__ws_client_handshake *handshake,
                          const struct hy__ws_url *url, const char *origin, char *buffer,
                          size_t capacity);

struct hy__ws_client_response {
    unsigned status;         /* 101, or what the server refused with; 0 if it is no HTTP */
    const char *subprotocol; /* the one of ours that the server chose, or NULL */
    const char *problem;     /* a static text that says what is wrong, or NULL */
};

/**
 * Parses and checks the server's answer. already_scanned and limits as in hy__http_request_parse.
 * Returns the bytes of the head if the connection is now a WebSocket (> 0; what follows are
 * frames), 0 if more is needed, -HY_ECONNREFUSED (a valid response other than 101) or -HY_EPROTO
 * (anything else). ret is written in all cases but 0.
 */
ssize_t hy__ws_client_response_parse(const struct hy__ws_client_handshake *handshake,
                                     const char *data, size_t size, size_t already_scanned,
                                     const struct hy__http_limits *limits,
                                     struct hy__ws_client_response *ret);

#endif
