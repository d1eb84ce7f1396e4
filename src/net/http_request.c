/* SPDX-License-Identifier: MIT */
/*
 * HTTP request heads. The head is parsed once, when all of it is there; until then only
 * hy__http_head_find looks at new bytes. Order of the checks: request line, fields, then what the
 * fields mean together.
 */
#include "http_request.h"

/* The authority and the path of an absolute target behind "scheme://". */
static int absolute_target_parse(struct hy__slice rest, struct hy__http_request *request)
{
    size_t i = 0;
    while (i < rest.size && rest.data[i] != '/' && rest.data[i] != '?')
        i++;
    request->host = (struct hy__slice){rest.data, i};
    if (!hy__http_is_host(request->host))
        return -400;
    request->path = (struct hy__slice){rest.data + i, rest.size - i};
    return 0;
}

static bool scheme_skip(struct hy__slice *target, const char *scheme)
{
    size_t size = strlen(scheme);
    if (target->size < size ||
        !hy__slice_equal_nocase((struct hy__slice){target->data, size}, hy__slice_from(scheme)))
        return false;
    target->data += size;
    target->size -= size;
    return true;
}

/* Splits the target into path and query, and takes the host of an absolute one: RFC 9112
 * section 3.2. */
static int target_parse(struct hy__http_request *request)
{
    struct hy__slice target = request->target;
    if (target.size == 0 || memchr(target.data, '#', target.size) != NULL)
        return -400;
    request->path = target;
    if (hy__slice_is(target, "*"))
        return hy__slice_is(request->method, "OPTIONS") ? 0 : -400;
    if (target.data[0] != '/') {
        if (!scheme_skip(&target, "http://") && !scheme_skip(&target, "https://") &&
            !scheme_skip(&target, "ws://") && !scheme_skip(&target, "wss://"))
            return -400;
        int rc = absolute_target_parse(target, request);
        if (rc < 0)
            return rc;
    }
    struct hy__slice *path = &request->path;
    const char *mark = path->size > 0 ? memchr(path->data, '?', path->size) : NULL;
    if (mark != NULL) {
        size_t path_size = (size_t)(mark - path->data);
        request->query = (struct hy__slice){mark + 1, path->size - path_size - 1};
        path->size = path_size;
    }
    if (path->size == 0)
        *path = hy__slice_from("/");
    return 0;
}

/* "HTTP/" DIGIT "." DIGIT */
static int version_parse(struct hy__slice version, struct hy__http_request *request)
{
    if (version.size != 8 || memcmp(version.data, "HTTP/", 5) != 0 || version.data[6] != '.')
        return -400;
    char major = version.data[5];
    char minor = version.data[7];
    if (major < '0' || major > '9' || minor < '0' || minor > '9')
        return -400;
    if (major != '1' || minor > '1')
        return -505;
    request->version_minor = (unsigned)(minor - '0');
    return 0;
}

static int request_line_parse(struct hy__slice line, struct hy__http_request *request)
{
    for (size_t i = 0; i < line.size; i++)
        if ((unsigned char)line.data[i] >= 0x80 || line.data[i] == '\t')
            return -400;
    const char *end = line.data + line.size;
    const char *first = memchr(line.data, ' ', line.size);
    if (first == NULL)
        return -400;
    const char *second = memchr(first + 1, ' ', (size_t)(end - first - 1));
    if (second == NULL)
        return -400;
    request->method = (struct hy__slice){line.data, (size_t)(first - line.data)};
    request->target = (struct hy__slice){first + 1, (size_t)(second - first - 1)};
    if (!hy__http_is_token(request->method))
        return -400;
    int rc = version_parse((struct hy__slice){second + 1, (size_t)(end - second - 1)}, request);
    return rc < 0 ? rc : target_parse(request);
}

static int host_check(struct hy__http_request *request)
{
    struct hy__slice host = {NULL, 0};
    unsigned count = hy__http_field_find(&request->fields, "Host", &host);
    if (count > 1 || (count == 0 && request->version_minor == 1))
        return -400;
    if (count == 1 && !hy__http_is_host(host))
        return -400;
    if (request->host.size == 0) /* else the target's is right and Host is to be ignored */
        request->host = host;
    return 0;
}

static int content_length_parse(struct hy__slice text, uint64_t *ret)
{
    uint64_t length = 0;
    bool is_too_large = false;
    if (text.size == 0)
        return -400;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return -400;
        uint64_t digit = (uint64_t)(text.data[i] - '0');
        if (length > ((uint64_t)INT64_MAX - digit) / 10)
            is_too_large = true; /* go on: a letter further behind is still a 400 */
        else
            length = length * 10 + digit;
    }
    if (is_too_large)
        return -413;
    *ret = length;
    return 0;
}

/* Whether a body follows and how long it is: RFC 9112 section 6.3. */
static int body_check(struct hy__http_request *request)
{
    struct hy__slice length;
    struct hy__slice coding;
    unsigned lengths = hy__http_field_find(&request->fields, "Content-Length", &length);
    unsigned codings = hy__http_field_find(&request->fields, "Transfer-Encoding", &coding);
    if (lengths + codings > 1)
        return -400; /* two of either, or both: the way requests are smuggled */
    if (lengths == 1) {
        int rc = content_length_parse(length, &request->content_length);
        request->has_body = request->content_length > 0;
        return rc;
    }
    if (codings == 1) {
        if (request->version_minor == 0 || coding.size == 0)
            return -400;
        if (!hy__slice_equal_nocase(coding, hy__slice_from("chunked")))
            return -501;
        request->has_body = true;
        request->is_chunked = true;
    }
    return 0;
}

static int head_parse(struct hy__slice head, const struct hy__http_limits *limits,
                      struct hy__http_request *request)
{
    if (head.size >= 2 && head.data[0] == '\r') {
        head.data += 2;
        head.size -= 2;
    }
    const char *cr = memchr(head.data, '\r', head.size);
    size_t line_size = (size_t)(cr - head.data);
    int rc = request_line_parse((struct hy__slice){head.data, line_size}, request);
    if (rc < 0)
        return rc;
    /* Between the request line's CRLF and the CRLF of the empty line. */
    struct hy__slice lines = {cr + 2, head.size - line_size - 4};
    if ((rc = hy__http_fields_parse(lines, limits, &request->fields)) < 0 ||
        (rc = host_check(request)) < 0 || (rc = body_check(request)) < 0)
        return rc;
    request->is_keep_alive =
        request->version_minor == 1
            ? !hy__http_field_has_token(&request->fields, "Connection", "close")
            : hy__http_field_has_token(&request->fields, "Connection", "keep-alive");
    return 0;
}

ssize_t hy__http_request_parse(const char *data, size_t size, size_t already_scanned,
                               const struct hy__http_limits *limits, struct hy__http_request *ret)
{
    if (limits == NULL)
        limits = &hy__http_limits_default;
    ssize_t end = hy__http_head_find(data, size, already_scanned, limits);
    if (end <= 0)
        return end;
    struct hy__http_request request;
    memset(&request, 0, offsetof(struct hy__http_request, fields));
    int rc = head_parse((struct hy__slice){data, (size_t)end}, limits, &request);
    if (rc < 0)
        return rc;
    memcpy(ret, &request, offsetof(struct hy__http_request, fields.items));
    memcpy(ret->fields.items, request.fields.items,
           request.fields.count * sizeof request.fields.items[0]);
    return end;
}
