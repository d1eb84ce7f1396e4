/* SPDX-License-Identifier: MIT */
/*
 * A server's limits and its pages from memory: checked, copied, found, freed.
 */
#include "ws_server_private.h"
#include <stdio.h>

static const char *const upgrade_paths_default[] = {"/ws"};

struct hy_ws_server_options hy_ws_server_options_default(void)
{
    return (struct hy_ws_server_options){
        .message_limit = 1 << 20,
        .fragment_limit = 65536,
        .head_limit = 16384,
        .request_line_limit = 8192,
        .header_limit = HY__HTTP_FIELDS_MAX,
        .client_limit = 10000,
        .queue_limit = 4 << 20,
        .high_water = 1 << 20,
        .low_water = 256 << 10,
        .policy = HY_WS_DROP_NEWEST,
        .write_limit = 256 << 10,
        .handshake_timeout_ns = 10 * HY_SECOND,
        .request_timeout_ns = 10 * HY_SECOND,
        .keep_alive_ns = 10 * HY_SECOND,
        .ping_interval_ns = 30 * HY_SECOND,
        .pong_timeout_ns = 20 * HY_SECOND,
        .write_timeout_ns = 60 * HY_SECOND,
        .close_timeout_ns = 5 * HY_SECOND,
        .slow_after_ns = 2 * HY_SECOND,
    };
}

static int refuse(const char *member, const char *want)
{
    return hy_error_set(-HY_EINVAL, "options of a WebSocket server: %s must be %s", member, want);
}

static int check_texts(const char *member, const char *const *texts, size_t count)
{
    if (texts == NULL && count > 0)
        return refuse(member, "given, or its count 0");
    for (size_t i = 0; i < count; i++)
        if (texts[i] == NULL || !hy__http_is_field_value(hy__slice_from(texts[i])))
            return refuse(member, "texts without control bytes");
    return 0;
}

static int check_numbers(const struct hy_ws_server_options *options)
{
    if (options->message_limit == 0)
        return refuse("message_limit", "above 0");
    if (options->head_limit < 256 || options->head_limit > 1 << 20)
        return refuse("head_limit", "256 to 1,048,576");
    if (options->request_line_limit < 64 || options->request_line_limit > options->head_limit)
        return refuse("request_line_limit", "64 to head_limit");
    if (options->header_limit < 8 || options->header_limit > HY__HTTP_FIELDS_MAX)
        return refuse("header_limit", "8 to 100");
    if (options->client_limit == 0)
        return refuse("client_limit", "above 0");
    if (options->queue_limit < 256 || options->queue_limit > SIZE_MAX / 4)
        return refuse("queue_limit", "256 or more");
    if (options->high_water > options->queue_limit || options->low_water > options->high_water)
        return refuse("low_water <= high_water <= queue_limit", "kept");
    if (options->write_limit < 1024)
        return refuse("write_limit", "1,024 or more");
    if (options->policy != HY_WS_DROP_NEWEST && options->policy != HY_WS_DROP_OLDEST &&
        options->policy != HY_WS_DISCONNECT)
        return refuse("policy", "one of enum hy_ws_policy");
    return 0;
}

static int check(const struct hy_ws_server_options *options)
{
    int rc = check_numbers(options);
    if (rc == 0)
        rc = check_texts("upgrade_paths", options->upgrade_paths, options->upgrade_path_count);
    if (rc == 0)
        rc = check_texts("origins", options->origins, options->origin_count);
    if (rc == 0)
        rc = check_texts("subprotocols", options->subprotocols, options->subprotocol_count);
    for (size_t i = 0; rc == 0 && i < options->upgrade_path_count; i++)
        if (options->upgrade_paths[i][0] != '/')
            rc = refuse("upgrade_paths", "paths that begin with /");
    for (size_t i = 0; rc == 0 && i < options->subprotocol_count; i++)
        if (!hy__http_is_token(hy__slice_from(options->subprotocols[i])) ||
            strlen(options->subprotocols[i]) > 63)
            rc = refuse("subprotocols", "tokens of at most 63 bytes");
    return rc;
}

/* Copies texts into one block: the pointers, then the bytes. */
static int copy_texts(const char *const **texts, size_t count)
{
    size_t size = count * sizeof(char *);
    const char *const *from = *texts;
    *texts = NULL;
    if (count == 0)
        return 0;
    for (size_t i = 0; i < count; i++)
        size += strlen(from[i]) + 1;
    const char **copy = hy_memory_allocate(size);
    if (copy == NULL)
        return -HY_ENOMEM;
    char *at = (char *)(copy + count);
    for (size_t i = 0; i < count; i++) {
        size_t length = strlen(from[i]) + 1;
        memcpy(at, from[i], length);
        copy[i] = at;
        at += length;
    }
    *texts = copy;
    return 0;
}

void hy__ws_options_fini(struct hy_ws_server_options *options)
{
    /* Blocks of our own; the type promises const to the program only. */
    hy_memory_release((void *)(uintptr_t)options->upgrade_paths);
    hy_memory_release((void *)(uintptr_t)options->origins);
    hy_memory_release((void *)(uintptr_t)options->subprotocols);
    *options = (struct hy_ws_server_options){0};
}

static void spread(struct hy_ws_server_private *ws)
{
    const struct hy_ws_server_options *options = &ws->options;
    const int64_t timeouts[HY__WS_STAGE_COUNT] = {
        [HY__WS_STAGE_REQUEST] = options->handshake_timeout_ns,
        [HY__WS_STAGE_KEEP_ALIVE] = options->keep_alive_ns,
        [HY__WS_STAGE_ANSWER] = options->request_timeout_ns,
        [HY__WS_STAGE_QUIET] = options->ping_interval_ns,
        [HY__WS_STAGE_PONG] = options->pong_timeout_ns,
        [HY__WS_STAGE_CLOSING] = options->close_timeout_ns,
        [HY__WS_STAGE_LINGER] = 2 * HY_SECOND,
        [HY__WS_STAGE_WRITE] = options->write_timeout_ns,
    };
    for (unsigned i = 0; i < HY__WS_STAGE_COUNT; i++)
        ws->deadlines[i].timeout_ns = timeouts[i];
    ws->head_limits = (struct hy__http_limits){.start_line_size_max = options->request_line_limit,
                                               .head_size_max = options->head_limit,
                                               .field_count_max = options->header_limit};
    ws->policy = (struct hy__ws_policy){.origins = options->origins,
                                        .origin_count = options->origin_count,
                                        .subprotocols = options->subprotocols,
                                        .subprotocol_count = options->subprotocol_count};
    __atomic_store_n(&ws->server->queue_limit_, options->queue_limit, __ATOMIC_RELAXED);
}

int hy__ws_options_set(struct hy_ws_server_private *ws, const struct hy_ws_server_options *options)
{
    struct hy_ws_server_options copy = *options;
    int rc = check(options);
    if (rc < 0)
        return rc;
    if (copy.upgrade_path_count == 0) {
        copy.upgrade_paths = upgrade_paths_default;
        copy.upgrade_path_count = 1;
    }
    int rc_paths = copy_texts(&copy.upgrade_paths, copy.upgrade_path_count);
    int rc_origins = copy_texts(&copy.origins, copy.origin_count);
    int rc_subprotocols = copy_texts(&copy.subprotocols, copy.subprotocol_count);
    if (rc_paths < 0 || rc_origins < 0 || rc_subprotocols < 0) {
        hy__ws_options_fini(&copy);
        return -HY_ENOMEM;
    }
    hy__ws_options_fini(&ws->options);
    ws->options = copy;
    spread(ws);
    return 0;
}

/* --- pages ----------------------------------------------------------------------------------- */

static void page_fini(struct hy__ws_page *page)
{
    hy_memory_release(page->path);
    hy_memory_release(page->content_type);
    hy_memory_release(page->cache_control);
    hy_memory_release(page->content_security_policy);
    hy_buffer_unref(page->plain);
    hy_buffer_unref(page->gzip);
    *page = (struct hy__ws_page){0};
}

void hy__ws_pages_fini(struct hy_ws_server_private *ws)
{
    for (size_t i = 0; i < ws->page_count; i++)
        page_fini(&ws->pages[i]);
    hy_memory_release(ws->pages);
    ws->pages = NULL;
    ws->page_count = 0;
}

const struct hy__ws_page *hy__ws_page_find(const struct hy_ws_server_private *ws,
                                           struct hy__slice path)
{
    for (size_t i = 0; i < ws->page_count; i++)
        if (hy__slice_is(path, ws->pages[i].path))
            return &ws->pages[i];
    return NULL;
}

static bool copy_text(const char *from, char **to)
{
    if (from == NULL)
        return true;
    size_t size = strlen(from) + 1;
    *to = hy_memory_allocate(size);
    if (*to != NULL)
        memcpy(*to, from, size);
    return *to != NULL;
}

/* FNV-1a, 64 bits: it only has to differ when the page does. */
static uint64_t hash(const unsigned char *bytes, size_t size)
{
    uint64_t value = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < size; i++)
        value = (value ^ bytes[i]) * UINT64_C(0x100000001b3);
    return value;
}

static int page_init(struct hy__ws_page *page, const struct hy_ws_page *from)
{
    const char *cache_control = from->cache_control != NULL ? from->cache_control : "no-cache";
    *page = (struct hy__ws_page){.size = from->size, .gzip_size = from->gzip_size};
    snprintf(page->etag, sizeof page->etag, "%016llx",
             (unsigned long long)hash(from->data, from->size));
    if (!copy_text(from->path, &page->path) ||
        !copy_text(from->content_type, &page->content_type) ||
        !copy_text(cache_control, &page->cache_control) ||
        !copy_text(from->content_security_policy, &page->content_security_policy) ||
        hy_buffer_create_from(from->data, from->size, NULL, NULL, &page->plain) < 0 ||
        (from->gzip_data != NULL &&
         hy_buffer_create_from(from->gzip_data, from->gzip_size, NULL, NULL, &page->gzip) < 0)) {
        page_fini(page);
        return -HY_ENOMEM;
    }
    return 0;
}

static int page_check(const struct hy_ws_page *page)
{
    const char *const texts[] = {page->path, page->content_type, page->cache_control,
                                 page->content_security_policy};
    if (page->path == NULL || page->path[0] != '/' || page->content_type == NULL ||
        (page->data == NULL && page->size > 0))
        return hy_error_set(-HY_EINVAL, "a page needs a path that begins with /, a content type "
                                        "and its data");
    for (size_t i = 0; i < 4; i++)
        if (texts[i] != NULL &&
            (!hy__http_is_field_value(hy__slice_from(texts[i])) || strlen(texts[i]) > 2000))
            return hy_error_set(-HY_EINVAL,
                                "page %s: its texts must be below 2,000 bytes and without "
                                "control bytes",
                                page->path);
    return 0;
}

int hy__ws_page_add(struct hy_ws_server_private *ws, const struct hy_ws_page *page)
{
    struct hy__ws_page made;
    int rc = page_check(page);
    if (rc < 0 || (rc = page_init(&made, page)) < 0)
        return rc;
    for (size_t i = 0; i < ws->page_count; i++) {
        if (strcmp(ws->pages[i].path, page->path) == 0) {
            page_fini(&ws->pages[i]);
            ws->pages[i] = made;
            return 0;
        }
    }
    struct hy__ws_page *pages = hy_memory_resize(ws->pages, (ws->page_count + 1) * sizeof *pages);
    if (pages == NULL) {
        page_fini(&made);
        return -HY_ENOMEM;
    }
    pages[ws->page_count++] = made;
    ws->pages = pages;
    return 0;
}
