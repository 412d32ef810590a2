#include "http1.h"
#include "http1_names.h"
#include <string.h>

/*
 * The strict reader: one grammar, RFC 9112 without any of the liberties that it allows to
 * recipients. It sees only what is complete, and every offence has its own words for the log.
 */

static int refuse(const char **reason, int status, const char *words)
{
    *reason = words;
    return status;
}

static struct http1_span span(const struct http1_head *head, const char *from, const char *to)
{
    return (struct http1_span){(uint32_t)(from - head->bytes), (uint32_t)(to - from)};
}

/* --- fields --- */

static int offence_in_name(const char *line, const char *at, const char *end, const char **reason)
{
    int blank = at < end && (*at == ' ' || *at == '\t');
    if (at == line && blank) return refuse(reason, 400, "folded header field");
    if (at == line) return refuse(reason, 400, "empty or invalid field name");
    if (blank) return refuse(reason, 400, "whitespace in a field name or before its colon");
    return refuse(reason, 400, "invalid character in a field name");
}

static int offence_in_value(const char *at, const char *end, const char **reason)
{
    if (at < end && *at == '\n') return refuse(reason, 400, "bare LF in a header field");
    if (at < end && *at == '\r') return refuse(reason, 400, "bare CR in a header field");
    return refuse(reason, 400, "control character in a header field");
}

/* One line, `at` moves to the next. */
static int read_field(struct http1_head *head, struct http1_field *field, const char **at,
                      const char *end, const char **reason)
{
    const char *line = *at, *c = line;
    while (c < end && http1_token[(unsigned char)*c]) c++;
    if (c == end || c == line || *c != ':') return offence_in_name(line, c, end, reason);
    field->name = span(head, line, c);
    do c++;
    while (c < end && (*c == ' ' || *c == '\t'));
    const char *value = c;
    c = http1_skip_text(c, end, &field->high);
    if (end - c < 2 || c[0] != '\r' || c[1] != '\n') return offence_in_value(c, end, reason);
    *at = c + 2;
    while (c > value && (c[-1] == ' ' || c[-1] == '\t')) c--;
    field->value = span(head, value, c);
    field->known = (uint16_t)http1_name_find(line, field->name.length);
    return 0;
}

/* --- fields that decide where the request ends, and what becomes of the connection --- */

static int check_length(struct http1_head *head, const char *value, size_t size,
                        const char **reason)
{
    uint64_t length = 0;
    if (head->lengths++) return refuse(reason, 400, "more than one Content-Length");
    if (size == 0 || size > 18) return refuse(reason, 400, "invalid Content-Length");
    for (size_t i = 0; i < size; i++) {
        if (value[i] < '0' || value[i] > '9') return refuse(reason, 400, "invalid Content-Length");
        length = length * 10 + (uint64_t)(value[i] - '0');
    }
    head->content_length = length;
    head->flags |= HTTP1_HAS_LENGTH;
    return 0;
}

/* Nothing but "chunked". A coding that we could not undo is 501, all else leaves the end of the
 * body open. */
static int check_coding(struct http1_head *head, const char *value, size_t size,
                        const char **reason)
{
    if (head->codings++) return refuse(reason, 400, "more than one Transfer-Encoding");
    if (http1_same(value, size, "chunked")) {
        head->flags |= HTTP1_CHUNKED;
        return 0;
    }
    const char *comma = memchr(value, ',', size);
    size_t first = comma ? (size_t)(comma - value) : 0;
    while (first > 0 && (value[first - 1] == ' ' || value[first - 1] == '\t')) first--;
    int known = http1_same(value, first, "gzip") || http1_same(value, first, "deflate") ||
                http1_same(value, first, "compress") || http1_same(value, first, "x-gzip");
    const char *rest = comma ? comma + 1 : value;
    while (rest < value + size && (*rest == ' ' || *rest == '\t')) rest++;
    if (known && http1_same(rest, (size_t)(value + size - rest), "chunked"))
        return refuse(reason, 501, "transfer coding other than chunked");
    return refuse(reason, 400, "invalid Transfer-Encoding");
}

static int check_host(struct http1_head *head, const struct http1_field *field, const char **reason)
{
    const char *host = head->bytes + field->value.at;
    if (head->hosts++) return refuse(reason, 400, "more than one Host");
    if (!http1_check_host(host, field->value.length, 0)) return refuse(reason, 400, "invalid Host");
    if (head->form == HTTP1_ORIGIN || head->form == HTTP1_ASTERISK) {
        head->authority = field->value;
        return 0;
    }
    /* A proxy in front of us may have decided by the other one. */
    const char *authority = head->bytes + head->authority.at;
    if (field->value.length != head->authority.length)
        return refuse(reason, 400, "Host differs from the request target");
    for (uint32_t i = 0; i < field->value.length; i++) {
        char a = host[i], b = authority[i];
        if (a == b || ((a | 0x20) == (b | 0x20) && (a | 0x20) >= 'a' && (a | 0x20) <= 'z'))
            continue;
        return refuse(reason, 400, "Host differs from the request target");
    }
    return 0;
}

enum { WANTS_CLOSE = 1, WANTS_KEEP_ALIVE = 2, WANTS_UPGRADE = 4, HAS_UPGRADE = 8 };

static int check_known(struct http1_head *head, const struct http1_field *field, unsigned *wants,
                       const char **reason)
{
    const char *value = head->bytes + field->value.at;
    size_t size = field->value.length;
    switch (field->known) {
    case HTTP1_NAME_HOST:
        return check_host(head, field, reason);
    case HTTP1_NAME_CONTENT_LENGTH:
        return check_length(head, value, size, reason);
    case HTTP1_NAME_TRANSFER_ENCODING:
        return check_coding(head, value, size, reason);
    case HTTP1_NAME_CONNECTION:
        if (http1_has_token(value, size, "close")) *wants |= WANTS_CLOSE;
        if (http1_has_token(value, size, "keep-alive")) *wants |= WANTS_KEEP_ALIVE;
        if (http1_has_token(value, size, "upgrade")) *wants |= WANTS_UPGRADE;
        return 0;
    case HTTP1_NAME_UPGRADE:
        if (size > 0) *wants |= HAS_UPGRADE;
        return 0;
    case HTTP1_NAME_EXPECT:
        if (head->minor == 0) return 0;
        if (!http1_same(value, size, "100-continue")) return refuse(reason, 417, "unknown Expect");
        head->flags |= HTTP1_EXPECT_CONTINUE;
        return 0;
    default:
        return 0;
    }
}

static int check_together(struct http1_head *head, const struct http1_limits *limits,
                          unsigned wants, const char **reason)
{
    if (head->minor == 1 && !head->hosts) return refuse(reason, 400, "no Host");
    if (head->codings && head->minor == 0)
        return refuse(reason, 400, "Transfer-Encoding in an HTTP/1.0 request");
    if (head->codings && head->lengths)
        return refuse(reason, 400, "both Transfer-Encoding and Content-Length");
    if (head->method == HTTP_CONNECT && (head->codings || head->lengths))
        return refuse(reason, 400, "CONNECT with a body");
    if ((head->flags & HTTP1_HAS_LENGTH) && head->content_length > limits->body)
        return refuse(reason, 413, "the body is longer than allowed");
    int has_body = head->codings || head->content_length > 0;
    if (!has_body) head->flags &= (uint8_t)~HTTP1_EXPECT_CONTINUE;
    if (!(wants & WANTS_CLOSE) && (head->minor == 1 || (wants & WANTS_KEEP_ALIVE)))
        head->flags |= HTTP1_KEEP_ALIVE;
    if (head->minor == 1 && (wants & WANTS_UPGRADE) && (wants & HAS_UPGRADE))
        head->flags |= HTTP1_UPGRADE;
    return 0;
}

/* --- the request line --- */

int http1_is_method(unsigned method)
{
    /* SOURCE is ICE's, PRI is HTTP/2's, those from DESCRIBE to FLUSH are RTSP's. */
    return method < HTTP_SOURCE || method > HTTP_FLUSH;
}

static int check_version(const char *at, const char *end, uint8_t *minor, const char **reason)
{
    if (end - at != 8 || memcmp(at, "HTTP/", 5) || at[5] < '0' || at[5] > '9' || at[6] != '.' ||
        at[7] < '0' || at[7] > '9')
        return refuse(reason, 400, "no HTTP version in the request line");
    if (at[5] != '1' || at[7] > '1')
        return refuse(reason, 505, "HTTP version is neither 1.0 nor 1.1");
    *minor = (uint8_t)(at[7] - '0');
    return 0;
}

/* method SP target SP version CRLF, each space exactly one. `at` moves behind it. */
static int read_request_line(struct http1_head *head, const char **at, const char *end,
                             const char **reason)
{
    const char *line = *at, *stop = memchr(line, '\r', (size_t)(end - line));
    if (!stop || stop + 1 == end || stop[1] != '\n' || memchr(line, '\n', (size_t)(stop - line)))
        return refuse(reason, 400, "the request line does not end with CRLF");
    const char *first = memchr(line, ' ', (size_t)(stop - line));
    const char *second = first ? memchr(first + 1, ' ', (size_t)(stop - first - 1)) : NULL;
    if (!second) return refuse(reason, 400, "no HTTP version in the request line");
    int status = check_version(second + 1, stop, &head->minor, reason);
    if (status) return status;
    for (const char *c = line; c < first; c++)
        if (!http1_token[(unsigned char)*c]) return refuse(reason, 400, "invalid method");
    if (first == line) return refuse(reason, 400, "invalid method");
    if (!http1_is_method(head->method)) return refuse(reason, 501, "method of another protocol");
    head->method_name = span(head, line, first);
    head->target = span(head, first + 1, second);
    *at = stop + 2;
    return http1_check_target(head, reason);
}

/* --- the whole --- */

int http1_check_head(struct http1_head *head, const struct http1_limits *limits,
                     const char **reason)
{
    const char *at = head->bytes, *end = at + head->size;
    unsigned wants = 0;
    int status = read_request_line(head, &at, end, reason);
    while (!status && at < end && *at != '\r') {
        if (head->count == limits->fields) return refuse(reason, 431, "too many header fields");
        struct http1_field *field = &head->fields[head->count];
        status = read_field(head, field, &at, end, reason);
        if (status) break;
        head->count++;
        if (field->known) status = check_known(head, field, &wants, reason);
    }
    if (status) return status;
    if (end - at != 2 || at[1] != '\n')
        return refuse(reason, 400, "the head does not end with an empty line");
    return check_together(head, limits, wants, reason);
}

/* What would decide about the message comes too late, RFC 9110, 6.5.1. */
static int allowed_in_trailers(unsigned known)
{
    return known != HTTP1_NAME_CONTENT_LENGTH && known != HTTP1_NAME_TRANSFER_ENCODING &&
           known != HTTP1_NAME_HOST && known != HTTP1_NAME_CONNECTION &&
           known != HTTP1_NAME_EXPECT && known != HTTP1_NAME_UPGRADE;
}

int http1_check_trailers(struct http1_head *head, const struct http1_limits *limits,
                         const char **reason)
{
    const char *at = head->bytes, *end = at + head->size;
    while (at < end && *at != '\r') {
        if (head->count == limits->trailer_fields)
            return refuse(reason, 431, "too many trailer fields");
        struct http1_field *field = &head->fields[head->count];
        int status = read_field(head, field, &at, end, reason);
        if (status) return status;
        head->count++;
        if (!allowed_in_trailers(field->known))
            return refuse(reason, 400, "field not allowed in trailers");
    }
    if (end - at != 2 || at[1] != '\n')
        return refuse(reason, 400, "the trailers do not end with an empty line");
    return 0;
}

/* --- the line before a chunk: 1*16HEXDIG *( ";" name [ "=" ( token / quoted ) ] ) CRLF --- */

static const char *skip_token(const char *at, const char *end)
{
    while (at < end && http1_token[(unsigned char)*at]) at++;
    return at;
}

/* Behind the closing quote, or NULL. Nothing is escaped in it: older versions of llhttp do not know
 * that. */
static const char *skip_quoted(const char *at, const char *end)
{
    for (at++; at < end && *at != '"'; at++)
        if (*at == '\\' || ((unsigned char)*at < 0x20 && *at != '\t') || *at == 0x7f) return NULL;
    return at < end ? at + 1 : NULL;
}

static const char *skip_extension(const char *at, const char *end)
{
    const char *name = ++at;
    at = skip_token(at, end);
    if (at == name) return NULL;
    if (at == end || *at != '=') return at;
    if (++at < end && *at == '"') return skip_quoted(at, end);
    const char *value = at;
    at = skip_token(at, end);
    return at == value ? NULL : at;
}

int http1_check_chunk_line(const char *line, size_t size, uint64_t *chunk, const char **reason)
{
    *chunk = 0;
    if (size < 3 || line[size - 2] != '\r') return refuse(reason, 400, "invalid chunk size");
    const char *at = line, *end = line + size - 2;
    for (; at < end; at++) {
        unsigned char c = (unsigned char)*at, l = c | 0x20;
        unsigned digit = c >= '0' && c <= '9' ? c - 48u : l >= 'a' && l <= 'f' ? l - 87u : 16;
        if (digit == 16) break;
        if (at - line == 16) return refuse(reason, 400, "chunk size too large");
        *chunk = *chunk << 4 | digit;
    }
    if (at == line) return refuse(reason, 400, "invalid chunk size");
    if (*chunk > INT64_MAX) return refuse(reason, 400, "chunk size too large");
    while (at && at < end) {
        if (*at != ';') return refuse(reason, 400, "invalid chunk size");
        at = skip_extension(at, end);
    }
    return at ? 0 : refuse(reason, 400, "invalid chunk extension");
}
