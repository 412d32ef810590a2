#include "http1.h"
#include "http1_buffers.h"
#include <string.h>

/* --- llhttp's callbacks: it is only asked whether it agrees, and where a head ends --- */

static int on_url(llhttp_t *llhttp, const char *at, size_t size)
{
    struct http1_parser *p = llhttp->data;
    (void)at;
    p->target_bytes += size;
    return p->target_bytes > p->limits.target ? HPE_USER : 0;
}

static int on_header_value_complete(llhttp_t *llhttp)
{
    ((struct http1_parser *)llhttp->data)->values_seen++;
    return 0;
}

static int on_headers_complete(llhttp_t *llhttp)
{
    (void)llhttp;
    return HPE_PAUSED;
}

static int on_message_complete(llhttp_t *llhttp)
{
    ((struct http1_parser *)llhttp->data)->completed = 1;
    return 0;
}

static const llhttp_settings_t settings = {
    .on_url = on_url,
    .on_header_value_complete = on_header_value_complete,
    .on_headers_complete = on_headers_complete,
    .on_message_complete = on_message_complete,
};

/* --- memory --- */

void http1_init(struct http1_parser *p, const struct http1_limits *limits)
{
    memset(p, 0, sizeof(*p));
    p->limits = *limits;
    llhttp_init(&p->llhttp, HTTP_REQUEST, &settings);
    p->llhttp.data = p;
}

void http1_free(struct http1_parser *p)
{
    http1_buffer_release(p->bytes, p->capacity);
    p->bytes = NULL;
    p->capacity = p->start = p->parsed = p->end = 0;
}

void http1_trim(struct http1_parser *p)
{
    if (p->start == p->end) http1_free(p);
}

static void move_to_front(struct http1_parser *p)
{
    size_t size = p->end - p->start;
    if (p->start == 0) return;
    if (size) memmove(p->bytes, p->bytes + p->start, size);
    p->parsed -= p->start;
    p->end = size;
    p->start = 0;
}

int http1_feed(struct http1_parser *p, const char *data, size_t size)
{
    if (size == 0 || p->state == HTTP1_FAILED_STATE) return 0; /* it would lie there for ever */
    if (p->start == p->end || p->capacity - p->end < size) move_to_front(p);
    if (p->capacity - p->end < size) {
        char *bytes = http1_buffer_resize(p->bytes, p->end + size, &p->capacity);
        if (!bytes) return -1;
        p->bytes = bytes;
    }
    memcpy(p->bytes + p->end, data, size);
    p->end += size;
    return 0;
}

/* --- what llhttp refuses --- */

enum http1_result http1_fail(struct http1_parser *p, int status, const char *reason)
{
    p->state = HTTP1_FAILED_STATE;
    p->error.status = status;
    p->error.reason = reason;
    return HTTP1_FAILED;
}

/* The parts of a request line that may be broken off anywhere, as llhttp finds them: it takes
   several spaces for one. */
struct request_line {
    const char *target, *target_end, *version; /* NULL where there is none yet */
};

static struct request_line find_parts(const char *at, const char *end)
{
    struct request_line line = {0};
    while (at < end && http1_token[(unsigned char)*at]) at++;
    if (at == end || *at != ' ') return line;
    while (at < end && *at == ' ') at++;
    line.target = at;
    while (at < end && (unsigned char)*at > ' ') at++;
    line.target_end = at;
    while (at < end && *at == ' ') line.version = ++at;
    return line;
}

/* A version that is well-formed, but not one of ours. */
static int is_other_version(const char *word, const char *end)
{
    if (!word || end - word < 8 || memcmp(word, "HTTP/", 5) || word[6] != '.') return 0;
    if (word[5] < '0' || word[5] > '9' || word[7] < '0' || word[7] > '9') return 0;
    return word[5] != '1' || word[7] > '1';
}

static int is_http(const char *word, const char *end)
{
    return word && end - word >= 5 && !memcmp(word, "HTTP/", 5);
}

/* A request line that ends behind its target, which old versions of llhttp, and lenient ones, take:
   more of it would never come. */
static const char *offence_of_http09(const struct request_line *line, const char *end)
{
    if (!line->target || line->target_end == line->target || line->target_end == end) return NULL;
    if (line->version) return NULL;
    if (*line->target_end == '\n') return "the request line does not end with CRLF";
    return *line->target_end == '\r' ? "no HTTP version in the request line" : NULL;
}

/* What llhttp found bad lies at `at`. Only bytes up to there are looked at, so that the answer is
   the same however the request was cut into pieces. */
static enum http1_result refused(struct http1_parser *p, llhttp_errno_t code, const char *at)
{
    const char *first = p->bytes + p->start, *end = p->bytes + p->end;
    const char *stop = at < end ? at + 1 : end;
    const char *reason = llhttp_get_error_reason(&p->llhttp);
    struct request_line line = find_parts(first, stop);
    if (!reason || !*reason) reason = llhttp_errno_name(code);
    /* llhttp tells how long the target is at its end only, or never. */
    if (code == HPE_USER ||
        (line.target && (size_t)(line.target_end - line.target) > p->limits.target))
        return http1_fail(p, 414, "the request target is longer than allowed");
    const char *http09 = offence_of_http09(&line, stop);
    if (http09) return http1_fail(p, 400, http09);
    switch (code) {
    case HPE_INVALID_METHOD: {
        const char *c = first;
        while (c < stop && http1_token[(unsigned char)*c]) c++;
        return c == stop || (*c == ' ' && c > first) ? http1_fail(p, 501, "unknown method")
                                                     : http1_fail(p, 400, "invalid method");
    }
    case HPE_INVALID_VERSION:
        return is_other_version(line.version, stop)
                   ? http1_fail(p, 505, "HTTP version is neither 1.0 nor 1.1")
                   : http1_fail(p, 400, reason);
    case HPE_INVALID_CONSTANT:
        return is_http(line.version, stop) && !http1_is_method(p->llhttp.method)
                   ? http1_fail(p, 501, "method of another protocol")
                   : http1_fail(p, 400, reason);
    case HPE_PAUSED_H2_UPGRADE:
        return http1_fail(p, 505, "the preface of HTTP/2");
    default:
        return http1_fail(p, 400, reason);
    }
}

/* --- heads --- */

/* Empty lines before a request line are allowed for the sake of old clients (RFC 9112, 2.2), but
   not without end. True when the first byte of a head is there. */
#define EMPTY_LINES 4

static int skip_empty_lines(struct http1_parser *p)
{
    for (int lines = 0; p->start < p->end; lines++) {
        const char *at = p->bytes + p->start;
        if (*at != '\r' && *at != '\n') break;
        if (p->end - p->start == 1 && *at == '\r') return 0;
        if (*at == '\n' || at[1] != '\n') {
            http1_fail(p, 400,
                       *at == '\n' ? "bare LF before the request line"
                                   : "bare CR before the request line");
            return 0;
        }
        if (++p->empty_lines > EMPTY_LINES) {
            http1_fail(p, 400, "empty lines instead of a request");
            return 0;
        }
        p->start += 2;
        p->parsed = p->start;
    }
    p->parsed = p->start;
    p->started = p->start < p->end;
    return p->started;
}

/* The two readers must have seen the same request. */
static int llhttp_agrees(const struct http1_parser *p, const struct http1_head *head)
{
    const llhttp_t *l = &p->llhttp;
    return p->values_seen == head->count && p->target_bytes == head->target.length &&
           l->http_major == 1 && l->http_minor == head->minor &&
           !(l->flags & F_CHUNKED) == !(head->flags & HTTP1_CHUNKED) &&
           (!(head->flags & HTTP1_HAS_LENGTH) || l->content_length == head->content_length);
}

static void expect_body(struct http1_parser *p, const struct http1_head *head)
{
    p->start = p->parsed;
    p->started = p->completed = p->empty_lines = 0;
    p->target_bytes = p->values_seen = 0;
    p->body_bytes = 0;
    if (head->flags & HTTP1_CHUNKED) {
        llhttp_resume(&p->llhttp);
        p->state = HTTP1_CHUNK_LINE;
        return;
    }
    llhttp_reset(&p->llhttp);
    p->remaining = head->content_length;
    p->state = p->remaining ? HTTP1_LENGTH : HTTP1_HEAD;
}

static enum http1_result complete_head(struct http1_parser *p, struct http1_head *head, size_t size)
{
    const char *reason;
    struct http1_field *fields = head->fields;
    memset(head, 0, sizeof(*head));
    head->fields = fields;
    head->bytes = p->bytes + p->start;
    head->size = (uint32_t)size;
    head->method = p->llhttp.method;
    int status = http1_check_head(head, &p->limits, &reason);
    if (status) return http1_fail(p, status, reason);
    if (!llhttp_agrees(p, head)) return http1_fail(p, 400, "ambiguous request head");
    p->parsed = p->start + size;
    expect_body(p, head);
    return HTTP1_READY;
}

enum http1_result http1_next_head(struct http1_parser *p, struct http1_head *head)
{
    if (p->state == HTTP1_FAILED_STATE) return HTTP1_FAILED;
    if (!p->started && !skip_empty_lines(p)) {
        http1_trim(p);
        return p->state == HTTP1_FAILED_STATE ? HTTP1_FAILED : HTTP1_MORE;
    }
    size_t used = p->parsed - p->start, have = p->end - p->parsed;
    size_t size = have < p->limits.head - used ? have : p->limits.head - used;
    if (size == 0) return HTTP1_MORE;
    llhttp_errno_t code = llhttp_execute(&p->llhttp, p->bytes + p->parsed, size);
    if (code == HPE_OK) {
        p->parsed += size;
        if (p->llhttp.http_major == 0) {
            const char *stop = p->bytes + p->parsed;
            struct request_line line = find_parts(p->bytes + p->start, stop);
            const char *offence = offence_of_http09(&line, stop);
            if (offence) return http1_fail(p, 400, offence);
        }
        if (used + size < p->limits.head) return HTTP1_MORE;
        return http1_fail(p, 431, "the head is longer than allowed");
    }
    const char *at = llhttp_get_error_pos(&p->llhttp);
    if (code == HPE_PAUSED) return complete_head(p, head, (size_t)(at - p->bytes) - p->start);
    return refused(p, code, at);
}

/* --- bodies --- */

enum http1_result http1_read_body(struct http1_parser *p, char *into, size_t room, size_t *got,
                                  struct http1_head *trailers)
{
    *got = 0;
    if (p->state == HTTP1_FAILED_STATE) return HTTP1_FAILED;
    if (p->state == HTTP1_HEAD) return HTTP1_DONE;
    if (p->state != HTTP1_LENGTH) return http1_read_chunks(p, into, room, got, trailers);
    size_t have = p->end - p->start;
    if (have > p->remaining) have = (size_t)p->remaining;
    if (have > room) have = room;
    if (have == 0) return HTTP1_MORE;
    memcpy(into, p->bytes + p->start, have);
    http1_skip(p, have);
    *got = have;
    return HTTP1_READY;
}
