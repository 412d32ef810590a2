#ifndef POLYPHONY_HTTP2_EXT_H
#define POLYPHONY_HTTP2_EXT_H

#include "http_ext.h"
#include "http2.h"

/* The Ruby side of HTTP/2. */

/* --- http2_session_class.c --- */
struct http2_session *http2_session_get(VALUE session);
VALUE http2_session_request_class(VALUE session);

/* --- http2_exchange_class.c --- */
struct exchange {
    VALUE session, owner, request;
    int at_once;                 /* whether the request may be answered without its owner */
    struct http2_stream *stream; /* NULL between two requests */
};
struct exchange *exchange_get(VALUE self);
struct http2_stream *exchange_stream(VALUE self);

/* --- http2_fields.c --- */

/* The fields of a response, for nghttp2. They point into the Strings that they were made from, so
   nothing of Ruby may run before they are used. */
#define HTTP2_MAX_FIELDS 1024
struct http2_fields {
    nghttp2_nv *nv;
    size_t count;
    unsigned status;
    int in_trailers, has_date, has_length;
    int for_server; /* a field whose name begins with "rack." was among them */
    uint64_t length;
    char status_text[3], length_text[20];
    const char *mistake; /* a format for the name, or NULL */
    VALUE mistaken;
};
void http2_fields_start(struct http2_fields *f, unsigned status);
void http2_fields_add(struct http2_fields *f, VALUE fields); /* raises ResponseError */
int http2_fields_try(struct http2_fields *f, VALUE fields);  /* false where that would raise */
void http2_fields_add_date(struct http2_fields *f);
void http2_fields_add_length(struct http2_fields *f, uint64_t length);
/* One piece of memory, to be freed, with all of them. */
nghttp2_nv *http2_fields_copy(const struct http2_fields *f);

/* --- http2_respond.c --- */
void Init_polyphony_http2_respond(VALUE exchange);
int exchange_answer(VALUE self, VALUE status, VALUE fields, VALUE body, int pieces);

void Init_polyphony_http2_exchange(VALUE http2);
void Init_polyphony_http2_session(VALUE http2);
void Init_polyphony_http2(VALUE http, VALUE request_head);

#endif
