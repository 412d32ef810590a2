#include "http2_ext.h"
#include <string.h>

/*
 * Document-class: Polyphony::HTTP::HTTP2::Exchange
 *
 * One request on a Session, and its answer; then the next one, so that whoever serves a session
 * needs no new object for each. See Session for the loop that it is made for.
 *
 * The request is over for the client when `closed?`: what it sends is lost, what is written goes
 * nowhere.
 */

static void exchange_mark(void *pointer)
{
    struct exchange *e = pointer;
    rb_gc_mark_movable(e->session);
    rb_gc_mark_movable(e->owner);
    rb_gc_mark_movable(e->request);
}

static void exchange_compact(void *pointer)
{
    struct exchange *e = pointer;
    e->session = rb_gc_location(e->session);
    e->owner = rb_gc_location(e->owner);
    e->request = rb_gc_location(e->request);
}

static size_t exchange_size(const void *pointer)
{
    return sizeof(struct exchange);
}

static const rb_data_type_t exchange_type = {
    .wrap_struct_name = "polyphony/http2_exchange",
    .function = {exchange_mark, RUBY_DEFAULT_FREE, exchange_size, exchange_compact},
    .flags = RUBY_TYPED_FREE_IMMEDIATELY | RUBY_TYPED_WB_PROTECTED,
};

static VALUE exchange_alloc(VALUE class)
{
    struct exchange *e;
    VALUE self = TypedData_Make_Struct(class, struct exchange, &exchange_type, e);
    e->session = e->owner = e->request = Qnil;
    return self;
}

struct exchange *exchange_get(VALUE self)
{
    return rb_check_typeddata(self, &exchange_type);
}

struct http2_stream *exchange_stream(VALUE self)
{
    struct http2_stream *s = exchange_get(self)->stream;
    if (!s) rb_raise(eResponseError, "there is no request that could be answered");
    return s;
}

/*
 *  call-seq: Exchange.new(session, owner = nil, at_once = false)
 *
 *  +owner+ is what Session#news gives for it. With +at_once+, requests may be answered by
 *  RequestHead#answer_at_once.
 */
static VALUE exchange_initialize(int argc, VALUE *argv, VALUE self)
{
    struct exchange *e = exchange_get(self);
    rb_check_arity(argc, 1, 3);
    http2_session_get(argv[0]);
    if (!NIL_P(e->session)) rb_raise(rb_eArgError, "already initialized");
    RB_OBJ_WRITE(self, &e->session, argv[0]);
    RB_OBJ_WRITE(self, &e->owner, argc > 1 ? argv[1] : Qnil);
    e->at_once = argc > 2 && RTEST(argv[2]);
    return self;
}

static VALUE release(VALUE self)
{
    struct exchange *e = exchange_get(self);
    struct http2_stream *s = e->stream;
    e->stream = NULL;
    if (!NIL_P(e->request)) request_head_get(e->request)->writer = Qnil; /* it is over */
    e->request = Qnil;
    if (s) http2_release(s);
    return self;
}

NORETURN(static void raise_refusal(const struct http2_stream *s));

static void raise_refusal(const struct http2_stream *s)
{
    VALUE arguments[] = {rb_str_new_cstr(s->reason ? s->reason : "refused"), INT2FIX(s->refusal)};
    rb_exc_raise(rb_class_new_instance(2, arguments, eProtocolError));
}

/*
 *  call-seq: take -> Request or nil
 *
 *  The next request that waits on the session; nil when there is none. The one before is released.
 *  Raises ProtocolError for one that cannot be served: answer that with its status.
 */
static VALUE exchange_take(VALUE self)
{
    struct exchange *e = exchange_get(self);
    struct http2_session *h = http2_session_get(e->session);
    if (e->stream) release(self);
    if (!h->waiting) return Qnil;
    /* What may fail comes first. */
    struct http2_block *head = h->waiting->head;
    VALUE request = request_head_new(http2_session_request_class(e->session), &head->index,
                                     e->owner, e->at_once ? self : Qnil);
    struct http2_stream *s = http2_take(h);
    s->exchange = (uintptr_t)self;
    RB_OBJ_WRITTEN(e->session, Qundef, self);
    e->stream = s;
    RB_OBJ_WRITE(self, &e->request, request);
    if (s->refusal) raise_refusal(s);
    return request;
}

/*
 *  call-seq: release -> self
 *
 *  The request is served. What is left of its body is dropped; a client that still sends it is told
 *  to stop, once it has the answer. Without a complete answer the stream is reset.
 */
static VALUE exchange_release(VALUE self)
{
    return release(self);
}

/* --- the body --- */

/*
 *  call-seq: read_body(max = 65536, buffer = nil) -> String or nil
 *
 *  The next bytes of the body, at most +max+, in BINARY, in +buffer+ (replacing what it holds) or a
 *  new String. nil when the body is at its end (complete?), when more must be fed first, or when
 *  the stream is closed?. Raises ProtocolError for a body that is longer than allowed.
 */
static VALUE exchange_read_body(int argc, VALUE *argv, VALUE self)
{
    rb_check_arity(argc, 0, 2);
    long max = argc > 0 && !NIL_P(argv[0]) ? NUM2LONG(argv[0]) : 65536;
    if (max <= 0) rb_raise(rb_eArgError, "the number of bytes must be positive (%ld given)", max);
    VALUE buffer = argc > 1 ? argv[1] : Qnil;
    if (!NIL_P(buffer)) {
        StringValue(buffer);
        rb_str_modify(buffer);
    }
    struct http2_stream *s = exchange_get(self)->stream;
    if (!s) return Qnil;
    if (s->refusal && !s->closed) raise_refusal(s);
    size_t room = s->body_end - s->body_at;
    if (room == 0) {
        s->wants_input = !s->ended && !s->closed;
        if (s->wants_input) http2_widen(s);
        return Qnil;
    }
    if (room > (size_t)max) room = (size_t)max;
    if (NIL_P(buffer)) {
        buffer = rb_str_buf_new((long)room);
    } else {
        rb_str_set_len(buffer, 0);
        rb_str_modify_expand(buffer, (long)room);
        rb_enc_associate(buffer, rb_ascii8bit_encoding());
    }
    rb_str_set_len(buffer, (long)http2_body_read(s, RSTRING_PTR(buffer), room));
    return buffer;
}

/* call-seq: complete? -> true or false: whether the request is read to its end */
static VALUE exchange_complete_p(VALUE self)
{
    struct http2_stream *s = exchange_get(self)->stream;
    return !s || (s->ended && s->body_at == s->body_end && !s->refusal) ? Qtrue : Qfalse;
}

/* call-seq: buffered -> Integer: bytes of the body that have come and were not read */
static VALUE exchange_buffered(VALUE self)
{
    struct http2_stream *s = exchange_get(self)->stream;
    return SIZET2NUM(s ? s->body_end - s->body_at : 0);
}

/* call-seq: trailers -> Hash: fields that came after the body, as in Request#headers */
static VALUE exchange_trailers(VALUE self)
{
    struct http2_stream *s = exchange_get(self)->stream;
    return s && s->trailers ? http_fields_hash(&s->trailers->index) : rb_hash_new();
}

/* --- the stream --- */

/* call-seq: closed? -> true or false: whether the client has reset the stream, or is gone */
static VALUE exchange_closed_p(VALUE self)
{
    struct http2_stream *s = exchange_get(self)->stream;
    return !s || s->closed ? Qtrue : Qfalse;
}

/* call-seq: reset_code -> Integer or nil: why it is closed? (RFC 9113, section 7) */
static VALUE exchange_reset_code(VALUE self)
{
    struct http2_stream *s = exchange_get(self)->stream;
    return s && s->closed ? UINT2NUM(s->reset_code) : Qnil;
}

/* call-seq: reset(code) -> self: gives up the stream, when what was written is out */
static VALUE exchange_reset(VALUE self, VALUE code)
{
    struct http2_stream *s = exchange_get(self)->stream;
    uint32_t number = NUM2UINT(code);
    if (!s || s->closed) return self;
    http2_abort(s, number);
    return self;
}

/* call-seq: id -> Integer or nil: of the stream */
static VALUE exchange_id(VALUE self)
{
    struct http2_stream *s = exchange_get(self)->stream;
    return s ? INT2NUM(s->id) : Qnil;
}

/* call-seq: queued -> Integer: bytes of the answer's body that the client has not taken */
static VALUE exchange_queued(VALUE self)
{
    struct http2_stream *s = exchange_get(self)->stream;
    return SIZET2NUM(s ? s->queued : 0);
}

/*
 *  call-seq: abandoned? -> true or false
 *
 *  Whether it is closed? before its answer was made: nobody wants that any more.
 */
static VALUE exchange_abandoned_p(VALUE self)
{
    struct http2_stream *s = exchange_get(self)->stream;
    return s && s->closed && !s->finished ? Qtrue : Qfalse;
}

/* call-seq: finished? -> true or false: whether the end of an answer was made */
static VALUE exchange_finished_p(VALUE self)
{
    struct http2_stream *s = exchange_get(self)->stream;
    return s && s->finished ? Qtrue : Qfalse;
}

/* call-seq: started? -> true or false: whether the head of an answer was made */
static VALUE exchange_started_p(VALUE self)
{
    struct http2_stream *s = exchange_get(self)->stream;
    return s && s->started ? Qtrue : Qfalse;
}

/* call-seq: await_room -> true or false: whether to wait until Session#news names it */
static VALUE exchange_await_room(VALUE self)
{
    struct http2_stream *s = exchange_get(self)->stream;
    if (!s || s->closed || s->queued <= HTTP2_LOW) return Qfalse;
    s->wants_room = 1;
    return Qtrue;
}

/* call-seq: inspect -> String */
static VALUE exchange_inspect(VALUE self)
{
    struct http2_stream *s = exchange_get(self)->stream;
    if (!s) return rb_sprintf("#<%" PRIsVALUE " idle>", rb_obj_class(self));
    return rb_sprintf("#<%" PRIsVALUE " stream=%d%s%s buffered=%" PRIuSIZE " queued=%" PRIuSIZE ">",
                      rb_obj_class(self), s->id, s->closed ? " closed" : "",
                      s->finished  ? " answered"
                      : s->started ? " answering"
                                   : "",
                      s->body_end - s->body_at, s->queued);
}

void Init_polyphony_http2_exchange(VALUE http2)
{
    VALUE exchange = rb_define_class_under(http2, "Exchange", rb_cObject);
    rb_define_alloc_func(exchange, exchange_alloc);
    rb_define_method(exchange, "initialize", exchange_initialize, -1);
    rb_define_method(exchange, "take", exchange_take, 0);
    rb_define_method(exchange, "release", exchange_release, 0);
    rb_define_method(exchange, "read_body", exchange_read_body, -1);
    rb_define_method(exchange, "complete?", exchange_complete_p, 0);
    rb_define_method(exchange, "buffered", exchange_buffered, 0);
    rb_define_method(exchange, "trailers", exchange_trailers, 0);
    rb_define_method(exchange, "closed?", exchange_closed_p, 0);
    rb_define_method(exchange, "reset_code", exchange_reset_code, 0);
    rb_define_method(exchange, "reset", exchange_reset, 1);
    rb_define_method(exchange, "id", exchange_id, 0);
    rb_define_method(exchange, "queued", exchange_queued, 0);
    rb_define_method(exchange, "abandoned?", exchange_abandoned_p, 0);
    rb_define_method(exchange, "finished?", exchange_finished_p, 0);
    rb_define_method(exchange, "started?", exchange_started_p, 0);
    rb_define_method(exchange, "await_room", exchange_await_room, 0);
    rb_define_method(exchange, "inspect", exchange_inspect, 0);
    rb_undef_method(exchange, "initialize_copy");
    Init_polyphony_http2_respond(exchange);
}
