#include "http2_ext.h"
#include <stdlib.h>

/* Polyphony::HTTP::HTTP2::Exchange: the answer. See http2_exchange_class.c. */

static unsigned check_status(VALUE status, unsigned least, unsigned most)
{
    if (!FIXNUM_P(status) || FIX2LONG(status) < (long)least || FIX2LONG(status) > (long)most)
        rb_raise(eResponseError, "status %+" PRIsVALUE " is not from %u to %u", status, least,
                 most);
    return FIX2UINT(status);
}

static void check(int error)
{
    if (!error) return;
    if (error == NGHTTP2_ERR_NOMEM) rb_memerror();
    rb_raise(eResponseError, "%s", nghttp2_strerror(error));
}

static int has_body(const struct http2_stream *s, unsigned status)
{
    return !s->is_head && status != 204 && status != 205 && status != 304;
}

/* --- pieces of the body --- */

static void push(VALUE self, struct http2_stream *s, VALUE string)
{
    if (RSTRING_LEN(string) == 0) return;
    VALUE session = exchange_get(self)->session;
    string = rb_str_new_frozen(string);
    if (http2_push(s, RSTRING_PTR(string), (size_t)RSTRING_LEN(string), (uintptr_t)string))
        rb_memerror();
    RB_OBJ_WRITTEN(session, Qundef, string);
}

static uint64_t body_size(VALUE body)
{
    if (NIL_P(body)) return 0;
    if (RB_TYPE_P(body, T_STRING)) return (uint64_t)RSTRING_LEN(body);
    if (!RB_TYPE_P(body, T_ARRAY))
        rb_raise(rb_eTypeError, "the body must be nil, a String or an Array of Strings");
    uint64_t size = 0;
    for (long i = 0; i < RARRAY_LEN(body); i++) {
        VALUE piece = RARRAY_AREF(body, i);
        if (!RB_TYPE_P(piece, T_STRING))
            rb_raise(rb_eTypeError, "the body has %+" PRIsVALUE ", which is no String", piece);
        size += (uint64_t)RSTRING_LEN(piece);
    }
    return size;
}

/* --- heads --- */

static struct http2_stream *stream_to_answer(VALUE self)
{
    struct http2_stream *s = exchange_stream(self);
    if (s->started) rb_raise(eResponseError, "the request has been answered already");
    return s;
}

/* Content-Length, as the writer of HTTP/1 has it: without a body it says how long that would be. */
static void add_length(struct http2_fields *f, const struct http2_stream *s, uint64_t size)
{
    unsigned status = f->status;
    if (status == 204) {
        if (f->has_length && f->length > 0)
            rb_raise(eResponseError, "a response of status 204 has no content-length");
    } else if (status == 205) {
        http2_fields_add_length(f, 0);
    } else if (has_body(s, status)) {
        if (f->has_length && f->length != size)
            rb_raise(eResponseError,
                     "content-length is not the size of the body, which is %" PRIu64, size);
        http2_fields_add_length(f, size);
    } else if (f->has_length) {
        http2_fields_add_length(f, f->length);
    } else if (s->is_head && size > 0) {
        http2_fields_add_length(f, size);
    }
}

static void submit(struct http2_stream *s, const struct http2_fields *f, int bodyless)
{
    nghttp2_data_provider provider = {.source = {.ptr = s}, .read_callback = http2_read_pieces};
    s->started = 1;
    s->bodyless = bodyless != 0;
    if (bodyless) s->finished = 1;
    if (s->closed) return;
    int error = nghttp2_submit_response(s->session->session, s->id, f->nv, f->count,
                                        bodyless ? NULL : &provider);
    if (error) {
        s->started = s->finished = 0;
        check(error);
    }
}

/* -1: no body that could be sent as it is */
static long plain_size(VALUE body, int pieces)
{
    long size = 0;
    if (!pieces && NIL_P(body)) return 0;
    if (!pieces && RB_TYPE_P(body, T_STRING)) return RSTRING_LEN(body);
    if (!RB_TYPE_P(body, T_ARRAY) || rb_obj_class(body) != rb_cArray) return -1;
    for (long i = 0; i < RARRAY_LEN(body); i++) {
        VALUE piece = RARRAY_AREF(body, i);
        if (!RB_TYPE_P(piece, T_STRING)) return -1;
        size += RSTRING_LEN(piece);
    }
    return size;
}

static void push_all(VALUE self, struct http2_stream *s, VALUE body)
{
    if (RB_TYPE_P(body, T_STRING))
        push(self, s, body);
    else
        for (long i = 0; i < RARRAY_LEN(body); i++) push(self, s, RARRAY_AREF(body, i));
}

/*
 *  call-seq: respond(status, fields, body = nil) -> self
 *
 *  A whole response. +status+ is an Integer from 200 to 599, +fields+ a Hash of name => String or
 *  Array of Strings, or an Array of pairs, +body+ a String, an Array of Strings or nil. For HEAD,
 *  204, 205 and 304 the body is left out. Raises ResponseError.
 */
static VALUE exchange_respond(int argc, VALUE *argv, VALUE self)
{
    struct http2_stream *s = stream_to_answer(self);
    struct http2_fields f;
    rb_check_arity(argc, 2, 3);
    VALUE body = argc > 2 ? argv[2] : Qnil;
    uint64_t size = body_size(body);
    http2_fields_start(&f, check_status(argv[0], 200, 599));
    http2_fields_add(&f, argv[1]);
    http2_fields_add_date(&f);
    add_length(&f, s, size);
    int bodyless = size == 0 || !has_body(s, f.status);
    submit(s, &f, bodyless);
    s->finished = 1;
    if (bodyless || s->closed) return self;
    push_all(self, s, body);
    return self;
}

/* What #respond does, if that is all there is to be done; otherwise false, and nothing is done. */
int exchange_answer(VALUE self, VALUE status, VALUE fields, VALUE body, int pieces)
{
    struct http2_stream *s = exchange_get(self)->stream;
    struct http2_fields f;
    long size = plain_size(body, pieces);
    if (!s || s->started || size < 0 || !RB_TYPE_P(fields, T_HASH)) return 0;
    if (!FIXNUM_P(status) || FIX2LONG(status) < 200 || FIX2LONG(status) > 599) return 0;
    http2_fields_start(&f, FIX2UINT(status));
    if (!http2_fields_try(&f, fields) || (pieces && f.for_server)) return 0;
    if (f.has_length && (f.length != (uint64_t)size || f.status == 204)) return 0;
    http2_fields_add_date(&f);
    add_length(&f, s, (uint64_t)size);
    int bodyless = size == 0 || !has_body(s, f.status);
    submit(s, &f, bodyless);
    s->finished = 1;
    if (!bodyless && !s->closed) push_all(self, s, body);
    return 1;
}

/*
 *  call-seq: start(status, fields) -> self
 *
 *  The head of a response whose body comes by #write and ends with #finish. With Content-Length
 *  among the fields the body must have that size. Raises ResponseError.
 */
static VALUE exchange_start(VALUE self, VALUE status, VALUE fields)
{
    struct http2_stream *s = stream_to_answer(self);
    struct http2_fields f;
    http2_fields_start(&f, check_status(status, 200, 599));
    http2_fields_add(&f, fields);
    http2_fields_add_date(&f);
    int tunnel = s->is_connect && f.status / 100 == 2, bodyless = !tunnel && !has_body(s, f.status);
    if (bodyless) {
        add_length(&f, s, 0);
    } else if (f.has_length && !tunnel) {
        http2_fields_add_length(&f, f.length);
        s->has_length = 1;
        s->remaining = f.length;
    }
    submit(s, &f, bodyless);
    return self;
}

/* call-seq: write(data) -> Integer: the next piece of the body; gives what #queued does */
static VALUE exchange_write(VALUE self, VALUE data)
{
    struct http2_stream *s = exchange_stream(self);
    StringValue(data);
    size_t size = (size_t)RSTRING_LEN(data);
    if (!s->started) rb_raise(eResponseError, "no response was started");
    if (s->bodyless) return INT2FIX(0);
    if (s->finished) rb_raise(eResponseError, "the response is finished");
    if (s->has_length) {
        if (size > s->remaining)
            rb_raise(eResponseError, "the body is longer than its content-length");
        s->remaining -= size;
    }
    if (s->closed) return INT2FIX(0);
    push(self, s, data);
    http2_resume(s);
    return SIZET2NUM(s->queued);
}

/*
 *  call-seq: finish(trailers = nil) -> self
 *
 *  Ends the response that #start began. +trailers+ are fields as in #start. Raises ResponseError
 *  when the body was shorter than announced: the stream is reset then.
 */
static VALUE exchange_finish(int argc, VALUE *argv, VALUE self)
{
    struct http2_stream *s = exchange_stream(self);
    rb_check_arity(argc, 0, 1);
    if (!s->started) rb_raise(eResponseError, "no response was started");
    if (s->finished) return self;
    if (argc > 0 && !NIL_P(argv[0])) {
        struct http2_fields f;
        http2_fields_start(&f, 0);
        f.in_trailers = 1;
        http2_fields_add(&f, argv[0]);
        if (f.count > 0 && !s->closed) {
            if (!(s->trailer_nv = http2_fields_copy(&f))) rb_memerror();
            s->trailer_count = f.count;
        }
    }
    s->finished = 1;
    if (s->has_length && s->remaining > 0) {
        http2_abort(s, NGHTTP2_INTERNAL_ERROR);
        rb_raise(eResponseError,
                 "the body is shorter than its content-length: %" PRIu64 " bytes are missing",
                 s->remaining);
    }
    http2_resume(s);
    return self;
}

/* call-seq: inform(status, fields = nil) -> self: an interim response: 100 (Continue), 103 (Early
 * Hints) */
static VALUE exchange_inform(int argc, VALUE *argv, VALUE self)
{
    struct http2_stream *s = stream_to_answer(self);
    struct http2_fields f;
    rb_check_arity(argc, 1, 2);
    http2_fields_start(&f, check_status(argv[0], 100, 199));
    if (f.status == 101) rb_raise(eResponseError, "HTTP/2 has no status 101");
    http2_fields_add(&f, argc > 1 ? argv[1] : Qnil);
    if (s->closed) return self;
    check(nghttp2_submit_headers(s->session->session, NGHTTP2_FLAG_NONE, s->id, NULL, f.nv, f.count,
                                 NULL));
    return self;
}

void Init_polyphony_http2_respond(VALUE exchange)
{
    rb_define_method(exchange, "respond", exchange_respond, -1);
    rb_define_method(exchange, "start", exchange_start, 2);
    rb_define_method(exchange, "write", exchange_write, 1);
    rb_define_method(exchange, "finish", exchange_finish, -1);
    rb_define_method(exchange, "inform", exchange_inform, -1);
}
