/* SPDX-License-Identifier: MIT */
/*
 * HTTP response heads: fields in a fixed order, every value checked by the writer.
 */
#include "http_response.h"
#include "writer.h"
#include <stdio.h>
#include <time.h>

static const struct {
    int status;
    const char *text;
} status_texts[] = {
    {101, "Switching Protocols"},
    {200, "OK"},
    {204, "No Content"},
    {304, "Not Modified"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {408, "Request Timeout"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {426, "Upgrade Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {503, "Service Unavailable"},
    {505, "HTTP Version Not Supported"},
};

const char *hy__http_status_text(int status)
{
    for (size_t i = 0; i < sizeof status_texts / sizeof status_texts[0]; i++)
        if (status_texts[i].status == status)
            return status_texts[i].text;
    return "Unknown";
}

static void field(struct hy__writer *writer, const char *name, const char *value)
{
    if (value != NULL)
        hy__writer_field(writer, name, hy__slice_from(value));
}

/* IMF-fixdate (RFC 9110 section 5.6.7), in English whatever the locale is. */
static void date_field(struct hy__writer *writer, int64_t unix_s)
{
    static const char days[][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t seconds = (time_t)unix_s;
    struct tm utc;
    char text[80];
    if (unix_s == 0)
        return;
    if (gmtime_r(&seconds, &utc) == NULL || utc.tm_year < 70 || utc.tm_year > 8099) {
        if (writer->rc == 0)
            writer->rc = -HY_EINVAL;
        return;
    }
    snprintf(text, sizeof text, "%s, %02d %s %04d %02d:%02d:%02d GMT", days[utc.tm_wday],
             utc.tm_mday, months[utc.tm_mon], utc.tm_year + 1900, utc.tm_hour, utc.tm_min,
             utc.tm_sec);
    field(writer, "Date", text);
}

int hy__http_response_head(const struct hy__http_response *response, char *buffer, size_t capacity)
{
    struct hy__writer writer = {.data = buffer, .capacity = capacity};
    if (response->status < 100 || response->status > 599)
        return -HY_EINVAL;
    if (capacity > INT32_MAX)
        writer.capacity = INT32_MAX;
    hy__writer_text(&writer, "HTTP/1.1 ");
    hy__writer_number(&writer, (uint64_t)response->status);
    hy__writer_text(&writer, " ");
    hy__writer_text(&writer, hy__http_status_text(response->status));
    hy__writer_text(&writer, "\r\n");
    date_field(&writer, response->date_unix_s);
    field(&writer, "Content-Type", response->content_type);
    if (response->has_content_length) {
        hy__writer_text(&writer, "Content-Length: ");
        hy__writer_number(&writer, response->content_length);
        hy__writer_text(&writer, "\r\n");
    }
    field(&writer, "Content-Encoding", response->content_encoding);
    field(&writer, "Cache-Control", response->cache_control);
    field(&writer, "ETag", response->etag);
    field(&writer, "Vary", response->vary);
    field(&writer, "Content-Security-Policy", response->content_security_policy);
    field(&writer, "X-Content-Type-Options", response->is_nosniff ? "nosniff" : NULL);
    field(&writer, "Allow", response->allow);
    /* A server that sends Upgrade must name it in Connection as well: RFC 9110 section 7.8. */
    if (response->is_websocket_version) {
        field(&writer, "Sec-WebSocket-Version", "13");
        field(&writer, "Upgrade", "websocket");
        field(&writer, "Connection", response->is_close ? "Upgrade, close" : "Upgrade");
    } else {
        field(&writer, "Connection", response->is_close ? "close" : NULL);
    }
    for (size_t i = 0; i < response->field_count; i++)
        field(&writer, response->fields[i].name, response->fields[i].value);
    hy__writer_text(&writer, "\r\n");
    return writer.rc < 0 ? writer.rc : (int)writer.size;
}
