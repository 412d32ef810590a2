#ifndef POLYPHONY_HTTP1_WRITER_H
#define POLYPHONY_HTTP1_WRITER_H

#include "http_ext.h"
#include "http1_response.h"

/* How a response ends, and so how its body is written. */
enum framing {
    FRAMING_IDLE,   /* no response is under way */
    FRAMING_NONE,   /* it has no body: HEAD, 204, 205, 304 */
    FRAMING_LENGTH, /* `remaining` bytes more */
    FRAMING_CHUNKED,
    FRAMING_CLOSE /* the end of the connection is the end of the body */
};

struct writer {
    struct http1_output out;
    VALUE parts; /* Strings that come before what is in `out`, or nil */
    size_t parts_size;
    enum framing framing;
    uint64_t remaining;
    int keep_alive;
    size_t before; /* bytes that were pending when #respond made the last response */
};

#define NOTHING_TO_RETRACT SIZE_MAX

/* Bodies above this are not copied into `out` but handed on as they are. */
#define COPIED 8192

/* --- http1_writer_class.c --- */
struct writer *writer_get(VALUE self);
VALUE writer_take_out(struct writer *w); /* what is in `out`, frozen */
void writer_push_part(VALUE self, struct writer *w, VALUE string);

/* --- http1_writer_respond.c --- */
/* As #respond, if there is nothing unusual about it; else nothing is done, and the result is 0.
   `pieces`: nothing but a plain Array will do for the body. */
int writer_answer(VALUE self, VALUE head, VALUE status, VALUE fields, VALUE body, int pieces);

void Init_polyphony_http1_responses(VALUE writer);

/* What the fields of a response have said. */
struct response {
    struct http1_output *out;
    unsigned status;
    int minor, is_head, is_connect, client_keeps_alive; /* of the request */
    int has_date, has_length, wants_close, in_trailers;
    int for_server; /* there was a field that means the server, not the client: of Rack's */
    uint64_t length;
    const char *mistake; /* a format for the name, or NULL */
    VALUE mistaken;
};

/* --- http1_fields.c --- */

/* Writes fields from a Hash or an Array of pairs, checked; raises ResponseError having taken `out`
   back to what it was when the response began. */
void response_put_fields(struct response *r, VALUE fields, size_t began);
int response_try_fields(struct response *r, VALUE fields); /* 0: r->mistake says why */
NORETURN(void response_refuse(struct response *r, size_t began, const char *format, VALUE what));
void response_check(struct response *r, size_t began, enum http1_put result);

#endif
