#include "http1_writer.h"
#include <string.h>

/*
 * Document-class: Polyphony::HTTP::HTTP1::Parser
 *
 * For the server's side of one connection. The loop that it is made for:
 *
 *   parser = Parser.new(limits)
 *   until (head = parser.next_head)          # nil: a head is not there yet
 *     parser.feed(read_some) or break        # whatever the connection gives
 *   end
 *   until parser.complete?                   # the body, as the handler asks for it
 *     chunk = parser.read_body(65_536) or parser.feed(read_some)
 *   end
 *   parser.trailers                          # then next_head again: what was read ahead is kept
 *
 * next_head and read_body raise ProtocolError, with the status that the client should get and the
 * reason for the log; from then on always the same one: answer, and close.
 */

struct parser {
    struct http1_parser http1;
    VALUE head_class, trailers;
    VALUE context, writer; /* for the heads; nil, but for #serve_for */
};

struct http1_field http_scratch[HTTP1_MAX_FIELDS];

static void parser_mark(void *pointer)
{
    struct parser *p = pointer;
    rb_gc_mark_movable(p->head_class);
    rb_gc_mark_movable(p->trailers);
    rb_gc_mark_movable(p->context);
    rb_gc_mark_movable(p->writer);
}

static void parser_compact(void *pointer)
{
    struct parser *p = pointer;
    p->head_class = rb_gc_location(p->head_class);
    p->trailers = rb_gc_location(p->trailers);
    p->context = rb_gc_location(p->context);
    p->writer = rb_gc_location(p->writer);
}

static void parser_free(void *pointer)
{
    http1_free(&((struct parser *)pointer)->http1);
    ruby_xfree(pointer);
}

static size_t parser_size(const void *pointer)
{
    return sizeof(struct parser) + ((const struct parser *)pointer)->http1.capacity;
}

static const rb_data_type_t parser_type = {
    .wrap_struct_name = "polyphony/http1_parser",
    .function = {parser_mark, parser_free, parser_size, parser_compact},
    .flags = RUBY_TYPED_FREE_IMMEDIATELY | RUBY_TYPED_WB_PROTECTED,
};

static VALUE head_base;

static VALUE parser_alloc(VALUE class)
{
    struct parser *p;
    VALUE self = TypedData_Make_Struct(class, struct parser, &parser_type, p);
    p->trailers = p->context = p->writer = Qnil;
    return self;
}

static struct parser *parser_get(VALUE self)
{
    struct parser *p = rb_check_typeddata(self, &parser_type);
    if (!p->head_class) rb_raise(rb_eArgError, "uninitialized parser");
    return p;
}

static uint64_t limit_at(VALUE limits, long index)
{
    return NUM2ULL(rb_ary_entry(limits, index));
}

/*
 *  call-seq: Parser.new(limits = Limits::DEFAULT, head_class = RequestHead)
 *
 *  +limits+ is a Limits, +head_class+ a class below RequestHead for what next_head gives; its
 *  initialize is not called.
 */
static VALUE parser_initialize(int argc, VALUE *argv, VALUE self)
{
    struct parser *p = rb_check_typeddata(self, &parser_type);
    rb_check_arity(argc, 0, 2);
    VALUE class = argc > 1 ? argv[1] : head_base;
    VALUE http1 = rb_path2class("Polyphony::HTTP::HTTP1");
    VALUE limits_class = rb_const_get(http1, rb_intern("Limits"));
    VALUE limits = argc > 0 ? argv[0] : rb_const_get(limits_class, rb_intern("DEFAULT"));
    if (!rb_obj_is_kind_of(limits, limits_class)) rb_raise(rb_eTypeError, "Limits expected");
    if (!RB_TYPE_P(class, T_CLASS) || !RTEST(rb_class_inherited_p(class, head_base)))
        rb_raise(rb_eTypeError, "a class below RequestHead expected");
    limits = rb_convert_type(rb_funcall(limits, rb_intern("to_a"), 0), T_ARRAY, "Array", "to_a");
    struct http1_limits l = {limit_at(limits, 0), limit_at(limits, 1), limit_at(limits, 2),
                             limit_at(limits, 3), limit_at(limits, 4), limit_at(limits, 5),
                             limit_at(limits, 6)};
    if (l.head > HTTP1_MAX_HEAD || l.trailer > HTTP1_MAX_HEAD || l.fields > HTTP1_MAX_FIELDS ||
        l.trailer_fields > HTTP1_MAX_FIELDS)
        rb_raise(rb_eArgError, "limit too high");
    http1_free(&p->http1);
    http1_init(&p->http1, &l);
    RB_OBJ_WRITE(self, &p->head_class, class);
    return self;
}

NORETURN(static void raise_error(const struct parser *p));

static void raise_error(const struct parser *p)
{
    VALUE arguments[] = {rb_str_new_cstr(p->http1.error.reason), INT2FIX(p->http1.error.status)};
    rb_exc_raise(rb_class_new_instance(2, arguments, eProtocolError));
}

/*
 *  call-seq: serve_for(context, writer) -> self
 *
 *  From now on each head has +context+ as its context, and can be answered to +writer+ by
 *  RequestHead#answer_at_once; nil: that is for +context+ to do.
 */
static VALUE parser_serve_for(VALUE self, VALUE context, VALUE writer)
{
    struct parser *p = parser_get(self);
    if (!NIL_P(writer)) writer_get(writer); /* is it one? */
    RB_OBJ_WRITE(self, &p->context, context);
    RB_OBJ_WRITE(self, &p->writer, writer);
    return self;
}

static void feed(struct parser *p, VALUE data)
{
    StringValue(data);
    if (http1_feed(&p->http1, RSTRING_PTR(data), (size_t)RSTRING_LEN(data)) < 0) rb_memerror();
    RB_GC_GUARD(data);
}

/*
 *  call-seq: feed(data) -> self
 *
 *  Takes over what was read from the connection: +data+ can be used again.
 */
static VALUE parser_feed(VALUE self, VALUE data)
{
    feed(parser_get(self), data);
    return self;
}

/*
 *  call-seq: next_head(data = nil) -> RequestHead or nil
 *
 *  The head of the next request, after feeding +data+; nil when more must be fed first. The body of
 * the one before must be complete. Raises ProtocolError.
 */
static VALUE parser_next_head(int argc, VALUE *argv, VALUE self)
{
    struct parser *p = parser_get(self);
    struct http1_head index = {.fields = http_scratch};
    rb_check_arity(argc, 0, 1);
    if (argc > 0 && !NIL_P(argv[0])) feed(p, argv[0]);
    if (p->http1.state != HTTP1_HEAD && p->http1.state != HTTP1_FAILED_STATE)
        rb_raise(rb_eArgError, "the body of the request before is not complete");
    switch (http1_next_head(&p->http1, &index)) {
    case HTTP1_READY:
        p->trailers = Qnil;
        return request_head_new(p->head_class, &index, p->context, p->writer);
    case HTTP1_FAILED:
        raise_error(p);
    default:
        return Qnil;
    }
}

/* What is there of answers already may wait for those to further requests that came with this one. */
#define FLUSH_ABOVE 65536

/*
 *  call-seq: settled?(head) -> true or false
 *
 *  Whether the request of +head+ needs nothing more, as most do not: it was answered in one go, its
 *  body, if any, was read, the connection goes on, and there is little to be written.
 */
static VALUE parser_settled_p(VALUE self, VALUE head)
{
    struct parser *p = parser_get(self);
    if (request_head_get(head)->status < 200 || NIL_P(p->writer)) return Qfalse;
    const struct writer *w = writer_get(p->writer);
    return p->http1.state == HTTP1_HEAD && w->framing == FRAMING_IDLE && w->keep_alive &&
                   w->out.size + w->parts_size <= FLUSH_ABOVE
               ? Qtrue
               : Qfalse;
}

/*
 *  call-seq: read_body(max = 65536, buffer = nil) -> String or nil
 *
 *  The next bytes of the body, at most +max+, in BINARY, in +buffer+ (replacing what it holds) or a
 * new String. nil when the body is at its end (complete?) or when more must be fed first. Raises
 *  ProtocolError.
 */
static VALUE parser_read_body(int argc, VALUE *argv, VALUE self)
{
    struct parser *p = parser_get(self);
    rb_check_arity(argc, 0, 2);
    long max = argc > 0 && !NIL_P(argv[0]) ? NUM2LONG(argv[0]) : 65536;
    if (max <= 0) rb_raise(rb_eArgError, "the number of bytes must be positive (%ld given)", max);
    VALUE buffer = argc > 1 ? argv[1] : Qnil;
    if (!NIL_P(buffer)) {
        StringValue(buffer);
        rb_str_modify(buffer);
    }
    if (p->http1.state == HTTP1_HEAD) return Qnil;
    size_t unused = http1_unused(&p->http1), got,
           room = (size_t)max < unused ? (size_t)max : unused;
    if (room == 0 && p->http1.state != HTTP1_FAILED_STATE) return Qnil;
    if (NIL_P(buffer)) {
        buffer = rb_str_buf_new((long)room);
    } else {
        rb_str_set_len(buffer, 0);
        rb_str_modify_expand(buffer, (long)room);
        rb_enc_associate(buffer, rb_ascii8bit_encoding());
    }
    struct http1_head trailers = {.fields = http_scratch};
    switch (http1_read_body(&p->http1, RSTRING_PTR(buffer), room, &got, &trailers)) {
    case HTTP1_READY:
        rb_str_set_len(buffer, (long)got);
        return buffer;
    case HTTP1_FAILED:
        raise_error(p);
    case HTTP1_DONE:
        if (trailers.count > 0) RB_OBJ_WRITE(self, &p->trailers, http_fields_hash(&trailers));
        return Qnil;
    default:
        return Qnil;
    }
}

/*
 *  call-seq: bypass(bytes) -> self
 *
 *  Counts +bytes+ of a body with Content-Length as taken that were read from the connection into
 * some other place. For bodies too large to be copied; nothing may be buffered, and +remaining+ is
 * the most.
 */
static VALUE parser_bypass(VALUE self, VALUE bytes)
{
    struct parser *p = parser_get(self);
    uint64_t size = NUM2ULL(bytes);
    if (p->http1.state != HTTP1_LENGTH || http1_unused(&p->http1) > 0 || size > p->http1.remaining)
        rb_raise(rb_eArgError,
                 "more than remains of the body, or bytes before it are still buffered");
    p->http1.remaining -= size;
    if (p->http1.remaining == 0) p->http1.state = HTTP1_HEAD;
    return self;
}

/* call-seq: complete? -> true or false: whether the last request is read to its end */
static VALUE parser_complete_p(VALUE self)
{
    return parser_get(self)->http1.state == HTTP1_HEAD ? Qtrue : Qfalse;
}

/* call-seq: remaining -> Integer or nil: bytes of the body still to be taken, nil when nobody knows
 */
static VALUE parser_remaining(VALUE self)
{
    struct http1_parser *p = &parser_get(self)->http1;
    if (p->state == HTTP1_HEAD) return INT2FIX(0);
    return p->state == HTTP1_LENGTH ? ULL2NUM(p->remaining) : Qnil;
}

/* call-seq: trailers -> Hash: fields that came after a chunked body, as in RequestHead#headers */
static VALUE parser_trailers(VALUE self)
{
    VALUE trailers = parser_get(self)->trailers;
    return NIL_P(trailers) ? rb_hash_new() : trailers;
}

/* call-seq: started? -> true or false: whether a part of a head is there (idle or slow?) */
static VALUE parser_started_p(VALUE self)
{
    struct http1_parser *p = &parser_get(self)->http1;
    return p->state == HTTP1_HEAD && http1_unused(p) > 0 ? Qtrue : Qfalse;
}

/* call-seq: failed? -> true or false: whether a ProtocolError was raised */
static VALUE parser_failed_p(VALUE self)
{
    return parser_get(self)->http1.state == HTTP1_FAILED_STATE ? Qtrue : Qfalse;
}

/* call-seq: buffered -> Integer: bytes that were fed and not used yet */
static VALUE parser_buffered(VALUE self)
{
    return SIZET2NUM(http1_unused(&parser_get(self)->http1));
}

/*
 *  call-seq: take_buffered -> String
 *
 *  What was fed and not used, for whoever has the connection from now on (after an upgrade or a
 * hijack).
 */
static VALUE parser_take_buffered(VALUE self)
{
    struct http1_parser *p = &parser_get(self)->http1;
    VALUE rest = rb_str_new(p->bytes ? p->bytes + p->start : "", (long)http1_unused(p));
    http1_free(p);
    return rest;
}

/* call-seq: trim -> self: gives the buffer's memory back while nothing is in it; for idle
 * connections */
static VALUE parser_trim(VALUE self)
{
    http1_trim(&parser_get(self)->http1);
    return self;
}

/* call-seq: inspect -> String */
static VALUE parser_inspect(VALUE self)
{
    static const char *const states[] = {"head",  "body",     "chunk", "chunk",
                                         "chunk", "trailers", "failed"};
    struct http1_parser *p = &parser_get(self)->http1;
    return rb_sprintf("#<%" PRIsVALUE " expects=%s buffered=%" PRIuSIZE ">", rb_obj_class(self),
                      states[p->state], http1_unused(p));
}

void Init_polyphony_http1_parser(VALUE http1)
{
    head_base = rb_const_get(http1, rb_intern("RequestHead"));
    rb_gc_register_mark_object(head_base);
    VALUE parser = rb_define_class_under(http1, "Parser", rb_cObject);
    rb_define_alloc_func(parser, parser_alloc);
    rb_define_method(parser, "initialize", parser_initialize, -1);
    rb_define_method(parser, "feed", parser_feed, 1);
    rb_define_method(parser, "next_head", parser_next_head, -1);
    rb_define_method(parser, "serve_for", parser_serve_for, 2);
    rb_define_method(parser, "settled?", parser_settled_p, 1);
    rb_define_method(parser, "read_body", parser_read_body, -1);
    rb_define_method(parser, "bypass", parser_bypass, 1);
    rb_define_method(parser, "complete?", parser_complete_p, 0);
    rb_define_method(parser, "remaining", parser_remaining, 0);
    rb_define_method(parser, "trailers", parser_trailers, 0);
    rb_define_method(parser, "started?", parser_started_p, 0);
    rb_define_method(parser, "failed?", parser_failed_p, 0);
    rb_define_method(parser, "buffered", parser_buffered, 0);
    rb_define_method(parser, "take_buffered", parser_take_buffered, 0);
    rb_define_method(parser, "trim", parser_trim, 0);
    rb_define_method(parser, "inspect", parser_inspect, 0);
    rb_undef_method(parser, "initialize_copy");
}
