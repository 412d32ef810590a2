#include "http2_ext.h"
#include <string.h>

/*
 * Document-class: Polyphony::HTTP::HTTP2::Session
 *
 * The server's side of one connection. The loop that it is made for:
 *
 *   session = Session.new(limits)
 *   exchange = Exchange.new(session)
 *   until session.over?
 *     while (request = exchange.take)
 *       exchange.respond(200, { 'content-type' => 'text/plain' }, 'hello')
 *       exchange.release
 *     end
 *     while (bytes = session.output) do write(bytes) end
 *     session.feed(read_some)                  # whatever the connection gives
 *   end
 *
 * Several exchanges can be under way at the same time. One that waits, for more of the body after
 * read_body gave nil, or for room after await_room, is named by #news when it can go on.
 */

struct session {
    struct http2_session h;
    VALUE request_class;
    int ready;
};

static void session_mark(void *pointer)
{
    struct session *session = pointer;
    rb_gc_mark_movable(session->request_class);
    if (!session->ready) return;
    for (struct http2_stream *s = session->h.streams; s; s = s->next) {
        /* Not movable: nghttp2 holds their addresses. */
        if (s->exchange) rb_gc_mark((VALUE)s->exchange);
        for (size_t i = 0; i < s->count; i++) rb_gc_mark((VALUE)s->pieces[s->first + i].owner);
    }
}

static void session_compact(void *pointer)
{
    struct session *session = pointer;
    session->request_class = rb_gc_location(session->request_class);
}

static void session_free(void *pointer)
{
    struct session *session = pointer;
    if (session->ready) http2_free(&session->h);
    ruby_xfree(session);
}

/* nghttp2 does not tell what it takes: its buffers, and the tables of both directions. */
#define NGHTTP2_SIZE 24576

static size_t session_size(const void *pointer)
{
    const struct session *session = pointer;
    size_t size = sizeof(*session) + session->h.builder.capacity;
    if (!session->ready) return size;
    for (struct http2_stream *s = session->h.streams; s; s = s->next)
        size += sizeof(*s) + s->body_capacity;
    return size + NGHTTP2_SIZE;
}

static const rb_data_type_t session_type = {
    .wrap_struct_name = "polyphony/http2_session",
    .function = {session_mark, session_free, session_size, session_compact},
    .flags = RUBY_TYPED_FREE_IMMEDIATELY | RUBY_TYPED_WB_PROTECTED,
};

static VALUE session_alloc(VALUE class)
{
    struct session *session;
    VALUE self = TypedData_Make_Struct(class, struct session, &session_type, session);
    session->request_class = Qnil;
    return self;
}

static struct session *session_get(VALUE self)
{
    struct session *session = rb_check_typeddata(self, &session_type);
    if (!session->ready) rb_raise(rb_eArgError, "uninitialized session");
    return session;
}

struct http2_session *http2_session_get(VALUE self)
{
    return &session_get(self)->h;
}

VALUE http2_session_request_class(VALUE self)
{
    return session_get(self)->request_class;
}

static uint64_t limit_at(VALUE limits, long index)
{
    return NUM2ULL(rb_ary_entry(limits, index));
}

/*
 *  call-seq: Session.new(limits = Limits::DEFAULT, request_class = RequestHead)
 *
 *  +limits+ is a Limits, +request_class+ a class below RequestHead for what Exchange#take gives;
 * its initialize is not called.
 */
static VALUE session_initialize(int argc, VALUE *argv, VALUE self)
{
    struct session *session = rb_check_typeddata(self, &session_type);
    rb_check_arity(argc, 0, 2);
    VALUE base = rb_path2class("Polyphony::HTTP::HTTP2::RequestHead");
    VALUE class = argc > 1 ? argv[1] : base;
    VALUE limits_class = rb_path2class("Polyphony::HTTP::HTTP2::Limits");
    VALUE limits = argc > 0 ? argv[0] : rb_const_get(limits_class, rb_intern("DEFAULT"));
    if (session->ready) rb_raise(rb_eArgError, "already initialized");
    if (!rb_obj_is_kind_of(limits, limits_class)) rb_raise(rb_eTypeError, "Limits expected");
    if (!RB_TYPE_P(class, T_CLASS) || !RTEST(rb_class_inherited_p(class, base)))
        rb_raise(rb_eTypeError, "a class below RequestHead expected");
    limits = rb_convert_type(rb_funcall(limits, rb_intern("to_a"), 0), T_ARRAY, "Array", "to_a");
    struct http2_limits l = {
        limit_at(limits, 0),  limit_at(limits, 1),  limit_at(limits, 2),  limit_at(limits, 3),
        limit_at(limits, 4),  limit_at(limits, 5),  limit_at(limits, 6),  limit_at(limits, 7),
        limit_at(limits, 8),  limit_at(limits, 9),  limit_at(limits, 10), limit_at(limits, 11),
        limit_at(limits, 12), limit_at(limits, 13), limit_at(limits, 14), limit_at(limits, 15)};
    if (l.head > HTTP1_MAX_HEAD || l.trailer > HTTP1_MAX_HEAD || l.fields > HTTP1_MAX_FIELDS ||
        l.trailer_fields > HTTP1_MAX_FIELDS || l.stream_window > INT32_MAX ||
        l.connection_window > INT32_MAX || l.streams > INT32_MAX)
        rb_raise(rb_eArgError, "limit too high");
    if (http2_init(&session->h, &l)) rb_memerror();
    session->ready = 1;
    RB_OBJ_WRITE(self, &session->request_class, class);
    return self;
}

/*
 *  call-seq: feed(data) -> true or false
 *
 *  Takes over what was read from the connection: +data+ can be used again. False when the client
 *  has broken a rule and the connection is at its end: see #failure, write #output, and close.
 */
static VALUE session_feed(VALUE self, VALUE data)
{
    struct http2_session *h = http2_session_get(self);
    StringValue(data);
    int goes_on = http2_feed(h, RSTRING_PTR(data), (size_t)RSTRING_LEN(data));
    RB_GC_GUARD(data);
    return goes_on ? Qtrue : Qfalse;
}

/* Collected here for all sessions: no Ruby runs meanwhile. */
#define ENOUGH 65536
#define KEPT (4 * ENOUGH)
static struct http1_output collected;

/*
 *  call-seq: output -> String or nil
 *
 *  Takes what is to be written now, about 64 KB of it at most: call it until it gives nil.
 */
static VALUE session_output(VALUE self)
{
    struct http2_session *h = http2_session_get(self);
    collected.size = 0;
    int error = http2_output(h, &collected, ENOUGH);
    if (error) http2_fail(h, NGHTTP2_INTERNAL_ERROR, "no memory");
    VALUE bytes = collected.size ? rb_str_new(collected.bytes, (long)collected.size) : Qnil;
    if (collected.capacity > KEPT) http1_output_free(&collected);
    return bytes;
}

/* call-seq: output? -> true or false: whether #output may have something */
static VALUE session_output_p(VALUE self)
{
    return nghttp2_session_want_write(http2_session_get(self)->session) ? Qtrue : Qfalse;
}

/* call-seq: waiting? -> true or false: whether Exchange#take has a request */
static VALUE session_waiting_p(VALUE self)
{
    return http2_session_get(self)->waiting ? Qtrue : Qfalse;
}

/* call-seq: news -> Array or nil: owners of the exchanges that can go on, once */
static VALUE session_news(VALUE self)
{
    struct http2_session *h = http2_session_get(self);
    if (!h->news) return Qnil;
    VALUE owners = rb_ary_new();
    while (h->news) {
        struct http2_stream *s = h->news;
        rb_ary_push(owners, exchange_get((VALUE)s->exchange)->owner);
        h->news = s->next_news;
        s->has_news = 0;
    }
    return owners;
}

/*
 *  call-seq: complaints -> Array or nil
 *
 *  What clients did wrong on single streams since the last call, as Strings for the log; a few of
 * them at most.
 */
static VALUE session_complaints(VALUE self)
{
    struct http2_session *h = http2_session_get(self);
    if (!h->complained) return Qnil;
    VALUE all = rb_ary_new();
    for (size_t i = 0; i < h->complained; i++)
        rb_ary_push(all,
                    rb_sprintf("stream %d: %s", h->complaints[i].stream, h->complaints[i].reason));
    h->complained = 0;
    return all;
}

/* call-seq: failure -> [code, reason] or nil: why the connection is at its end */
static VALUE session_failure(VALUE self)
{
    struct http2_session *h = http2_session_get(self);
    if (!h->failed || !h->error_code) return Qnil;
    return rb_assoc_new(rb_str_new_cstr(nghttp2_http2_strerror(h->error_code)),
                        rb_str_new_cstr(h->reason));
}

/* call-seq: over? -> true or false: whether nothing is to be read or written any more */
static VALUE session_over_p(VALUE self)
{
    struct http2_session *h = http2_session_get(self);
    if (nghttp2_session_want_write(h->session)) return Qfalse;
    return h->failed || !nghttp2_session_want_read(h->session) ? Qtrue : Qfalse;
}

/* call-seq: fail(code, reason) -> self: ends the connection by a GOAWAY */
static VALUE session_fail(VALUE self, VALUE code, VALUE reason)
{
    http2_fail(http2_session_get(self), NUM2UINT(code), StringValueCStr(reason));
    return self;
}

/* call-seq: gone -> self: the client is gone: all exchanges are closed */
static VALUE session_gone(VALUE self)
{
    http2_gone(http2_session_get(self));
    return self;
}

/*
 *  call-seq: announce_end -> self
 *
 *  A first GOAWAY, which refuses nothing: the client learns that it should send no more. #pongs
 * counts when it has.
 */
static VALUE session_announce_end(VALUE self)
{
    struct http2_session *h = http2_session_get(self);
    if (h->failed) return self;
    nghttp2_submit_shutdown_notice(h->session);
    nghttp2_submit_ping(h->session, NGHTTP2_FLAG_NONE, NULL);
    return self;
}

/* call-seq: last! -> self: the second GOAWAY: the streams that are there are the last */
static VALUE session_last(VALUE self)
{
    struct http2_session *h = http2_session_get(self);
    if (h->failed || h->last_sent) return self;
    h->last_sent = 1;
    nghttp2_submit_goaway(h->session, NGHTTP2_FLAG_NONE,
                          nghttp2_session_get_last_proc_stream_id(h->session), NGHTTP2_NO_ERROR,
                          NULL, 0);
    return self;
}

/* call-seq: pongs -> Integer: pings of ours that were answered */
static VALUE session_pongs(VALUE self)
{
    return UINT2NUM(http2_session_get(self)->pongs);
}

/* call-seq: requests -> Integer: so far */
static VALUE session_requests(VALUE self)
{
    return ULL2NUM(http2_session_get(self)->requests);
}

/* call-seq: streams -> Integer: those that are not over, for the client or for us */
static VALUE session_streams(VALUE self)
{
    size_t count = 0;
    for (struct http2_stream *s = http2_session_get(self)->streams; s; s = s->next) count++;
    return SIZET2NUM(count);
}

/*
 *  call-seq: idle? -> true or false
 *
 *  Whether there is nothing to be served and nothing to be sent. A client may leave streams open
 * whose answer it has: they do not count.
 */
static VALUE session_idle_p(VALUE self)
{
    for (struct http2_stream *s = http2_session_get(self)->streams; s; s = s->next)
        if (!s->left || !s->sent_end) return Qfalse;
    return Qtrue;
}

/* call-seq: in_header? -> true or false: whether a part of a header is there, and not its end */
static VALUE session_in_header_p(VALUE self)
{
    struct http2_session *h = http2_session_get(self);
    return h->builder.open ? Qtrue : Qfalse;
}

/* call-seq: clock = seconds: the time, on any steady clock; to be said every second or so */
static VALUE session_set_clock(VALUE self, VALUE seconds)
{
    http2_session_get(self)->now = NUM2DBL(seconds);
    return seconds;
}

/*
 *  call-seq: reset_stalled(seconds) -> Array or nil
 *
 *  Resets streams of whose answers the client has taken nothing for so long; their ids.
 */
static VALUE session_reset_stalled(VALUE self, VALUE seconds)
{
    struct http2_session *h = http2_session_get(self);
    double limit = NUM2DBL(seconds);
    VALUE all = Qnil;
    for (struct http2_stream *s; (s = http2_reset_stalled(h, limit));) {
        if (NIL_P(all)) all = rb_ary_new();
        rb_ary_push(all, INT2NUM(s->id));
    }
    return all;
}

/* call-seq: trim -> self: gives back memory while a connection idles */
static VALUE session_trim(VALUE self)
{
    struct http2_session *h = http2_session_get(self);
    if (!h->builder.open) http2_builder_free(&h->builder);
    return self;
}

/* call-seq: inspect -> String */
static VALUE session_inspect(VALUE self)
{
    struct http2_session *h = http2_session_get(self);
    return rb_sprintf("#<%" PRIsVALUE " serving=%" PRIuSIZE " requests=%" PRIu64 "%s>",
                      rb_obj_class(self), h->serving, h->requests, h->failed ? " failed" : "");
}

void Init_polyphony_http2_session(VALUE http2)
{
    VALUE session = rb_define_class_under(http2, "Session", rb_cObject);
    rb_define_alloc_func(session, session_alloc);
    rb_define_method(session, "initialize", session_initialize, -1);
    rb_define_method(session, "feed", session_feed, 1);
    rb_define_method(session, "output", session_output, 0);
    rb_define_method(session, "output?", session_output_p, 0);
    rb_define_method(session, "waiting?", session_waiting_p, 0);
    rb_define_method(session, "news", session_news, 0);
    rb_define_method(session, "complaints", session_complaints, 0);
    rb_define_method(session, "failure", session_failure, 0);
    rb_define_method(session, "over?", session_over_p, 0);
    rb_define_method(session, "fail", session_fail, 2);
    rb_define_method(session, "gone", session_gone, 0);
    rb_define_method(session, "announce_end", session_announce_end, 0);
    rb_define_method(session, "last!", session_last, 0);
    rb_define_method(session, "pongs", session_pongs, 0);
    rb_define_method(session, "requests", session_requests, 0);
    rb_define_method(session, "streams", session_streams, 0);
    rb_define_method(session, "idle?", session_idle_p, 0);
    rb_define_method(session, "in_header?", session_in_header_p, 0);
    rb_define_method(session, "reset_stalled", session_reset_stalled, 1);
    rb_define_method(session, "clock=", session_set_clock, 1);
    rb_define_method(session, "trim", session_trim, 0);
    rb_define_method(session, "inspect", session_inspect, 0);
    rb_undef_method(session, "initialize_copy");
}

/*
 * Document-class: Polyphony::HTTP::HTTP2::RequestHead
 *
 * What a request says before its body: HTTP1::RequestHead, for requests that Exchange#take gives.
 */

static VALUE answer(VALUE self, VALUE status, VALUE fields, VALUE body, int pieces)
{
    struct request_head *head = request_head_get(self);
    if (NIL_P(head->writer) || head->status >= 0) return Qnil;
    if (!exchange_answer(head->writer, status, fields, body, pieces)) return Qnil;
    head->status = FIX2INT(status);
    return Qtrue;
}

/*
 *  call-seq: answer_at_once(status, fields, body) -> true or nil
 *
 *  Answers with Exchange#respond, if that is all there is to be done: there is no answer yet, and
 * this one has nothing wrong or unusual. Otherwise does nothing and returns nil.
 */
static VALUE request_answer_at_once(VALUE self, VALUE status, VALUE fields, VALUE body)
{
    return answer(self, status, fields, body, 0);
}

/*
 *  call-seq: answer_pieces(status, fields, pieces) -> true or nil
 *
 *  As #answer_at_once, for what a Rack app returns: only if +pieces+ is an Array and nothing more,
 * and no field is meant for the server.
 */
static VALUE request_answer_pieces(VALUE self, VALUE status, VALUE fields, VALUE pieces)
{
    return answer(self, status, fields, pieces, 1);
}

void Init_polyphony_http2(VALUE http, VALUE request_head)
{
    VALUE http2 = rb_define_module_under(http, "HTTP2");
    VALUE head = rb_define_class_under(http2, "RequestHead", request_head);
    rb_define_method(head, "answer_at_once", request_answer_at_once, 3);
    rb_define_method(head, "answer_pieces", request_answer_pieces, 3);
    rb_define_const(http2, "NGHTTP2_VERSION",
                    rb_obj_freeze(rb_str_new_cstr(nghttp2_version(0)->version_str)));
    Init_polyphony_http2_session(http2);
    Init_polyphony_http2_exchange(http2);
}
