/* SPDX-License-Identifier: MIT */
/*
 * What the WebSocket handshake needs of cryptography: SHA-1 (RFC 3174), base64 (RFC 4648 section 4)
 * and random bytes. digest_openssl.c or digest_win32.c. Any thread.
 */
#ifndef HY_NET_DIGEST_H
#define HY_NET_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

#define HY__SHA1_SIZE 20
/* Characters for so many bytes, the final NUL included. */
#define HY__BASE64_SIZE(size) (((size) + 2) / 3 * 4 + 1)

/* False: the system cannot do it. */
bool hy__sha1(const void *data, size_t size, unsigned char ret_digest[HY__SHA1_SIZE]);
/* Bytes that cannot be guessed; false: there are none. */
bool hy__random_bytes(void *ret_bytes, size_t size);
/* Writes HY__BASE64_SIZE(size) characters; false: the system cannot do it. At most 2^20 bytes. */
bool hy__base64(const void *data, size_t size, char *ret_text);

#endif
