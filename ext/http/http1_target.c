#include "http1.h"
#include <string.h>

/* The request target, RFC 9112, 3.2, and Host. */

static int digit(char c)
{
    return c >= '0' && c <= '9';
}

static int hex(char c)
{
    return digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

static int letter(char c)
{
    return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

/* [IPv6]: what is in the brackets is left to who connects to it, but for its characters. */
static const char *skip_literal(const char *at, const char *end)
{
    const char *first = ++at;
    while (at < end && (hex(*at) || *at == ':' || *at == '.')) at++;
    return at < end && *at == ']' && at > first ? at + 1 : NULL;
}

/* A comma is legal in a name, but would look like two hosts. */
static const char *skip_name(const char *at, const char *end)
{
    while (at < end && *at != ':') {
        if (*at == '%') {
            if (end - at < 3 || !hex(at[1]) || !hex(at[2])) return NULL;
            at += 3;
        } else if (letter(*at) || digit(*at) || (*at && strchr("-._~!$&'()*+;=", *at))) {
            at++;
        } else {
            return NULL;
        }
    }
    return at;
}

/* host [":" port]; an empty host is none, as http and https have no use for it. */
int http1_check_host(const char *host, size_t size, int want_port)
{
    const char *at = host, *end = host + size;
    if (size == 0) return 0;
    at = *at == '[' ? skip_literal(at, end) : skip_name(at, end);
    if (!at || at == host) return 0;
    if (at == end) return !want_port;
    if (*at++ != ':') return 0;
    if (end - at > 5 || (want_port && at == end)) return 0;
    unsigned long port = 0;
    for (; at < end; at++) {
        if (!digit(*at)) return 0;
        port = port * 10 + (unsigned long)(*at - '0');
    }
    return port <= 65535 && (!want_port || port > 0);
}

static struct http1_span span(const struct http1_head *head, const char *from, const char *to)
{
    return (struct http1_span){(uint32_t)(from - head->bytes), (uint32_t)(to - from)};
}

static void split_query(struct http1_head *head, const char *at, const char *end)
{
    const char *mark = memchr(at, '?', (size_t)(end - at));
    head->path = span(head, at, mark ? mark : end);
    if (mark) head->query = span(head, mark + 1, end);
}

static int check_absolute(struct http1_head *head, const char *at, const char *end,
                          const char **reason)
{
    const char *colon = memchr(at, ':', (size_t)(end - at));
    size_t size = colon ? (size_t)(colon - at) : 0;
    if (!colon || end - colon < 3 || colon[1] != '/' || colon[2] != '/' ||
        !(http1_same(at, size, "http") || http1_same(at, size, "https"))) {
        *reason = "the request target is neither a path nor an http or https URI";
        return 400;
    }
    const char *authority = colon + 3, *stop = authority;
    while (stop < end && *stop != '/' && *stop != '?') stop++;
    if (!http1_check_host(authority, (size_t)(stop - authority), 0)) {
        *reason = "invalid authority in the request target";
        return 400;
    }
    head->form = HTTP1_ABSOLUTE;
    head->scheme = span(head, at, colon);
    head->authority = span(head, authority, stop);
    split_query(head, stop, end);
    return 0;
}

static int check_authority(struct http1_head *head, const char *at, const char *end,
                           const char **reason)
{
    if (!http1_check_host(at, (size_t)(end - at), 1)) {
        *reason = "the target of CONNECT is not host:port";
        return 400;
    }
    head->form = HTTP1_AUTHORITY;
    head->authority = span(head, at, end);
    return 0;
}

int http1_check_target(struct http1_head *head, const char **reason)
{
    const char *at = head->bytes + head->target.at, *end = at + head->target.length;
    for (const char *c = at; c < end; c++) {
        if ((unsigned char)*c > 0x20 && (unsigned char)*c < 0x7f && *c != '#') continue;
        *reason = "invalid character in the request target";
        return 400;
    }
    if (head->method == HTTP_CONNECT) return check_authority(head, at, end, reason);
    if (at < end && *at == '/') {
        split_query(head, at, end);
        return 0;
    }
    if (head->method == HTTP_OPTIONS && end - at == 1 && *at == '*') {
        head->form = HTTP1_ASTERISK;
        head->path = head->target;
        return 0;
    }
    return check_absolute(head, at, end, reason);
}
