#include "http1.h"
#include <string.h>

/* Chunked bodies, RFC 9112, 7.1. The lines between the data are read by our own rules first; llhttp
   then gets the same bytes and must agree. */

static int llhttp_takes(struct http1_parser *p, const char *bytes, size_t size)
{
    llhttp_errno_t code = llhttp_execute(&p->llhttp, bytes, size);
    /* After the end of a request that asks for an upgrade, llhttp stops. */
    return code == HPE_OK || (code == HPE_PAUSED_UPGRADE && p->completed);
}

static enum http1_result disagreement(struct http1_parser *p)
{
    return http1_fail(p, 400, "ambiguous chunk");
}

static void used(struct http1_parser *p, size_t size)
{
    p->start += size;
    p->parsed = p->start;
}

/* Looks for the LF that ends a line from `parsed` on, and gives the bytes of the line, 0 without
 * one. */
static size_t find_line(struct http1_parser *p)
{
    const char *from = p->bytes + p->parsed;
    const char *lf = memchr(from, '\n', p->end - p->parsed);
    p->parsed = lf ? (size_t)(lf - p->bytes) + 1 : p->end;
    return lf ? p->parsed - p->start : 0;
}

static enum http1_result read_chunk_line(struct http1_parser *p)
{
    const char *line = p->bytes + p->start, *reason;
    size_t size = find_line(p), seen = p->parsed - p->start;
    if (seen > p->limits.chunk_line)
        return http1_fail(p, 400, "chunk extensions longer than allowed");
    if (!size) return HTTP1_MORE;
    uint64_t chunk;
    int status = http1_check_chunk_line(line, size, &chunk, &reason);
    if (status) return http1_fail(p, status, reason);
    if (chunk > p->limits.body || p->body_bytes > p->limits.body - chunk)
        return http1_fail(p, 413, "the body is longer than allowed");
    if (!llhttp_takes(p, line, size)) return disagreement(p);
    if (p->llhttp.content_length != chunk) return disagreement(p);
    used(p, size);
    p->body_bytes += chunk;
    p->remaining = chunk;
    p->state = chunk ? HTTP1_CHUNK_DATA : HTTP1_TRAILERS;
    return HTTP1_READY;
}

static enum http1_result read_chunk_data(struct http1_parser *p, char *into, size_t room,
                                         size_t *got)
{
    size_t have = p->end - p->start;
    if (have > p->remaining) have = (size_t)p->remaining;
    if (have > room - *got) have = room - *got;
    if (have == 0) return HTTP1_MORE;
    if (!llhttp_takes(p, p->bytes + p->start, have)) return disagreement(p);
    memcpy(into + *got, p->bytes + p->start, have);
    *got += have;
    used(p, have);
    p->remaining -= have;
    if (p->remaining == 0) p->state = HTTP1_CHUNK_END;
    return HTTP1_READY;
}

static enum http1_result read_chunk_end(struct http1_parser *p)
{
    const char *at = p->bytes + p->start;
    if (p->end == p->start) return HTTP1_MORE;
    if (at[0] != '\r') return http1_fail(p, 400, "a chunk does not end where it should");
    if (p->end - p->start < 2) return HTTP1_MORE;
    if (at[1] != '\n') return http1_fail(p, 400, "a chunk does not end where it should");
    if (!llhttp_takes(p, at, 2)) return disagreement(p);
    used(p, 2);
    p->state = HTTP1_CHUNK_LINE;
    return HTTP1_READY;
}

static enum http1_result complete_trailers(struct http1_parser *p, struct http1_head *trailers)
{
    const char *reason;
    struct http1_field *fields = trailers->fields;
    memset(trailers, 0, sizeof(*trailers));
    trailers->fields = fields;
    trailers->bytes = p->bytes + p->start;
    trailers->size = (uint32_t)(p->parsed - p->start);
    int status = http1_check_trailers(trailers, &p->limits, &reason);
    if (status) return http1_fail(p, status, reason);
    p->values_seen = 0;
    if (!llhttp_takes(p, trailers->bytes, trailers->size) || !p->completed) return disagreement(p);
    if (p->values_seen != trailers->count) return disagreement(p);
    used(p, trailers->size);
    p->state = HTTP1_HEAD;
    p->values_seen = 0;
    llhttp_reset(&p->llhttp);
    return HTTP1_DONE;
}

/* Line by line, so that a bad line ending shows at once. */
static enum http1_result read_trailers(struct http1_parser *p, struct http1_head *trailers)
{
    for (;;) {
        size_t size = find_line(p), seen = p->parsed - p->start;
        if (seen > p->limits.trailer)
            return http1_fail(p, 431, "the trailers are longer than allowed");
        if (!size) return HTTP1_MORE;
        if (size < 2 || p->bytes[p->parsed - 2] != '\r')
            return http1_fail(p, 400, "bare LF in the trailers");
        int empty = size == 2 || (size >= 4 && p->bytes[p->parsed - 3] == '\n');
        if (empty) return complete_trailers(p, trailers);
    }
}

enum http1_result http1_read_chunks(struct http1_parser *p, char *into, size_t room, size_t *got,
                                    struct http1_head *trailers)
{
    enum http1_result result = HTTP1_READY;
    while (result == HTTP1_READY && *got < room) {
        if (*got && p->state == HTTP1_TRAILERS)
            break; /* DONE comes with no data, but with the trailers */
        switch (p->state) {
        case HTTP1_CHUNK_LINE:
            result = read_chunk_line(p);
            break;
        case HTTP1_CHUNK_DATA:
            result = read_chunk_data(p, into, room, got);
            break;
        case HTTP1_CHUNK_END:
            result = read_chunk_end(p);
            break;
        default:
            result = read_trailers(p, trailers);
        }
    }
    return *got ? HTTP1_READY : result; /* what came before an error is handed out before it */
}
