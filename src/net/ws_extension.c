/* SPDX-License-Identifier: MIT */
/*
 * A recursive-descent reader of the extension list; the cursor is a slice that shrinks from the
 * front.
 */
#include "ws_extension.h"
#include "http_fields.h"

static void space_skip(struct hy__slice *rest)
{
    while (rest->size > 0 && (rest->data[0] == ' ' || rest->data[0] == '\t')) {
        rest->data++;
        rest->size--;
    }
}

static bool char_take(struct hy__slice *rest, char c)
{
    if (rest->size == 0 || rest->data[0] != c)
        return false;
    rest->data++;
    rest->size--;
    return true;
}

static bool token_take(struct hy__slice *rest)
{
    size_t size = 0;
    while (size < rest->size && hy__http_is_token((struct hy__slice){rest->data + size, 1}))
        size++;
    rest->data += size;
    rest->size -= size;
    return size > 0;
}

/* A quoted string whose content, escapes undone, is a token. */
static bool quoted_token_take(struct hy__slice *rest)
{
    size_t size = 0;
    if (!char_take(rest, '"'))
        return false;
    while (!char_take(rest, '"')) {
        char_take(rest, '\\');
        if (rest->size == 0 || !hy__http_is_token((struct hy__slice){rest->data, 1}))
            return false;
        rest->data++;
        rest->size--;
        size++;
    }
    return size > 0;
}

/* token *( ";" token [ "=" value ] ), spaces around each */
static bool extension_take(struct hy__slice *rest)
{
    if (!token_take(rest))
        return false;
    space_skip(rest);
    while (char_take(rest, ';')) {
        space_skip(rest);
        if (!token_take(rest))
            return false;
        space_skip(rest);
        if (char_take(rest, '=')) {
            space_skip(rest);
            if (!token_take(rest) && !quoted_token_take(rest))
                return false;
            space_skip(rest);
        }
    }
    return true;
}

bool hy__ws_extension_list_is_valid(struct hy__slice list)
{
    bool has_any = false;
    for (;;) {
        space_skip(&list);
        if (list.size > 0 && list.data[0] != ',') {
            if (!extension_take(&list))
                return false;
            has_any = true;
        }
        if (list.size == 0)
            return has_any;
        if (!char_take(&list, ','))
            return false;
    }
}
