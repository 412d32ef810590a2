#ifndef POLYPHONY_HTTP1_H
#define POLYPHONY_HTTP1_H

#include <stddef.h>
#include <stdint.h>
#include <llhttp.h>

/*
 * The HTTP/1 request parser: bytes in, events out. Pure C; it knows no Ruby, no fiber and no
 * socket.
 *
 * A request is accepted only if two readers agree on it. llhttp reads the bytes as they come, and
 * so refuses nonsense at its first byte. What it has accepted as a whole, a head, the line before a
 * chunk or a block of trailers, is read again by http1_rules.c, which knows one strict grammar and
 * does not depend on the version of llhttp or on how that was compiled.
 *
 *     feed ─▶ [ consumed | unit being parsed | not looked at yet | room ]
 *               0          start               parsed              end     capacity
 *
 *     HEAD ──▶ (no body) ──────────────────────────────────────────────▶ HEAD
 *       │────▶ LENGTH ── all bytes taken ──────────────────────────────▶ HEAD
 *       └────▶ CHUNK_LINE ──▶ CHUNK_DATA ──▶ CHUNK_END ──▶ CHUNK_LINE
 *                  └── size 0 ──▶ TRAILERS ────────────────────────────▶ HEAD
 *     any ───▶ FAILED, for ever
 */

struct http1_limits {
    size_t target;         /* bytes of the request target: 414 */
    size_t head;           /* bytes of request line and header fields together: 431 */
    size_t fields;         /* number of header fields: 431 */
    uint64_t body;         /* bytes of the body: 413 */
    size_t chunk_line;     /* bytes of the line before a chunk, extensions included: 400 */
    size_t trailer;        /* bytes of all trailer fields together: 431 */
    size_t trailer_fields; /* number of trailer fields: 431 */
};

/* Fields are indexed in 32 bits, and their number bounds the room that the caller must give. */
#define HTTP1_MAX_HEAD (16u << 20)
#define HTTP1_MAX_FIELDS 1024

struct http1_error {
    int status;         /* of the response that the client should get */
    const char *reason; /* for the log; a constant */
};

struct http1_span {
    uint32_t at, length;
};

struct http1_field {
    struct http1_span name, value;
    uint16_t known; /* enum http1_name, 0 when the name is not in http1_names.h */
    uint16_t high;  /* the value has bytes above 0x7e */
};

enum http1_flag {
    HTTP1_KEEP_ALIVE = 1,      /* the client wants the connection to go on */
    HTTP1_HAS_LENGTH = 2,      /* content_length counts */
    HTTP1_CHUNKED = 4,         /* the body is chunked */
    HTTP1_UPGRADE = 8,         /* Connection: upgrade and a field Upgrade */
    HTTP1_EXPECT_CONTINUE = 16 /* a body comes once 100 (Continue) was sent */
};

enum http1_form { HTTP1_ORIGIN, HTTP1_ABSOLUTE, HTTP1_AUTHORITY, HTTP1_ASTERISK };

/* The index of a head: offsets into its bytes. */
struct http1_head {
    const char *bytes;
    uint32_t size;  /* with the empty line that ends it */
    uint8_t method; /* llhttp's number */
    uint8_t minor;  /* of the version: 0 or 1, 2 for HTTP/2 */
    uint8_t form;
    uint8_t flags;
    uint8_t hosts, lengths, codings; /* how often these fields came */
    struct http1_span method_name, target;
    struct http1_span scheme, authority; /* the authority is Host's if the target has none */
    struct http1_span path, query;
    struct http1_span protocol; /* HTTP/2's :protocol */
    uint64_t content_length;
    uint32_t count;
    struct http1_field *fields; /* room for limits.fields, the caller's */
};

enum http1_state {
    HTTP1_HEAD,
    HTTP1_LENGTH,
    HTTP1_CHUNK_LINE,
    HTTP1_CHUNK_DATA,
    HTTP1_CHUNK_END,
    HTTP1_TRAILERS,
    HTTP1_FAILED_STATE
};

enum http1_result {
    HTTP1_MORE,  /* feed more bytes first */
    HTTP1_READY, /* what was asked for is there */
    HTTP1_DONE,  /* the body is at its end */
    HTTP1_FAILED /* see parser->error; nothing more will come */
};

struct http1_parser {
    llhttp_t llhttp;
    struct http1_limits limits;
    enum http1_state state;
    struct http1_error error;
    char *bytes;
    size_t capacity, start, parsed, end;
    size_t target_bytes;  /* of the request line so far */
    uint32_t values_seen; /* fields that llhttp has counted */
    uint8_t started;      /* bytes of a head have come */
    uint8_t completed;    /* llhttp has seen the end of the message */
    uint8_t empty_lines;  /* before the request line */
    uint64_t remaining;   /* bytes of the body, or of the chunk, to come */
    uint64_t body_bytes;  /* of the chunked body so far */
};

void http1_init(struct http1_parser *p, const struct http1_limits *limits);
void http1_free(struct http1_parser *p);

/* Appends what was read from the connection. -1 without memory. */
int http1_feed(struct http1_parser *p, const char *data, size_t size);

/* Reads a head: READY, MORE or FAILED. head->fields must have room for limits.fields. The index
   points into the parser's own bytes, valid until the next http1_feed. */
enum http1_result http1_next_head(struct http1_parser *p, struct http1_head *head);

/* Copies at most `room` bytes of the body to `into`, their number to `got`: READY with got > 0,
   MORE, DONE or FAILED. With DONE, `trailers` is filled (fields: room for limits.trailer_fields).
 */
enum http1_result http1_read_body(struct http1_parser *p, char *into, size_t room, size_t *got,
                                  struct http1_head *trailers);

/* True when no message is under way. */
static inline int http1_idle(const struct http1_parser *p)
{
    return p->state == HTTP1_HEAD && !p->started;
}

/* Bytes that were fed and not used yet. */
static inline size_t http1_unused(const struct http1_parser *p)
{
    return p->end - p->start;
}

/* Counts bytes of a body with Content-Length as taken: they were, or were read elsewhere. */
static inline void http1_skip(struct http1_parser *p, size_t size)
{
    p->start += size;
    p->parsed = p->start;
    p->remaining -= size;
    if (p->remaining == 0) p->state = HTTP1_HEAD;
}

/* Gives the memory back if no byte is in it. */
void http1_trim(struct http1_parser *p);

/* --- http1_chunks.c --- */
enum http1_result http1_read_chunks(struct http1_parser *p, char *into, size_t room, size_t *got,
                                    struct http1_head *trailers);
enum http1_result http1_fail(struct http1_parser *p, int status, const char *reason);

/* --- http1_rules.c: each gives 0, or the status to answer with, and the reason --- */
int http1_check_head(struct http1_head *head, const struct http1_limits *limits,
                     const char **reason);
int http1_check_trailers(struct http1_head *head, const struct http1_limits *limits,
                         const char **reason);
int http1_check_chunk_line(const char *line, size_t size, uint64_t *chunk, const char **reason);

int http1_is_method(unsigned method); /* of HTTP: llhttp knows others, too */

/* --- http1_target.c --- */
int http1_check_target(struct http1_head *head, const char **reason);
int http1_check_host(const char *host, size_t size, int want_port);

/* --- http1_chars.c --- */
extern const uint8_t http1_token[256]; /* 1 for characters of names and methods */
int http1_same(const char *text, size_t size, const char *lower); /* but for case */
int http1_has_token(const char *list, size_t size, const char *lower);
const char *http1_skip_text(const char *at, const char *end, uint16_t *high);

#endif
