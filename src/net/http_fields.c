/* SPDX-License-Identifier: MIT */
/*
 * The end of an HTTP head, and its fields. hy__http_head_find looks at each byte once over all
 * calls; what it has let through holds no control byte but HTAB and CR LF pairs, so that the rest
 * of the parsing cannot be led astray by one.
 */
#include "http_fields.h"

const struct hy__http_limits hy__http_limits_default = {
    .start_line_size_max = 8192,
    .head_size_max = 16384,
    .field_count_max = HY__HTTP_FIELDS_MAX,
};

#define ONES UINT64_C(0x0101010101010101)

/* Whether one of eight bytes may be below 0x20 or be 0x7F. May say yes for none, never no for one.
 */
static bool word_may_hold_control(uint64_t word)
{
    uint64_t high = 0x80 * ONES;
    uint64_t deleted = word ^ (0x7F * ONES);
    uint64_t below = (word - 0x20 * ONES) & ~word;
    uint64_t equal = (deleted - ONES) & ~deleted;
    return ((below | equal) & high) != 0;
}

static bool is_control(char c)
{
    return (unsigned char)c < 0x20 || c == 0x7F;
}

/* The first control byte in data[from, size), or size. */
static size_t control_find(const char *data, size_t from, size_t size)
{
    while (from + 8 <= size) {
        uint64_t word;
        memcpy(&word, data + from, 8);
        if (word_may_hold_control(word))
            break;
        from += 8;
    }
    while (from < size && !is_control(data[from]))
        from++;
    return from;
}

/* Where the head ends in data[from, bound), 0 if it does not, or -400. */
static ssize_t end_find(const char *data, size_t start, size_t from, size_t bound)
{
    size_t i = from;
    while ((i = control_find(data, i, bound)) < bound) {
        char c = data[i];
        if (c == '\r') {
            if (i + 1 < bound && data[i + 1] != '\n')
                return -400;
        } else if (c == '\n') {
            if (i == 0 || data[i - 1] != '\r')
                return -400;
            if (i >= start + 3 && data[i - 2] == '\n')
                return (ssize_t)i + 1;
        } else if (c != '\t') {
            return -400;
        }
        i++;
    }
    return 0;
}

ssize_t hy__http_head_find(const char *data, size_t size, size_t already_scanned,
                           const struct hy__http_limits *limits)
{
    /* One empty line before the first is to be ignored: RFC 9112 section 2.2. */
    size_t start = size >= 2 && data[0] == '\r' && data[1] == '\n' ? 2 : 0;
    if (start == 2 && size >= 3 && data[2] == '\r')
        return -400;
    size_t bound = size;
    int too_large = 0;
    if (bound >= limits->head_size_max) {
        bound = limits->head_size_max;
        too_large = -431;
    }
    /* The first line is looked at for its length only when the input grows past that length. */
    size_t line_bound = start + limits->start_line_size_max + 1;
    if (already_scanned < line_bound && line_bound <= bound &&
        memchr(data + start, '\r', line_bound - start) == NULL) {
        bound = line_bound;
        too_large = -414;
    }
    size_t from = already_scanned < bound ? already_scanned : bound;
    from = from > 0 ? from - 1 : 0; /* a CR at the end of the last input waits for its LF */
    ssize_t end = end_find(data, start, from, bound);
    return end != 0 ? end : too_large;
}

/* One field line without its CRLF. */
static int field_parse(struct hy__slice line, struct hy__http_field *ret)
{
    const char *colon = line.size > 0 ? memchr(line.data, ':', line.size) : NULL;
    if (colon == NULL)
        return -400;
    size_t name_size = (size_t)(colon - line.data);
    struct hy__slice name = {line.data, name_size};
    struct hy__slice value = {colon + 1, line.size - name_size - 1};
    /* A folded line begins with a space and a space may precede the colon: neither is a token. */
    if (!hy__http_is_token(name) || !hy__http_is_field_value(value))
        return -400;
    *ret = (struct hy__http_field){name, hy__slice_trim(value)};
    return 0;
}

int hy__http_fields_parse(struct hy__slice lines, const struct hy__http_limits *limits,
                          struct hy__http_fields *ret)
{
    uint32_t count_max = limits->field_count_max;
    if (count_max > HY__HTTP_FIELDS_MAX)
        count_max = HY__HTTP_FIELDS_MAX;
    ret->count = 0;
    while (lines.size > 0) {
        const char *cr = memchr(lines.data, '\r', lines.size);
        if (cr == NULL)
            return -400;
        size_t line_size = (size_t)(cr - lines.data);
        if (lines.size < line_size + 2 || cr[1] != '\n')
            return -400;
        if (ret->count == count_max)
            return -431;
        int rc = field_parse((struct hy__slice){lines.data, line_size}, &ret->items[ret->count]);
        if (rc < 0)
            return rc;
        ret->count++;
        lines.data += line_size + 2;
        lines.size -= line_size + 2;
    }
    return 0;
}

unsigned hy__http_field_find(const struct hy__http_fields *fields, const char *name,
                             struct hy__slice *ret_value)
{
    struct hy__slice wanted = hy__slice_from(name);
    unsigned count = 0;
    for (uint32_t i = 0; i < fields->count; i++) {
        if (!hy__slice_equal_nocase(fields->items[i].name, wanted))
            continue;
        if (count++ == 0 && ret_value != NULL)
            *ret_value = fields->items[i].value;
    }
    return count;
}

bool hy__http_field_has_token(const struct hy__http_fields *fields, const char *name,
                              const char *token)
{
    struct hy__slice wanted_name = hy__slice_from(name);
    struct hy__slice wanted = hy__slice_from(token);
    for (uint32_t i = 0; i < fields->count; i++) {
        if (!hy__slice_equal_nocase(fields->items[i].name, wanted_name))
            continue;
        struct hy__slice list = fields->items[i].value;
        struct hy__slice element;
        while (hy__http_list_next(&list, &element))
            if (hy__slice_equal_nocase(element, wanted))
                return true;
    }
    return false;
}

bool hy__http_list_next(struct hy__slice *list, struct hy__slice *ret_element)
{
    while (list->size > 0) {
        const char *comma = memchr(list->data, ',', list->size);
        size_t size = comma != NULL ? (size_t)(comma - list->data) : list->size;
        struct hy__slice element = hy__slice_trim((struct hy__slice){list->data, size});
        size_t taken = comma != NULL ? size + 1 : size;
        list->data += taken;
        list->size -= taken;
        if (element.size > 0) {
            *ret_element = element;
            return true;
        }
    }
    return false;
}

static bool is_alphanumeric(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool hy__http_is_token(struct hy__slice slice)
{
    for (size_t i = 0; i < slice.size; i++) {
        char c = slice.data[i];
        if (!is_alphanumeric(c) && (c == '\0' || strchr("!#$%&'*+-.^_`|~", c) == NULL))
            return false;
    }
    return slice.size > 0;
}

bool hy__http_is_field_value(struct hy__slice slice)
{
    size_t i = 0;
    while ((i = control_find(slice.data, i, slice.size)) < slice.size) {
        if (slice.data[i] != '\t')
            return false;
        i++;
    }
    return true;
}

/* The port behind the colon: empty, or digits up to 65535. */
static bool is_port(const char *data, size_t size)
{
    unsigned port = 0;
    for (size_t i = 0; i < size; i++) {
        if (data[i] < '0' || data[i] > '9')
            return false;
        port = port * 10 + (unsigned)(data[i] - '0');
        if (port > 65535)
            return false;
    }
    return true;
}

bool hy__http_is_host(struct hy__slice slice)
{
    size_t i = 0;
    if (slice.size == 0)
        return false;
    if (slice.data[0] == '[') {
        for (i = 1; i < slice.size && slice.data[i] != ']'; i++) {
            char c = hy__ascii_lower(slice.data[i]);
            if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f') && c != ':' && c != '.')
                return false;
        }
        if (i < 3 || i == slice.size) /* "[::]" is the shortest */
            return false;
        i++;
    } else {
        for (; i < slice.size && slice.data[i] != ':'; i++) {
            char c = slice.data[i];
            if (!is_alphanumeric(c) && (c == '\0' || strchr("-._~!$&'()*+,;=%", c) == NULL))
                return false;
        }
        if (i == 0)
            return false;
    }
    return i == slice.size ||
           (slice.data[i] == ':' && is_port(slice.data + i + 1, slice.size - i - 1));
}
