#include "http_ext.h"
#include "websocket.h"
#include <string.h>

/*
 * Document-class: Polyphony::HTTP::WebSocket::Decoder
 *
 * What a client sends, as messages. For one connection:
 *
 *   decoder = Decoder.new(max_message, max_frames, compression)
 *   decoder.feed(bytes)
 *   while (event = decoder.next)   # nil: feed it more
 *
 * An event is a String, which is a message: in UTF-8, and valid, or in BINARY; or one of these
 * Symbols, with #payload: :text and :binary for a message that is compressed yet, :ping, :pong,
 * :close (with #code, 1005 without one) and, from then on always, :failed (with #code and #reason).
 */

struct decoder {
    struct ws_decoder ws;
    uint8_t *bytes; /* that were fed; from `start` to `end` not used yet */
    size_t start, end, room;
    VALUE message, payload;
};

static VALUE sym_text, sym_binary, sym_ping, sym_pong, sym_close, sym_failed;

static void decoder_mark(void *pointer)
{
    struct decoder *d = pointer;
    rb_gc_mark_movable(d->message);
    rb_gc_mark_movable(d->payload);
}

static void decoder_compact(void *pointer)
{
    struct decoder *d = pointer;
    d->message = rb_gc_location(d->message);
    d->payload = rb_gc_location(d->payload);
}

static void decoder_free(void *pointer)
{
    ruby_xfree(((struct decoder *)pointer)->bytes);
    ruby_xfree(pointer);
}

static size_t decoder_size(const void *pointer)
{
    return sizeof(struct decoder) + ((const struct decoder *)pointer)->room;
}

static const rb_data_type_t decoder_type = {
    .wrap_struct_name = "polyphony/websocket_decoder",
    .function = {decoder_mark, decoder_free, decoder_size, decoder_compact},
    .flags = RUBY_TYPED_FREE_IMMEDIATELY | RUBY_TYPED_WB_PROTECTED,
};

static VALUE decoder_alloc(VALUE class)
{
    struct decoder *d;
    VALUE self = TypedData_Make_Struct(class, struct decoder, &decoder_type, d);
    d->message = d->payload = Qnil;
    return self;
}

static struct decoder *decoder_get(VALUE self)
{
    struct decoder *d = rb_check_typeddata(self, &decoder_type);
    if (!d->ws.max_frames) rb_raise(rb_eArgError, "uninitialized decoder");
    return d;
}

/*
 *  call-seq: Decoder.new(max_message, max_frames, compression) -> decoder
 *
 *  Bytes and frames that a message may have; whether messages may be compressed (RSV1).
 */
static VALUE decoder_initialize(VALUE self, VALUE max_message, VALUE max_frames, VALUE compression)
{
    struct decoder *d = rb_check_typeddata(self, &decoder_type);
    uint64_t bytes = NUM2ULL(max_message);
    uint32_t frames = NUM2UINT(max_frames);
    if (bytes > LONG_MAX || frames == 0) rb_raise(rb_eArgError, "limits out of range");
    d->ws.max_message = bytes;
    d->ws.max_frames = frames;
    d->ws.compression = RTEST(compression);
    return self;
}

/* call-seq: feed(bytes) -> self: what has come, in any pieces; it is copied. */
static VALUE decoder_feed(VALUE self, VALUE string)
{
    struct decoder *d = decoder_get(self);
    StringValue(string);
    size_t size = (size_t)RSTRING_LEN(string);
    if (d->start) {
        memmove(d->bytes, d->bytes + d->start, d->end - d->start);
        d->end -= d->start;
        d->start = 0;
    }
    if (d->end + size > d->room) {
        d->bytes = ruby_xrealloc(d->bytes, d->end + size);
        d->room = d->end + size;
    }
    if (size) memcpy(d->bytes + d->end, RSTRING_PTR(string), size);
    d->end += size;
    RB_GC_GUARD(string);
    return self;
}

/* All is used: a connection that waits for the next message holds no memory for it. */
static void release(struct decoder *d)
{
    ruby_xfree(d->bytes);
    d->bytes = NULL;
    d->start = d->end = d->room = 0;
}

/* Room grows with what has come, not with what a frame has announced. */
static uint8_t *reserve(VALUE self, struct decoder *d, size_t more)
{
    if (NIL_P(d->message)) {
        size_t whole = d->ws.fin && more == d->ws.left ? more : more * 2;
        RB_OBJ_WRITE(self, &d->message, rb_str_buf_new((long)whole));
    } else if (rb_str_capacity(d->message) < (size_t)RSTRING_LEN(d->message) + more) {
        size_t size = (size_t)RSTRING_LEN(d->message);
        rb_str_modify_expand(d->message, (long)(size > more ? size : more));
    }
    return (uint8_t *)RSTRING_PTR(d->message) + RSTRING_LEN(d->message);
}

static int take_payload(VALUE self, struct decoder *d)
{
    size_t n = d->end - d->start;
    if (n > d->ws.left) n = (size_t)d->ws.left;
    uint8_t *to = reserve(self, d, n);
    int valid = ws_take(&d->ws, to, d->bytes + d->start, n);
    d->start += n;
    rb_str_set_len(d->message, RSTRING_LEN(d->message) + (long)n);
    return valid;
}

static VALUE take_message(VALUE self, struct decoder *d)
{
    VALUE message = NIL_P(d->message) ? rb_str_new(NULL, 0) : d->message;
    d->message = Qnil;
    if (d->ws.compressed) {
        RB_OBJ_WRITE(self, &d->payload, message);
        return d->ws.opcode == WS_TEXT ? sym_text : sym_binary;
    }
    if (d->ws.opcode == WS_TEXT) rb_enc_associate_index(message, rb_utf8_encindex());
    return message;
}

static VALUE take_control(VALUE self, struct decoder *d)
{
    int closes = d->ws.opcode == WS_CLOSE, skip = closes && d->ws.control_size ? 2 : 0;
    const char *bytes = (const char *)d->ws.control + skip;
    long size = (long)d->ws.control_size - skip;
    VALUE payload = closes ? rb_utf8_str_new(bytes, size) : rb_str_new(bytes, size);
    RB_OBJ_WRITE(self, &d->payload, payload);
    return closes ? sym_close : d->ws.opcode == WS_PING ? sym_ping : sym_pong;
}

/* call-seq: next -> String, Symbol or nil: see above */
static VALUE decoder_next(VALUE self)
{
    struct decoder *d = decoder_get(self);
    for (;;) {
        size_t used;
        enum ws_event event = ws_next(&d->ws, d->bytes + d->start, d->end - d->start, &used);
        d->start += used;
        switch (event) {
        case WS_MORE:
            if (d->bytes) release(d);
            return Qnil;
        case WS_PAYLOAD:
            if (take_payload(self, d)) break;
            /* fall through */
        case WS_FAILED:
            d->message = d->payload = Qnil;
            if (d->bytes) release(d);
            return sym_failed;
        case WS_MESSAGE:
            return take_message(self, d);
        case WS_CONTROL:
            return take_control(self, d);
        }
    }
}

/* call-seq: payload -> String: of the last event that was a Symbol; a close frame's reason */
static VALUE decoder_payload(VALUE self)
{
    return decoder_get(self)->payload;
}

/* call-seq: code -> Integer: why it failed, or the code of the last close frame */
static VALUE decoder_code(VALUE self)
{
    struct decoder *d = decoder_get(self);
    return INT2FIX(d->ws.code ? d->ws.code : ws_close_code(&d->ws));
}

/* call-seq: reason -> String or nil: why it failed */
static VALUE decoder_reason(VALUE self)
{
    struct decoder *d = decoder_get(self);
    return d->ws.reason ? rb_utf8_str_new_cstr(d->ws.reason) : Qnil;
}

/*
 *  call-seq: WebSocket.encode(opcode, payload, rsv1) -> String
 *
 *  A frame as servers send it: final, not masked.
 */
static VALUE websocket_encode(VALUE self, VALUE opcode, VALUE payload, VALUE rsv1)
{
    StringValue(payload);
    size_t size = (size_t)RSTRING_LEN(payload);
    uint8_t head[WS_HEAD_MAX];
    unsigned begins = ws_put_head(head, NUM2INT(opcode), RTEST(rsv1), size);
    VALUE frame = rb_str_buf_new((long)(begins + size));
    rb_str_buf_cat(frame, (const char *)head, begins);
    rb_str_buf_cat(frame, RSTRING_PTR(payload), (long)size);
    RB_GC_GUARD(payload);
    return rb_obj_freeze(frame);
}

static VALUE symbol(const char *name)
{
    return ID2SYM(rb_intern(name));
}

void Init_polyphony_websocket(VALUE http)
{
    VALUE websocket = rb_define_class_under(http, "WebSocket", rb_cObject);
    VALUE decoder = rb_define_class_under(websocket, "Decoder", rb_cObject);
    sym_text = symbol("text");
    sym_binary = symbol("binary");
    sym_ping = symbol("ping");
    sym_pong = symbol("pong");
    sym_close = symbol("close");
    sym_failed = symbol("failed");
    rb_define_alloc_func(decoder, decoder_alloc);
    rb_define_method(decoder, "initialize", decoder_initialize, 3);
    rb_define_method(decoder, "feed", decoder_feed, 1);
    rb_define_method(decoder, "next", decoder_next, 0);
    rb_define_method(decoder, "payload", decoder_payload, 0);
    rb_define_method(decoder, "code", decoder_code, 0);
    rb_define_method(decoder, "reason", decoder_reason, 0);
    rb_define_singleton_method(websocket, "encode", websocket_encode, 3);
}
