#include "http1_writer.h"
#include <string.h>

/* Polyphony::HTTP::HTTP1::Writer: what makes responses. See http1_writer_class.c. */

/* A long body is not copied; frozen, it shares its bytes, and the application may go on changing
 * its own. */
static void put_body(VALUE self, struct writer *w, VALUE body)
{
    size_t size = (size_t)RSTRING_LEN(body);
    if (size <= COPIED) {
        if (http1_put(&w->out, RSTRING_PTR(body), size)) rb_memerror();
        return;
    }
    if (w->out.size > 0) writer_push_part(self, w, writer_take_out(w));
    writer_push_part(self, w, rb_str_new_frozen(body));
}

/* --- heads --- */

static unsigned check_status(VALUE status, unsigned least, unsigned most)
{
    if (!FIXNUM_P(status) || FIX2LONG(status) < (long)least || FIX2LONG(status) > (long)most)
        rb_raise(eResponseError, "status %+" PRIsVALUE " is not from %u to %u", status, least,
                 most);
    return FIX2UINT(status);
}

static struct response response_to(struct writer *w, VALUE head, unsigned status)
{
    struct response r = {.out = &w->out, .status = status, .mistaken = Qnil};
    if (w->framing != FRAMING_IDLE) rb_raise(eResponseError, "the response before is not finished");
    if (NIL_P(head)) return r;
    const struct http1_head *index = &request_head_get(head)->index;
    r.minor = index->minor;
    r.is_head = index->method == HTTP_HEAD;
    r.is_connect = index->method == HTTP_CONNECT && status / 100 == 2;
    r.client_keeps_alive = (index->flags & HTTP1_KEEP_ALIVE) != 0;
    r.wants_close = r.is_connect; /* what follows is no HTTP for the client any more */
    return r;
}

static size_t begin(struct response *r, VALUE fields)
{
    size_t began = r->out->size;
    response_check(r, began, http1_put_status(r->out, r->status));
    response_put_fields(r, fields, began);
    if (!r->has_date) response_check(r, began, http1_put_date(r->out));
    return began;
}

static int has_body(const struct response *r)
{
    return !r->is_head && r->status != 204 && r->status != 205 && r->status != 304;
}

static void put_length(struct response *r, size_t began, uint64_t length)
{
    response_check(r, began, http1_put_text(r->out, "content-length: "));
    response_check(r, began, http1_put_number(r->out, length));
    response_check(r, began, http1_put_text(r->out, "\r\n"));
}

static void end_fields(struct writer *w, struct response *r, size_t began)
{
    if (!r->client_keeps_alive || r->wants_close) w->keep_alive = 0;
    enum http1_put result = !w->keep_alive ? http1_put_text(r->out, "connection: close\r\n\r\n")
                            : r->minor == 0
                                ? http1_put_text(r->out, "connection: keep-alive\r\n\r\n")
                                : http1_put_text(r->out, "\r\n");
    response_check(r, began, result);
}

/* --- a response in one go --- */

static void put_whole_body(VALUE self, struct writer *w, VALUE body)
{
    if (RB_TYPE_P(body, T_STRING)) {
        put_body(self, w, body);
    } else if (!NIL_P(body)) {
        for (long i = 0; i < RARRAY_LEN(body); i++) put_body(self, w, RARRAY_AREF(body, i));
    }
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

/* Content-Length of a response without a body says how long it would be. */
static void put_length_of(struct response *r, size_t began, uint64_t size)
{
    if (r->status == 204) {
        if (r->has_length && r->length > 0)
            response_refuse(r, began, "a response of status %" PRIsVALUE " has no content-length",
                            INT2FIX(204));
    } else if (r->status == 205) {
        put_length(r, began, 0);
    } else if (has_body(r)) {
        if (r->has_length && r->length != size)
            response_refuse(r, began,
                            "content-length is not the size of the body, which is %" PRIsVALUE,
                            ULL2NUM(size));
        put_length(r, began, size);
    } else if (r->has_length) {
        put_length(r, began, r->length);
    } else if (r->is_head && size > 0) {
        put_length(r, began, size);
    }
}

/*
 *  call-seq: respond(head, status, fields, body = nil) -> self
 *
 *  A whole response to the request of +head+ (a RequestHead, or nil when there was none). +status+
 * is an Integer from 200 to 599, +fields+ a Hash of name => String or Array of Strings, or an Array
 * of pairs, +body+ a String, an Array of Strings or nil. For HEAD, 204, 205 and 304 the body is
 * left out. Raises ResponseError.
 */
static VALUE writer_respond(int argc, VALUE *argv, VALUE self)
{
    struct writer *w = writer_get(self);
    rb_check_arity(argc, 3, 4);
    VALUE body = argc > 3 ? argv[3] : Qnil;
    uint64_t size = body_size(body);
    struct response r = response_to(w, argv[0], check_status(argv[1], 200, 599));
    size_t before = w->out.size + w->parts_size, began = begin(&r, argv[2]);
    put_length_of(&r, began, size);
    end_fields(w, &r, began);
    w->before = before;
    if (has_body(&r)) put_whole_body(self, w, body);
    return self;
}

/* The size of a body of the usual kinds; -1: it is another. */
static long plain_body_size(VALUE body, int pieces)
{
    if (!pieces && NIL_P(body)) return 0;
    if (!pieces && RB_TYPE_P(body, T_STRING)) return RSTRING_LEN(body);
    if (!RB_TYPE_P(body, T_ARRAY) || (pieces && CLASS_OF(body) != rb_cArray)) return -1;
    long size = 0;
    for (long i = 0; i < RARRAY_LEN(body); i++) {
        VALUE piece = RARRAY_AREF(body, i);
        if (!RB_TYPE_P(piece, T_STRING)) return -1;
        size += RSTRING_LEN(piece);
    }
    return size;
}

int writer_answer(VALUE self, VALUE head, VALUE status, VALUE fields, VALUE body, int pieces)
{
    struct writer *w = writer_get(self);
    long size = plain_body_size(body, pieces);
    if (w->framing != FRAMING_IDLE || size < 0 || !RB_TYPE_P(fields, T_HASH)) return 0;
    if (!FIXNUM_P(status) || FIX2LONG(status) < 200 || FIX2LONG(status) > 599) return 0;
    struct response r = response_to(w, head, FIX2UINT(status));
    size_t before = w->out.size + w->parts_size, began = w->out.size;
    response_check(&r, began, http1_put_status(r.out, r.status));
    if (!response_try_fields(&r, fields) || (pieces && r.for_server) ||
        (r.has_length && r.length != (uint64_t)size)) {
        r.out->size = began;
        return 0;
    }
    if (!r.has_date) response_check(&r, began, http1_put_date(r.out));
    put_length_of(&r, began, (uint64_t)size);
    end_fields(w, &r, began);
    w->before = before;
    if (has_body(&r)) put_whole_body(self, w, body);
    return 1;
}

/* --- a response piece by piece --- */

static void choose_framing(struct writer *w, struct response *r, size_t began)
{
    enum framing framing;
    if (r->is_connect) {
        framing = FRAMING_CLOSE;
    } else if (!has_body(r)) {
        framing = FRAMING_NONE;
        put_length_of(r, began, 0);
    } else if (r->has_length) {
        framing = FRAMING_LENGTH;
        put_length(r, began, r->length);
        w->remaining = r->length;
    } else if (r->minor == 1) {
        framing = FRAMING_CHUNKED;
        response_check(r, began, http1_put_text(r->out, "transfer-encoding: chunked\r\n"));
    } else {
        framing = FRAMING_CLOSE;
        r->wants_close = 1;
    }
    end_fields(w, r, began);
    w->framing = framing;
}

/*
 *  call-seq: start(head, status, fields) -> self
 *
 *  The head of a response whose body comes by #write and ends with #finish. With Content-Length
 * among the fields the body must have that size; otherwise it is chunked, and for HTTP/1.0 it ends
 * with the connection. Raises ResponseError.
 */
static VALUE writer_start(VALUE self, VALUE head, VALUE status, VALUE fields)
{
    struct writer *w = writer_get(self);
    struct response r = response_to(w, head, check_status(status, 200, 599));
    w->before = NOTHING_TO_RETRACT;
    choose_framing(w, &r, begin(&r, fields));
    return self;
}

static void put_chunk(VALUE self, struct writer *w, VALUE data)
{
    if (http1_put_chunk_size(&w->out, (uint64_t)RSTRING_LEN(data))) rb_memerror();
    put_body(self, w, data);
    if (http1_put_text(&w->out, "\r\n")) rb_memerror();
}

/*
 *  call-seq: write(data) -> self
 *
 *  A piece of the body. Raises ResponseError when it is more than Content-Length has announced.
 */
static VALUE writer_write(VALUE self, VALUE data)
{
    struct writer *w = writer_get(self);
    StringValue(data);
    uint64_t size = (uint64_t)RSTRING_LEN(data);
    if (w->framing == FRAMING_IDLE) rb_raise(eResponseError, "no response was started");
    if (w->framing == FRAMING_NONE || size == 0) return self;
    if (w->framing == FRAMING_CHUNKED) {
        put_chunk(self, w, data);
        return self;
    }
    if (w->framing == FRAMING_LENGTH) {
        if (size > w->remaining) {
            w->keep_alive = 0;
            rb_raise(eResponseError,
                     "the body is longer than its content-length: %" PRIu64 " bytes too many",
                     size - w->remaining);
        }
        w->remaining -= size;
    }
    put_body(self, w, data);
    return self;
}

static void put_last_chunk(struct writer *w, VALUE trailers)
{
    struct response r = {.out = &w->out, .in_trailers = 1, .has_date = 1, .mistaken = Qnil};
    size_t began = w->out.size;
    response_check(&r, began, http1_put_text(&w->out, "0\r\n"));
    response_put_fields(&r, trailers, began);
    response_check(&r, began, http1_put_text(&w->out, "\r\n"));
}

/*
 *  call-seq: finish(trailers = nil) -> self
 *
 *  Ends the response that #start began. +trailers+ are fields as in #start; only a chunked body can
 * have them, elsewhere they are left out. Raises ResponseError when the body was shorter than
 * announced: the connection must be closed then.
 */
static VALUE writer_finish(int argc, VALUE *argv, VALUE self)
{
    struct writer *w = writer_get(self);
    rb_check_arity(argc, 0, 1);
    enum framing framing = w->framing;
    if (framing == FRAMING_IDLE) rb_raise(eResponseError, "no response was started");
    if (framing == FRAMING_CHUNKED) put_last_chunk(w, argc > 0 ? argv[0] : Qnil);
    w->framing = FRAMING_IDLE;
    if (framing == FRAMING_LENGTH && w->remaining > 0) {
        w->keep_alive = 0;
        rb_raise(eResponseError,
                 "the body is shorter than its content-length: %" PRIu64 " bytes are missing",
                 w->remaining);
    }
    return self;
}

/*
 *  call-seq: abort -> self
 *
 *  Gives up the response that was started: the client learns from the end of the connection, which
 * is no end of the body, that something is missing.
 */
static VALUE writer_abort(VALUE self)
{
    struct writer *w = writer_get(self);
    w->framing = FRAMING_IDLE;
    w->keep_alive = 0;
    return self;
}

/* --- heads without a response --- */

/*
 *  call-seq: inform(head, status, fields = nil) -> self
 *
 *  An interim response: 100 (Continue), 103 (Early Hints). HTTP/1.0 has none: nothing is written
 * then.
 */
static VALUE writer_inform(int argc, VALUE *argv, VALUE self)
{
    struct writer *w = writer_get(self);
    rb_check_arity(argc, 2, 3);
    struct response r = response_to(w, argv[0], check_status(argv[1], 100, 199));
    if (r.status == 101) rb_raise(eResponseError, "status 101 is what #upgrade answers");
    if (r.minor == 0) return self;
    size_t began = w->out.size;
    response_check(&r, began, http1_put_status(r.out, r.status));
    response_put_fields(&r, argc > 2 ? argv[2] : Qnil, began);
    response_check(&r, began, http1_put_text(r.out, "\r\n"));
    return self;
}

/*
 *  call-seq: upgrade(head, protocol, fields = nil) -> self
 *
 *  101 (Switching Protocols). From here on the connection is the other protocol's.
 */
static VALUE writer_upgrade(int argc, VALUE *argv, VALUE self)
{
    struct writer *w = writer_get(self);
    rb_check_arity(argc, 2, 3);
    VALUE protocol = argv[1];
    StringValue(protocol);
    struct response r = response_to(w, argv[0], 101);
    if (NIL_P(argv[0]) || !(request_head_get(argv[0])->index.flags & HTTP1_UPGRADE))
        rb_raise(eResponseError, "the client has not asked for another protocol");
    size_t began = begin(&r, argc > 2 ? argv[2] : Qnil);
    if (RSTRING_LEN(protocol) == 0 ||
        http1_put_field(r.out, "upgrade", 7, RSTRING_PTR(protocol), (size_t)RSTRING_LEN(protocol)))
        response_refuse(&r, began, "%+" PRIsVALUE " is no name of a protocol", protocol);
    response_check(&r, began, http1_put_text(r.out, "connection: upgrade\r\n\r\n"));
    w->keep_alive = 0;
    RB_GC_GUARD(protocol);
    return self;
}

void Init_polyphony_http1_responses(VALUE writer)
{
    rb_define_method(writer, "respond", writer_respond, -1);
    rb_define_method(writer, "start", writer_start, 3);
    rb_define_method(writer, "write", writer_write, 1);
    rb_define_method(writer, "finish", writer_finish, -1);
    rb_define_method(writer, "abort", writer_abort, 0);
    rb_define_method(writer, "inform", writer_inform, -1);
    rb_define_method(writer, "upgrade", writer_upgrade, -1);
}
