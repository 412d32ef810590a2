/*
 * A fuzz target for the HTTP/1 codec: `rake fuzz`. Works with libFuzzer, with AFL++ (through
 * libFuzzer's driver) and with fuzz/driver.c, which needs nothing but a C compiler.
 *
 * The input is what a client sends. It is parsed three times, whole, byte by byte and in pieces
 * whose sizes come from the input, and
 *
 * - all three must give the same events, bytes of bodies and errors;
 * - what was accepted must pass a second, naive reading of its own, which knows what an accepted
 * request must never have: it shares no code with ext/http;
 * - so must what the strict reader accepts without llhttp;
 * - the parser's memory stays within its limits;
 * - names and values taken from the input never break out of a response.
 */
#include "http1.h"
#include "http1_names.h"
#include "http1_response.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(what)                                                                                \
    do {                                                                                           \
        if (!(what)) {                                                                             \
            fprintf(stderr, "fuzz: %s:%d: not so: %s\n", __FILE__, __LINE__, #what);               \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

static const struct http1_limits limits = {.target = 256,
                                           .head = 1024,
                                           .fields = 16,
                                           .body = 4096,
                                           .chunk_line = 64,
                                           .trailer = 256,
                                           .trailer_fields = 4};

/* --- what came out --- */

struct events {
    uint64_t hash;
    unsigned heads, bodies_done;
    int status;
};

static void note(struct events *events, const void *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        events->hash = (events->hash ^ ((const uint8_t *)bytes)[i]) * 1099511628211u;
}

static void note_span(struct events *events, const struct http1_head *head, struct http1_span span)
{
    CHECK((uint64_t)span.at + span.length <= head->size);
    note(events, &span.length, sizeof(span.length));
    note(events, head->bytes + span.at, span.length);
}

static void note_fields(struct events *events, const struct http1_head *head)
{
    note(events, &head->count, sizeof(head->count));
    for (uint32_t i = 0; i < head->count; i++) {
        note_span(events, head, head->fields[i].name);
        note_span(events, head, head->fields[i].value);
    }
}

/* --- the naive reading --- */

static int is_field(const struct http1_head *head, const struct http1_field *field,
                    const char *name)
{
    if (strlen(name) != field->name.length) return 0;
    for (size_t i = 0; name[i]; i++) {
        char c = head->bytes[field->name.at + i];
        if (c >= 'A' && c <= 'Z') c = (char)(c - 'A' + 'a');
        if (c != name[i]) return 0;
    }
    return 1;
}

static unsigned times(const struct http1_head *head, const char *name)
{
    unsigned n = 0;
    for (uint32_t i = 0; i < head->count; i++)
        n += (unsigned)is_field(head, &head->fields[i], name);
    return n;
}

/* Each line ends with CRLF, and nowhere else is a CR, a LF or another control character. */
static unsigned check_lines(const struct http1_head *head)
{
    unsigned lines = 0;
    for (uint32_t i = 0; i < head->size; i++) {
        unsigned char c = (unsigned char)head->bytes[i];
        if (c == '\r') {
            CHECK(i + 1 < head->size && head->bytes[i + 1] == '\n');
        } else if (c == '\n') {
            CHECK(i > 0 && head->bytes[i - 1] == '\r');
            lines++;
        } else {
            CHECK((c >= 0x20 && c != 0x7f) || c == '\t');
        }
        if ((c == ' ' || c == '\t') && i > 0) CHECK(head->bytes[i - 1] != '\n'); /* no folding */
    }
    return lines;
}

static void check_fields(const struct http1_head *head)
{
    for (uint32_t i = 0; i < head->count; i++) {
        struct http1_span name = head->fields[i].name, value = head->fields[i].value;
        CHECK(name.length > 0 && head->bytes[name.at - 1] == '\n' &&
              head->bytes[name.at + name.length] == ':');
        for (uint32_t j = 0; j < name.length; j++)
            CHECK(!strchr(" \t\"(),/:;<=>?@[\\]{}", head->bytes[name.at + j]) &&
                  (head->bytes[name.at + j] & 0x80) == 0);
        if (value.length == 0) continue;
        CHECK(head->bytes[value.at] != ' ' && head->bytes[value.at] != '\t');
        CHECK(head->bytes[value.at + value.length - 1] != ' ' &&
              head->bytes[value.at + value.length - 1] != '\t');
    }
}

static void check_head(const struct http1_head *head)
{
    CHECK(head->size <= limits.head && head->count <= limits.fields &&
          head->target.length <= limits.target);
    CHECK(check_lines(head) == head->count + 2);
    CHECK(memcmp(head->bytes + head->size - 4, "\r\n\r\n", 4) == 0);
    check_fields(head);
    const char *version = head->bytes + head->target.at + head->target.length;
    CHECK(memcmp(version, " HTTP/1.", 8) == 0 && version[8] == '0' + head->minor &&
          version[9] == '\r');
    unsigned hosts = times(head, "host"), lengths = times(head, "content-length"),
             codings = times(head, "transfer-encoding");
    CHECK(hosts == 1 || (hosts == 0 && head->minor == 0));
    CHECK(lengths + codings <= 1);
    CHECK(codings == 0 || (head->minor == 1 && (head->flags & HTTP1_CHUNKED)));
    CHECK(!(head->flags & HTTP1_CHUNKED) == !codings &&
          !(head->flags & HTTP1_HAS_LENGTH) == !lengths);
    CHECK(head->content_length <= limits.body);
    for (uint32_t i = 0; i < head->target.length; i++) {
        unsigned char c = (unsigned char)head->bytes[head->target.at + i];
        CHECK(c > 0x20 && c < 0x7f && c != '#');
    }
}

/* --- one parse --- */

struct reader {
    struct http1_parser parser;
    struct events events;
    uint64_t body;
};

static int read_body(struct reader *r)
{
    char into[37]; /* neither more nor less than bodies have */
    size_t got;
    struct http1_field fields[16];
    struct http1_head trailers = {.fields = fields};
    switch (http1_read_body(&r->parser, into, sizeof(into), &got, &trailers)) {
    case HTTP1_READY:
        CHECK(got > 0 && got <= sizeof(into));
        note(&r->events, into, got);
        CHECK((r->body += got) <= limits.body);
        return 1;
    case HTTP1_DONE:
        if (trailers.count) note_fields(&r->events, &trailers);
        return 1;
    default:
        return 0;
    }
}

static int read_head(struct reader *r)
{
    struct http1_field fields[16];
    struct http1_head head = {.fields = fields};
    if (http1_next_head(&r->parser, &head) != HTTP1_READY) return 0;
    check_head(&head);
    r->events.heads++;
    r->body = 0;
    note(&r->events, &head.flags, sizeof(head.flags));
    note(&r->events, &head.form, sizeof(head.form));
    note(&r->events, &head.content_length, sizeof(head.content_length));
    note_span(&r->events, &head, head.method_name);
    note_span(&r->events, &head, head.target);
    note_span(&r->events, &head, head.authority);
    note_span(&r->events, &head, head.path);
    note_span(&r->events, &head, head.query);
    note_fields(&r->events, &head);
    return 1;
}

static void feed(struct reader *r, const uint8_t *data, size_t size)
{
    CHECK(http1_feed(&r->parser, (const char *)data, size) == 0);
    while (r->parser.state == HTTP1_HEAD ? read_head(r) : read_body(r)) {
    }
    if (r->parser.state != HTTP1_FAILED_STATE) {
        CHECK(http1_unused(&r->parser) <= limits.head);
        return;
    }
    int status = r->parser.error.status;
    CHECK(status == 400 || status == 413 || status == 414 || status == 417 || status == 431 ||
          status == 501 || status == 505);
    CHECK(r->parser.error.reason && *r->parser.error.reason);
    r->events.status = status;
}

static struct events parse(const uint8_t *data, size_t size, unsigned step, uint32_t seed)
{
    struct reader r = {.events = {.hash = 14695981039346656037u}};
    http1_init(&r.parser, &limits);
    for (size_t at = 0; at < size && r.parser.state != HTTP1_FAILED_STATE;) {
        seed = seed * 1664525u + 1013904223u;
        size_t piece = step ? step : 1 + (seed >> 24) % 48;
        if (piece > size - at) piece = size - at;
        feed(&r, data + at, piece);
        at += piece;
    }
    CHECK(r.parser.capacity <= 1u << 20);
    http1_free(&r.parser);
    CHECK(http1_next_head(&r.parser, &(struct http1_head){.fields = NULL}) != HTTP1_READY);
    return r.events;
}

/* --- the strict reader alone: it must not need llhttp to be right --- */

static void read_strictly(const char *data, size_t size)
{
    const char *reason = NULL, *end = memmem(data, size, "\r\n\r\n", 4);
    struct http1_field fields[16];
    struct http1_head head = {.bytes = data, .fields = fields, .method = HTTP_GET};
    uint64_t chunk;
    if (size > 2 && http1_check_chunk_line(data, size, &chunk, &reason) == 0)
        CHECK(chunk <= INT64_MAX && !memchr(data, '\r', size - 2) && !memchr(data, '\n', size - 2));
    if (!end || (size_t)(end + 4 - data) > limits.head) return;
    head.size = (uint32_t)(end + 4 - data);
    if (size > 8 && !memcmp(data, "CONNECT ", 8)) head.method = HTTP_CONNECT;
    if (size > 8 && !memcmp(data, "OPTIONS ", 8)) head.method = HTTP_OPTIONS;
    int status = http1_check_head(&head, &limits, &reason);
    if (status == 0 && head.target.length <= limits.target) check_head(&head);
    CHECK(status == 0 || reason);
}

/* --- responses --- */

static void respond(const char *data, size_t size)
{
    struct http1_output out = {0};
    size_t half = size / 2;
    enum http1_put result = http1_put_field(&out, data, half, data + half, size - half);
    CHECK(result != HTTP1_PUT_MEMORY);
    if (result == HTTP1_PUT_OK) {
        CHECK(out.size == size + 4 && memcmp(out.bytes + out.size - 2, "\r\n", 2) == 0);
        for (size_t i = 0; i < out.size - 2; i++)
            CHECK(out.bytes[i] != '\r' && out.bytes[i] != '\n' && out.bytes[i] != 0);
    } else {
        CHECK(out.size == 0);
    }
    http1_output_free(&out);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    http1_names_setup();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) return 0;
    struct events whole = parse(data, size, (unsigned)size, 0);
    struct events bytes = parse(data, size, 1, 0);
    struct events pieces = parse(data, size, 0, (uint32_t)size * 2654435761u + data[size / 2]);
    CHECK(whole.hash == bytes.hash && whole.heads == bytes.heads && whole.status == bytes.status);
    CHECK(whole.hash == pieces.hash && whole.heads == pieces.heads &&
          whole.status == pieces.status);
    read_strictly((const char *)data, size);
    respond((const char *)data, size);
    return 0;
}
