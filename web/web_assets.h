/* SPDX-License-Identifier: MIT */
/*
 * The live page inside the program: the files that web/build.mjs made, for the HTTP server to serve
 * from memory.
 *
 * Everything is constant and lives as long as the program; any thread may read it. Each asset comes
 * plain and packed, so that a client that does not take gzip is served too.
 */
#ifndef HALYARD_WEB_ASSETS_H
#define HALYARD_WEB_ASSETS_H

#include <stddef.h>

/* One file of the page. */
struct web_asset {
    /* What a request must ask for, beginning with '/'; the page itself is "/". NUL-terminated. */
    const char *path;
    /* Value of the Content-Type header. */
    const char *content_type;
    /* Value of the Cache-Control header. */
    const char *cache_control;
    /* The plain content, `size` bytes. */
    const unsigned char *data;
    size_t size;
    /* The same as gzip (RFC 1952), `gzip_size` bytes: for "Content-Encoding: gzip". Never NULL. */
    const unsigned char *gzip_data;
    size_t gzip_size;
};

/* All files, sorted by path as strcmp() does. */
extern const struct web_asset web_assets[];

/* How many they are. */
extern const size_t web_assets_count;

#endif
