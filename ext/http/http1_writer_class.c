#include "http1_writer.h"
#include <string.h>

/*
 * Document-class: Polyphony::HTTP::HTTP1::Writer
 *
 * Makes the bytes of the responses of one connection. It writes to no socket: what was made is
 * taken by #output, so that a response is one write, and several responses to pipelined requests
 * too.
 *
 *   writer = Writer.new
 *   writer.respond(head, 200, { 'content-type' => 'text/plain' }, 'hello')
 *   # or: writer.start(head, 200, {}); writer.write('hel'); writer.write('lo'); writer.finish
 *   backend.write(socket, *writer.output) unless parser.started?   # a String, or an Array of them
 *   socket.close unless writer.keep_alive?
 *
 * It decides about Content-Length, Transfer-Encoding, Connection and Date. A wrong response raises
 * ResponseError before any of it is in the output: answer with 500 instead. Without a head (nil),
 * as after a ProtocolError, the connection is to be closed.
 */

static void writer_mark(void *pointer)
{
    rb_gc_mark_movable(((struct writer *)pointer)->parts);
}

static void writer_compact(void *pointer)
{
    struct writer *w = pointer;
    w->parts = rb_gc_location(w->parts);
}

static void writer_free(void *pointer)
{
    http1_output_free(&((struct writer *)pointer)->out);
    ruby_xfree(pointer);
}

static size_t writer_size(const void *pointer)
{
    return sizeof(struct writer) + ((const struct writer *)pointer)->out.capacity;
}

static const rb_data_type_t writer_type = {
    .wrap_struct_name = "polyphony/http1_writer",
    .function = {writer_mark, writer_free, writer_size, writer_compact},
    .flags = RUBY_TYPED_FREE_IMMEDIATELY | RUBY_TYPED_WB_PROTECTED,
};

static VALUE writer_alloc(VALUE class)
{
    struct writer *w;
    VALUE self = TypedData_Make_Struct(class, struct writer, &writer_type, w);
    w->parts = Qnil;
    w->keep_alive = 1;
    w->before = NOTHING_TO_RETRACT;
    return self;
}

struct writer *writer_get(VALUE self)
{
    return rb_check_typeddata(self, &writer_type);
}

/* --- output --- */

VALUE writer_take_out(struct writer *w)
{
    VALUE string = rb_obj_freeze(rb_str_new(w->out.bytes, (long)w->out.size));
    http1_output_free(&w->out);
    return string;
}

static VALUE take_out_into(struct writer *w, VALUE buffer)
{
    StringValue(buffer);
    rb_str_modify(buffer);
    rb_str_set_len(buffer, 0); /* which keeps its memory */
    if (rb_str_capacity(buffer) < w->out.size) rb_str_modify_expand(buffer, (long)w->out.size);
    memcpy(RSTRING_PTR(buffer), w->out.bytes, w->out.size);
    rb_str_set_len(buffer, (long)w->out.size);
    ENC_CODERANGE_CLEAR(buffer);
    http1_output_free(&w->out);
    return buffer;
}

void writer_push_part(VALUE self, struct writer *w, VALUE string)
{
    if (NIL_P(w->parts)) RB_OBJ_WRITE(self, &w->parts, rb_ary_new());
    rb_ary_push(w->parts, string);
    w->parts_size += (size_t)RSTRING_LEN(string);
}

/* --- state --- */

/*
 *  call-seq: output(buffer = nil) -> String, Array of Strings or nil
 *
 *  Takes what is to be written now: frozen, one String or several; nil when there is nothing. One
 *  String is put into +buffer+, replacing what that holds, if there is one: then it is that one, and
 *  not frozen.
 */
static VALUE writer_output(int argc, VALUE *argv, VALUE self)
{
    struct writer *w = writer_get(self);
    rb_check_arity(argc, 0, 1);
    w->before = NOTHING_TO_RETRACT;
    if (NIL_P(w->parts)) {
        if (w->out.size == 0) return Qnil;
        return argc > 0 && !NIL_P(argv[0]) ? take_out_into(w, argv[0]) : writer_take_out(w);
    }
    if (w->out.size > 0) writer_push_part(self, w, writer_take_out(w));
    VALUE parts = w->parts;
    w->parts = Qnil;
    w->parts_size = 0;
    return parts;
}

/* call-seq: pending -> Integer: bytes that #output would give */
static VALUE writer_pending(VALUE self)
{
    struct writer *w = writer_get(self);
    return SIZET2NUM(w->out.size + w->parts_size);
}

/* Leaves the first `size` bytes of the parts. */
static void cut_parts(VALUE self, struct writer *w, size_t size)
{
    while (w->parts_size > size) {
        VALUE part = rb_ary_pop(w->parts);
        w->parts_size -= (size_t)RSTRING_LEN(part);
        if (w->parts_size < size)
            writer_push_part(self, w,
                             rb_str_new_frozen(rb_str_subseq(part, 0, (long)(size - w->parts_size))));
    }
}

/*
 *  call-seq: retract -> true or false
 *
 *  Takes back the last response, if #respond has made it and nothing of it was taken by #output:
 *  its request turns out to be none. False if it cannot be taken back.
 */
static VALUE writer_retract(VALUE self)
{
    struct writer *w = writer_get(self);
    if (w->before == NOTHING_TO_RETRACT || w->framing != FRAMING_IDLE) return Qfalse;
    if (w->before < w->parts_size) {
        cut_parts(self, w, w->before);
        w->out.size = 0;
    } else {
        w->out.size = w->before - w->parts_size;
    }
    w->before = NOTHING_TO_RETRACT;
    return Qtrue;
}

/* call-seq: trim -> self: gives its memory back while there is nothing to be written; for idle
 * connections */
static VALUE writer_trim(VALUE self)
{
    struct writer *w = writer_get(self);
    if (w->out.size == 0) http1_output_free(&w->out);
    return self;
}

/* call-seq: keep_alive? -> true or false: whether the connection goes on after what was written so
 * far */
static VALUE writer_keep_alive_p(VALUE self)
{
    return writer_get(self)->keep_alive ? Qtrue : Qfalse;
}

/* call-seq: last! -> self: the next response is the last, and will say so (a limit, a server that
 * stops) */
static VALUE writer_last(VALUE self)
{
    writer_get(self)->keep_alive = 0;
    return self;
}

/* call-seq: started? -> true or false: whether #finish is still to come */
static VALUE writer_started_p(VALUE self)
{
    return writer_get(self)->framing == FRAMING_IDLE ? Qfalse : Qtrue;
}

/* call-seq: inspect -> String */
static VALUE writer_inspect(VALUE self)
{
    static const char *const framings[] = {"idle", "no body", "length", "chunked", "until close"};
    struct writer *w = writer_get(self);
    return rb_sprintf("#<%" PRIsVALUE " %s pending=%" PRIuSIZE "%s>", rb_obj_class(self),
                      framings[w->framing], w->out.size + w->parts_size,
                      w->keep_alive ? "" : " closing");
}

void Init_polyphony_http1_writer(VALUE http1)
{
    VALUE writer = rb_define_class_under(http1, "Writer", rb_cObject);
    rb_define_alloc_func(writer, writer_alloc);
    Init_polyphony_http1_responses(writer);
    rb_define_method(writer, "output", writer_output, -1);
    rb_define_method(writer, "pending", writer_pending, 0);
    rb_define_method(writer, "retract", writer_retract, 0);
    rb_define_method(writer, "trim", writer_trim, 0);
    rb_define_method(writer, "keep_alive?", writer_keep_alive_p, 0);
    rb_define_method(writer, "last!", writer_last, 0);
    rb_define_method(writer, "started?", writer_started_p, 0);
    rb_define_method(writer, "inspect", writer_inspect, 0);
    rb_undef_method(writer, "initialize_copy");
}
